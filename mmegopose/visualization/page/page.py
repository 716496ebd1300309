"""From motions to the page: what fits together, how much of it, and the text of the file."""
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ...files import atomic_write
from ...motion import Motion
from ..comparisons import errors_in_time, truth_at
from .page_facts import describe, fact_lists
from .page_people import pack_person
from .page_pictures import pack_pictures
from .page_scene import arrange

ASSETS = Path(__file__).parents[2] / 'assets' / 'viewer'
SCRIPTS = ('person.js', 'surface.js', 'view.js', 'scene.js', 'timeline.js', 'picture.js', 'main.js')
MAX_POSE_BYTES = 9 << 20  # of the arrays of all people, without meshes
MAX_MESH_BYTES = 6 << 20
MAX_APART = 3600.0        # seconds between the recordings of one page
CLOCK = 1e5               # seconds; a later first time is that of a clock, and times are shown from the first one


def write_page(motions: Motion | Sequence[Motion], path: str | Path, *,
               truth: Motion | Sequence[Motion | None] | None = None, names: Sequence[str] | None = None,
               pictures: Iterable | None = None, title: str = 'Motion', notes: Sequence[str] = (),
               source: str = '') -> dict:
    """Write a page on which one can look at motions from all sides, play them, and compare them with the truth.

    Args:
        motions: of one or several people, at least one with a valid pose, all in one frame of reference. What is not
            in the world is turned upright, see :meth:`.Motion.upright`.
        path: of the HTML file.
        truth: of each of them, None where it is not known; it is looked at at the times of the motion.
        names: of the people; default: those of the motions.
        pictures: of the video from which the motions were made; anything that yields objects with ``time`` (seconds, of
            the same clock, ascending) and ``image`` (``(H,W,3)`` uint8 RGB or None).
        title: heading.
        notes: sentences that stand on the page.
        source: letters and digits that tell the results of a page.

    Returns:
        ``bytes`` of the page, its ``notes``: what is not shown as it is, and ``mean_errors``: metres, or None, by name.

    Raises:
        ValueError: no valid pose, or motions or truths that do not fit together.
        KeyError: the truth has another skeleton, of which the joints cannot be made.
        OSError: the file cannot be written; none is left.
    """
    motions = [motions] if isinstance(motions, Motion) else list(motions)
    known = [truth] if isinstance(truth, Motion) else list(truth or [None] * len(motions))
    notes = list(notes)
    names = _distinct(names or [_name(motion, number) for number, motion in enumerate(motions, 1)])
    if not len(motions) == len(names) == len(known):
        raise ValueError(f'{len(motions)} motions should have a name and a truth (or None) each, got {len(names)} and '
                         f'{len(known)}')
    _check_motions(motions, names)
    known = [_fitting(one, motion, name) for one, motion, name in zip(known, motions, names)]
    shown = [motion.upright() for motion in motions]
    errors = [None if one is None else errors_in_time([motion], [one], [np.arange(len(motion))])
              for motion, one in zip(shown, known)]
    layout, told = arrange(motions, shown, known)
    notes += told
    every, mesh_every = _how_many(shown, known, notes)
    people = [pack_person(motion[::every], one and one[::every], None if error is None else error[::every],
                          number=number, size=layout['sizes'][number], shift=layout['shifts'][number],
                          origin=layout['origin'], mesh_every=mesh_every)
              for number, (motion, one, error) in enumerate(zip(shown, known, errors))]
    first, last = min(float(motion.time[0]) for motion in motions), max(float(motion.time[-1]) for motion in motions)
    picture = pack_pictures(pictures, motions, first, last)
    means = [None if error is None or not np.isfinite(error).any() else float(np.nanmean(error)) for error in errors]
    data = dict(title=str(title)[:120], subtitle=describe(motions, means), notes=notes, picture=picture,
                people=[dict(person, name=name) for person, name in zip(people, names)],
                facts=fact_lists(motions, names, people, means), clock=-first if abs(first) > CLOCK else 0.0,
                **layout['page'])
    text = _page_text(data, ''.join(filter(str.isalnum, source)))
    with atomic_write(path) as file:
        file.write(text)
    return dict(bytes=len(text.encode()), notes=notes, mean_errors=dict(zip(names, means)))


def _page_text(data: dict, source: str) -> str:
    """The page. What a file brought is JSON in which no ``<`` stands, so it can end no script and begin no element."""
    parts = dict(source=source, style=(ASSETS / 'page.css').read_text(encoding='utf-8'),
                 data=json.dumps(data, allow_nan=False).replace('<', '\\u003c'),
                 script='\n'.join((ASSETS / name).read_text(encoding='utf-8') for name in SCRIPTS))
    text, rest = '', (ASSETS / 'page.html').read_text(encoding='utf-8')
    for key in ('source', 'style', 'data', 'script'):
        before, _, rest = rest.partition(f'@@{key}@@')
        text += before + parts[key]
    return text + rest


def _name(motion: Motion, number: int) -> str:
    """Who it is; names that are only numbers get a word."""
    name, word = motion.person or str(number), 'hand' if motion.skeleton.startswith('hand') else 'person'
    return name if re.search('[^0-9-]', name) else f'{word} {name}'


def _distinct(names: Sequence[str]) -> list:
    """Short names; those that come twice get a number."""
    names = [str(name)[:80] for name in names]
    return [f'{name} ({number})' if names.count(name) > 1 else name for number, name in enumerate(names, 1)]


def _kind(motion: Motion) -> str:
    """Frame of reference, in words."""
    if motion.frame == 'root':
        return f'root, with the axes of a {motion.provenance.get("axes", "camera")}'
    return 'camera, with a head track' if motion.frame == 'camera' and motion.head_pose is not None else motion.frame


def _check_motions(motions: list, names: list) -> None:
    if not motions or not any(motion.valid.any() for motion in motions):
        raise ValueError('there is no valid pose to show: ' + (
            'no frame of ' + ' or '.join(names[:3]) + ' has one' if motions else 'no motion is given'))
    for motion, name in zip(motions, names):
        if not len(motion):
            raise ValueError(f'the motion of {name} has no frame')
        if _kind(motion) != _kind(motions[0]):
            raise ValueError(f'{names[0]} is relative to the {_kind(motions[0])}, {name} to the {_kind(motion)}: show '
                             'them on pages of their own')
    ordered = sorted(zip(motions, names), key=lambda pair: pair[0].time[0])
    end, last = ordered[0][0].time[-1], ordered[0][1]
    for motion, name in ordered:
        if motion.time[0] - end > MAX_APART:
            raise ValueError(f'{name} begins at {motion.time[0]:.10g} s, {last} ends at {end:.10g} s: their clocks '
                             'differ, show them on pages of their own')
        end, last = max((end, last), (motion.time[-1], name))


def _fitting(truth: Motion | None, motion: Motion, name: str) -> Motion | None:
    """The truth in the joints, at the times and with the axes of what is shown of a motion."""
    if truth is None:
        return None
    if _kind(truth).split(',')[0] != _kind(motion).split(',')[0] or truth.frame == 'root' and _kind(truth) != _kind(
            motion):
        raise ValueError(f'the truth is relative to the {_kind(truth)}, {name} to the {_kind(motion)}: move one of '
                         'them (Motion.to_world, to_camera, to_root)')
    return truth_at(truth, motion).upright()


def _how_many(shown: list, truths: list, notes: list) -> tuple[int, int]:
    """Every how many-th frame, and of these every how many-th mesh, is in the page (0: no mesh)."""
    poses = sum(len(motion) * motion.num_joints * (6 + 6 * (truth is not None) + 4 * (motion.keypoints is not None))
                + 33 * len(motion) for motion, truth in zip(shown, truths))
    every = -(-poses // MAX_POSE_BYTES)
    if every > 1:
        notes.append(f'Only 1 of {every} frames is on the page, so that it stays small.')
    meshes = [(-(-len(motion) // every), 6 * motion.mesh.vertices.shape[1], 12 * len(motion.mesh.faces))
              for motion in shown if motion.mesh is not None]
    if sum(frame + faces for _, frame, faces in meshes) > MAX_MESH_BYTES:
        notes.append('The mesh is too large for a page and left out.')
        return every, 0
    mesh_every = max(-(-sum(count * frame for count, frame, _ in meshes) // MAX_MESH_BYTES), 1)
    if mesh_every > 1:
        notes.append(f'Only the mesh of 1 of {mesh_every} poses is on the page; between them its vertices move evenly.')
    return every, mesh_every
