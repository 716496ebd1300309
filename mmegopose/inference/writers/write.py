"""Motions as files of other programs: one call, and the file's ending says which."""
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...files import require_writable
from ...geometry.resampling import time_grid, time_tolerance
from ...motion import Motion
from .amass import write_amass
from .bvh import write_bvh
from .csv_file import write_csv
from .glb import write_glb
from .json_file import write_json
from .surfaces import sequence_folder, write_obj, write_ply
from .trc import write_trc

MAX_BRIDGED = 100_000  # frames, to which a motion with holes in its times may grow at one rate
NAME_BYTES = 100       # of a person, in the name of a file


class FileFormat(NamedTuple):
    """A kind of file.

    Attributes:
        suffix: its ending.
        write: ``(motions, path, unit) -> notes for the user``.
        several: one file holds several people.
        even: its frames come at one rate.
        units: of length, the first by default; empty: it has one.
        upright: its axes are its own; otherwise those of the motion.
    """
    suffix: str
    write: Callable
    several: bool = False
    even: bool = False
    units: tuple = ()
    upright: bool = True


def _write_npz(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    motions[0].save(path)
    return ['everything is in it; mmegopose.motion.Motion.load reads it']


FILE_FORMATS = dict(
    npz=FileFormat('.npz', _write_npz, upright=False),
    json=FileFormat('.json', write_json, several=True, upright=False),
    csv=FileFormat('.csv', write_csv, several=True, units=('m', 'cm', 'mm'), upright=False),
    bvh=FileFormat('.bvh', write_bvh, even=True, units=('cm', 'm', 'mm')),
    glb=FileFormat('.glb', write_glb, several=True),
    obj=FileFormat('.obj', write_obj, several=True, units=('m', 'cm', 'mm')),
    ply=FileFormat('.ply', write_ply, several=True, units=('m', 'cm', 'mm')),
    trc=FileFormat('.trc', write_trc, even=True, units=('m', 'mm')),
    amass=FileFormat('.npz', write_amass, even=True))
"""Kinds of files by name; of those with one ending the first is meant."""


class WrittenFiles(NamedTuple):
    """What was written.

    Attributes:
        files: files, or the folder of a sequence.
        notes: what they hold, and what was lost, for the user.
    """
    files: list
    notes: list


def write_motion(motions: Motion | Sequence[Motion], path: str | Path, format: str | None = None, *,
                 skeleton: str | None = None, frame: str | None = None, fps: float | None = None,
                 start: float | None = None, stop: float | None = None, time: float | None = None,
                 frame_number: int | None = None, unit: str | None = None, overwrite: bool = False) -> WrittenFiles:
    """Write motions to a file that other programs read.

    Args:
        motions: of one person, or of several people of one recording. Where a file holds one person, each has a file of
            their own, ``walk_PERSON.bvh``.
        path: file; its ending tells the format. OBJ and PLY of several frames: ``walk.obj`` stands for
            ``walk_obj/walk_00000.obj`` and so on.
        format: a name of :data:`FILE_FORMATS`; default: by the ending.
        skeleton: convert the joints to those of another skeleton.
        frame: move the joints into ``'world'``, ``'camera'`` or ``'root'``.
        fps: frames a second of the file; default: those of the motion.
        start, stop: seconds; ``start <= time < stop`` is written.
        time: only the frame that is nearest to this second; or
        frame_number: only this one, from 0; negative ones count from the end.
        unit: of length, where the format states none.
        overwrite: replace what is there.

    Returns:
        Files and notes.

    Raises:
        ValueError: a format, unit or range that cannot be; a motion without anything to write; a file that is there.
        PermissionError: the folder cannot be written.
    """
    people = [motions] if isinstance(motions, Motion) else list(motions)
    if not people:
        raise ValueError('there is no motion to write')
    path = Path(path).expanduser()
    kind = FILE_FORMATS[format_of(path, format)]
    if unit is not None and unit not in kind.units:
        raise ValueError(f'unit={unit!r}: a {kind.suffix} file is in ' + (f'one of {kind.units}' if kind.units else
                                                                         'metres, always'))
    written = WrittenFiles([], [])
    people = [_part(motion, start, stop, time, frame_number) for motion in people]
    nothing = 'no frame is between start and stop, or at that time: there is nothing to write'
    people = _kept(people, len, nothing, written.notes)
    people = [_moved(motion, frame) for motion in people]
    people = [motion.convert(skeleton) if skeleton else motion for motion in people]
    if fps is not None:
        people = _kept(_at_rate(people, fps), len, nothing, written.notes)
    if kind.upright:
        people = _kept(people, lambda motion: motion.valid.any(), f'{path}: there is no valid pose to write',
                       written.notes)
    if kind.even:
        people, uneven = zip(*(_even(motion) for motion in people))
        written.notes.extend(note for note in uneven if note)
    if kind.several and kind.upright:
        _require_one_frame(people)
        from ...visualization.comparisons import in_one_place  # matplotlib is loaded where it is needed
        people, _, moved = in_one_place(people, [None] * len(people))
        if moved:
            written.notes.append('people are relative to their roots, so where they stand is not known: they are moved '
                                 'apart; mmegopose predict --field-of-view tells their places')
    targets = target_files(people, path, format)
    for target, _ in targets:
        _require_free(target, path, overwrite)
    for target, group in targets:
        file = path if kind.suffix in ('.obj', '.ply') else target
        written.notes.extend(note for note in kind.write(group, file, unit) if note not in written.notes)
        written.files.append(target)
    return written


def format_of(path: str | Path, format: str | None = None) -> str:
    """Name of the format of a file. Raises ``ValueError`` with the nearest names."""
    suffix = Path(path).suffix.lower()
    if format is not None:
        if format not in FILE_FORMATS:
            raise ValueError(f'format={format!r} is not known{_nearest(format)}')
        if suffix != FILE_FORMATS[format].suffix:
            raise ValueError(f'{path}: a file of the format {format!r} should end in {FILE_FORMATS[format].suffix}')
        return format
    for name, kind in FILE_FORMATS.items():
        if kind.suffix == suffix:
            return name
    raise ValueError(f'{path} ends in {suffix or "nothing"}, which is no known format{_nearest(suffix[1:])}')


def target_files(motions: Sequence[Motion], path: Path, format: str | None = None) -> list[tuple[Path, list[Motion]]]:
    """The files or folders that are written, and who is in each."""
    path, kind = Path(path), FILE_FORMATS[format_of(path, format)]
    if kind.suffix in ('.obj', '.ply'):
        return [(sequence_folder(list(motions), path) or path, _named(motions))]
    if kind.several or len(motions) == 1:
        return [(path, _named(motions))]
    names = [re.sub(r'[^\w.-]+', '_', motion.person).encode()[:NAME_BYTES].decode(errors='ignore') or str(i)
             for i, motion in enumerate(motions)]
    names = [f'{name}_{i}' if names.count(name) > 1 else name for i, name in enumerate(names)]
    if len(set(map(str.casefold, names))) < len(names):  # two are one file where case does not count
        names = [f'{name}_{i}' for i, name in enumerate(names)]
    return [(path.with_name(f'{path.stem}_{name}{path.suffix}'), [motion]) for name, motion in zip(names, motions)]


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), FILE_FORMATS, 3, 0.4)
    return f'; nearest: {", ".join(near)}' if near else f'; there are {", ".join(FILE_FORMATS)}'


def _named(motions: Sequence[Motion]) -> list[Motion]:
    """People with names that differ."""
    names = [motion.person for motion in motions]
    return [replace(motion, person=f'{motion.person or "person"} {i}') if names.count(motion.person) > 1 else motion
            for i, motion in enumerate(motions)]


def _part(motion: Motion, start, stop, time, frame_number) -> Motion:
    if time is not None and frame_number is not None:
        raise ValueError(f'time={time} and frame_number={frame_number}: give one of them')
    if frame_number is not None:
        if not -len(motion) <= frame_number < len(motion):
            raise ValueError(f'frame_number={frame_number}: the motion has {len(motion)} frames, from 0')
        return motion[frame_number]
    if time is not None and len(motion):
        row = int(np.abs(motion.time - time).argmin())
        near = 0.5 / motion.fps if len(motion) > 1 else 0.0
        return motion[row] if abs(motion.time[row] - time) <= near + time_tolerance(motion.time) else motion[:0]
    return motion.cut(start, stop)


def _kept(people: list[Motion], holds: Callable, message: str, notes: list) -> list[Motion]:
    """Who has something to write; the others are noted. ``ValueError`` with the message if it is nobody."""
    kept = [motion for motion in people if holds(motion)]
    if not kept:
        raise ValueError(message)
    notes.extend(f'{motion.person or "a person"} is left out, without any pose there' for motion in people
                 if not holds(motion))
    return kept


def _moved(motion: Motion, frame: str | None) -> Motion:
    if frame is None or frame == motion.frame:
        return motion
    moves = dict(world=motion.to_world, camera=motion.to_camera, root=motion.to_root)
    if frame not in moves:
        raise ValueError(f'frame={frame!r} should be one of {tuple(moves)}')
    return moves[frame]()


def _at_rate(people: list[Motion], fps: float) -> list[Motion]:
    """Everybody at the same times, as far as they are there."""
    ends = np.concatenate([motion.time for motion in people])
    time, slack = time_grid(np.sort(ends), fps), time_tolerance(ends)
    return [motion.resample(time=time[(time >= motion.time[0] - slack) & (time <= motion.time[-1] + slack)])
            for motion in people]


def _even(motion: Motion) -> tuple[Motion, str]:
    """The motion with frames at one rate, and what was done for it."""
    steps = np.diff(motion.time)
    if len(steps) < 2:
        return motion, ''
    usual, off = np.median(steps), np.abs(motion.time - np.linspace(motion.time[0], motion.time[-1], len(motion))).max()
    if np.abs(steps - usual).max() <= 0.01 * usual and off <= 0.5 * usual:
        return motion, ''
    fps = float(f'{motion.fps:.5g}')
    if (count := motion.duration * fps) > max(MAX_BRIDGED, 2 * len(motion)):
        raise ValueError(f'{motion.person or "the person"}: frames are {steps.min():.4g} to {steps.max():.4g} s apart, '
                         f'but the file has one rate, and {len(motion)} frames would become {count:.3g}: choose a part '
                         'with start and stop (--start, --stop), or fewer frames a second with fps (--fps)')
    even = motion.resample(fps)
    return even, (f'{motion.person or "the person"}: frames are {steps.min():.4g} to {steps.max():.4g} s apart, but '
                  f'the file has one rate: {len(motion)} frames were resampled to {len(even)} at {fps:g} a second')


def _require_free(target: Path, path: Path, overwrite: bool) -> None:
    """Nothing of the user's is lost: ``ValueError`` unless the place is free or may be written over."""
    folder = target.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise ValueError(f'{target} cannot be made: {folder} is a file')
    require_writable(folder)
    free = 'name another place, or write over it with overwrite=True (--overwrite)'
    if target.suffix == path.suffix:
        if target.is_dir():
            raise ValueError(f'{target} is a folder: name a file')
        if target.exists() and not overwrite:
            raise ValueError(f'{target} is there already: {free}')
        return
    if target.exists() and not target.is_dir():
        raise ValueError(f'{target} is a file, but there should be a folder for a sequence of frames: name another '
                         'file, or one frame with time (--time) or frame_number (--frame-number)')
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise ValueError(f'{target} is there already and holds files: {free}')


def _require_one_frame(people: Sequence[Motion]) -> None:
    """``ValueError`` if people of one scene are relative to different things."""
    kinds = {'the root' if motion.frame == 'root' else 'the camera' if motion.frame == 'camera' and
             motion.head_pose is None else 'the world': motion.person or 'a person' for motion in people}
    if len(kinds) > 1:
        raise ValueError(' and '.join(f'{person} is relative to {kind}' for kind, person in kinds.items()) +
                         ': they do not stand in one scene; write them to files of their own')
