"""JSON: everything that motions have, for web pages and other languages."""
import json
from pathlib import Path

import numpy as np

from ... import __version__
from ...files import atomic_write, finite_values
from ...motion import Motion
from ...structures import get_skeleton
from .text_rows import text_rows

VERSION = 1
AXES = dict(world='z up', camera='x right, y down, z forward')
FORMATS = dict(joints='%.6f', confidence='%.4f', spread='%.6f', keypoints='%.3f', head_pose='%.9g', vertices='%.6f')
PARAMETERS = '%.9g'
LISTS = dict(joints=False, confidence=False, spread=False, keypoints=False, head_pose=True, vertices=True)
"""Arrays with a row for each frame, and whether a row with no number in it is null instead of a list of them."""


def write_json(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write people in one document. What is not there is null: a joint, a head pose, a vertex list, a number.

    Places are rounded to a micrometre. ``docs/results.md`` describes the document.
    """
    with atomic_write(path) as file:
        head = dict(format='mmegopose motion', version=VERSION, generator=f'mmegopose {__version__}',
                    units=dict(length='metre', time='second', rotation='matrix'))
        file.write(json.dumps(head)[:-1] + ', "people": [')
        for i, motion in enumerate(motions):
            file.write(',\n' * bool(i))
            _write_person(file, motion)
        file.write('\n]}\n')
    return ['lengths are in metres' + ''.join(sorted({f', {axes_of(motion)}' for motion in motions}))]


def axes_of(motion: Motion) -> str:
    """What the axes of a motion mean."""
    if motion.frame == 'root':
        return AXES['world' if motion.provenance.get('axes') == 'world' else 'camera']
    return AXES[motion.frame]


def _write_person(file, motion: Motion) -> None:
    skeleton, mesh = get_skeleton(motion.skeleton), motion.mesh
    facts = dict(person=motion.person, frame=motion.frame, axes=axes_of(motion), skeleton=motion.skeleton,
                 joint_names=list(skeleton.joints), bones=[list(edge) for edge in skeleton.edges],
                 frames_per_second=motion.fps, time=np.round(motion.time, 6).tolist(), filled=motion.filled.tolist(),
                 image_size=motion.image_size, provenance=motion.provenance)
    file.write('\n' + json.dumps(finite_values(facts))[:-1])
    arrays: dict = {key: getattr(motion, key) for key in LISTS if getattr(motion, key, None) is not None}
    arrays['joints'] = np.where(np.asarray(motion.valid)[..., None], motion.joints, np.nan)
    if motion.head_pose is not None:
        arrays['head_pose'] = np.where(np.asarray(motion.head_valid)[:, None, None], motion.head_pose, np.nan)
    for key, values in arrays.items():
        _write_array(file, key, values, FORMATS[key], LISTS[key])
    if mesh is not None:
        file.write(f',\n"mesh": {json.dumps(dict(body_model=mesh.body_model, faces=mesh.faces.tolist()))[:-1]}')
        _write_array(file, 'vertices', mesh.vertices, FORMATS['vertices'], LISTS['vertices'])
        file.write(',\n"parameters": {')
        for i, (key, values) in enumerate(mesh.parameters.items()):
            _write_array(file, key, np.asarray(values), PARAMETERS, True, '' if not i else ',')
        file.write('}}')
    file.write('}')


def _write_array(file, key: str, values: np.ndarray, number: str, null_rows: bool, before: str = ',') -> None:
    """One line for each frame; what is not a finite number is null, and so is a point without any."""
    shape = values.shape[1:]
    form = number
    for size in reversed(shape):
        form = '[' + ','.join([form] * size) + ']'
    values = values.reshape(len(values), -1)
    empty = ~np.isfinite(values).any(1) & null_rows
    file.write(f'{before}\n{json.dumps(key)}: [')
    done = 0
    for text in text_rows(values, form + '\n'):
        if 'nan' in text:
            text = text.replace('[nan,nan,nan]', 'null').replace('[nan,nan]', 'null').replace('nan', 'null')
        lines = text.splitlines()
        lines = ['null' if empty[done + i] else line for i, line in enumerate(lines)]
        file.write(',\n' * bool(done) + ',\n'.join(lines))
        done += len(lines)
    file.write(']')
