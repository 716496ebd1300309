"""From poses as a file holds them to a :class:`.HeadTrack`: times, holes, axes, segments, self-tests. Every reader ends
here."""
import warnings
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from ....geometry.conventions import UNITS, PoseConvention, get_preset, level
from ..times import TIME_UNITS, guess_time_unit, require_time_unit
from .head_offsets import head_offset as read_offset
from .self_tests import DOUBTS, find_problems, reorder_quaternions
from .track import HeadTrack

_ORDERS = ('xyzw', 'wxyz')
CHECKS = ('raise', 'warn', 'off')
ROTATION_TOLERANCE = 1e-3
FAR = 1e4, 1000.0  # metres from the median place, and times the median distance from it: nobody's place
LONGEST_HOLE = 6 * 3600.0  # seconds
JUMP = 0.1, 15.0  # metres, and metres a second: farther and faster between two rows is a jump of the tracker


class ImplausibleTrack(ValueError):
    """Poses that are not those of a head; the message names the likely cause and the option that mends it."""


def import_track(time: np.ndarray, poses: np.ndarray, convention: PoseConvention, *, source: str = 'track',
                 time_unit: str = 's', world: np.ndarray | None = None, quality: np.ndarray | None = None,
                 gravity: np.ndarray | None = None, device: str = '', facts: dict | None = None,
                 preset: str | None = None, up: str | None = None, camera: str | None = None,
                 direction: str | None = None, unit: str | None = None, head_offset=None,
                 max_gap: float | None = None, check: str = 'raise', quaternion: str | None = None,
                 file_quaternion: str | None = None) -> HeadTrack:
    """A track from the rows of a file. The arguments after ``facts`` are options of every reader.

    Args:
        time: ``(N,)`` times of the rows in ``time_unit``.
        poses: ``(N,4,4)`` in ``convention``; NaN where there is none.
        convention: axes, direction and unit of the poses in such files.
        source: file, for messages.
        time_unit: key of :data:`.times.TIME_UNITS`, or ``'auto'``: the one that makes 5 to 1500 poses a second.
        world: ``(N,)`` number or name of the world frame of each row; default: one.
        quality: ``(N,)`` in [0,1].
        gravity: ``(3,)`` or ``(N,3)`` direction of gravity in the world of the file; the world is turned so that it
            points down. Default: the axis that ``convention.up`` names is up.
        device: name of the device.
        facts: more facts for the track.
        preset: name of the program whose axes these are, in place of ``convention``.
        up, camera, direction, unit: single facts in place of those of the convention, see :class:`.PoseConvention`;
            with ``up`` the gravity is not used.
        head_offset: place of the eyes, see :func:`.head_offsets.head_offset`; default: that of the device.
        max_gap: longest time without a pose that is bridged, seconds; default: 0.05 or 2.5 median steps.
        check: what happens with a track that no head makes: ``'raise'``, ``'warn'`` or ``'off'``.
        quaternion: order of the four numbers in a table with quaternions, ``'xyzw'`` or ``'wxyz'``; default: as such
            files have it.
        file_quaternion: the order in which the reader took them; None: the file has none, or names each.

    Raises:
        ValueError: no usable row, times that run backwards, matrices that are no poses.
        ImplausibleTrack: the self-tests failed.
    """
    convention = override(convention, preset, up, camera, direction, unit)
    gravity = gravity if up is None else None
    if check not in CHECKS:
        raise ValueError(f'check={check!r} should be one of {CHECKS}')
    if max_gap is not None and not 0 < max_gap < np.inf:
        raise ValueError(f'max_gap={max_gap} should be positive, seconds')
    facts, notes = dict(facts or {}), list((facts or {}).get('notes', ()))
    poses = np.asarray(poses, float)
    if quaternion is not None:
        poses = _in_order(poses, quaternion, file_quaternion, source)
    rows, seconds, unit = _usable_times(np.asarray(time, float), time_unit, source, notes)
    poses = poses[rows]
    valid = _usable_poses(poses, source, notes)
    other_order = None if file_quaternion is None else _ORDERS[(quaternion or file_quaternion) == 'xyzw']
    names, world = np.unique(np.zeros(len(rows), int) if world is None else np.asarray(world)[rows],
                             return_inverse=True)
    valid &= ~_far_away(poses, valid, world, convention, notes)
    if gravity is not None:
        gravity = np.broadcast_to(gravity, (len(time), 3))[rows]
        poses = _levelled(poses, gravity, world, valid, convention, source, notes)
    known = np.flatnonzero(valid)
    segment = np.full(len(rows), -1, np.int64)
    segment[known] = _segments(seconds[known], poses[known], world[known], convention, max_gap, notes)
    problems = [] if check == 'off' else find_problems(
        poses[known], seconds[known], segment[known], convention, unit, other_order)
    for problem in problems:
        text = f'{source}: {problem}'
        if check == 'raise' and problem.kind not in DOUBTS:
            raise ImplausibleTrack(f'{text}. If the recording is really so, pass check=\'off\'')
        warnings.warn(text, stacklevel=3)
        notes.append(str(problem))
    poses = poses[known[np.maximum(np.searchsorted(known, np.arange(len(rows)), 'right') - 1, 0)]]  # hold the last pose
    facts.update(source=source, convention=convention.options(), time_unit=unit, notes=notes,
                 problems=[problem.kind for problem in problems])
    if len(names) > 1:
        facts['worlds'] = [str(name) for name in names]
    return HeadTrack(seconds, convention.to_standard(poses), valid, segment, world.astype(np.int64),
                     None if quality is None else np.asarray(quality, float)[rows], device,
                     None if head_offset is None else read_offset(head_offset), facts)


def poses_of(place: np.ndarray, quaternion: np.ndarray) -> np.ndarray:
    """Poses ``(N,4,4)`` of places ``(N,3)`` and quaternions ``(N,4)`` x y z w; NaN where the quaternion has not length
    1 (zero where there was no pose). ``ValueError`` if most have another length."""
    poses = np.tile(np.eye(4), (len(place), 1, 1))
    poses[:, :3, 3] = place
    norm = np.linalg.norm(quaternion, axis=1)
    good = np.abs(norm - 1) < 0.01
    told = norm[np.isfinite(norm) & (norm > 0)]
    if len(told) and (np.abs(told - 1) >= 0.01).mean() > 0.5:
        raise ValueError(f'the quaternions have a length of {np.median(told):.3g} in place of 1: other columns, or '
                         'they are to be divided by their length first')
    poses[:, :3, :3] = np.nan
    if good.any():
        poses[good, :3, :3] = Rotation.from_quat(quaternion[good]).as_matrix()
    return poses


def _in_order(poses: np.ndarray, quaternion: str, taken: str | None, source: str) -> np.ndarray:
    """Poses whose quaternions were read in the order ``taken``, read in another one."""
    if quaternion not in _ORDERS:
        raise ValueError(f'quaternion={quaternion!r} should be one of {_ORDERS}')
    if taken is None:
        raise ValueError(f'{source}: quaternion={quaternion!r} is an option of tables with quaternions')
    return poses if quaternion == taken else reorder_quaternions(poses, quaternion)


def _far_away(poses, valid, world, convention, notes) -> np.ndarray:
    """Rows ``(N,)`` whose places cannot be those of the recording."""
    center, far = np.zeros((len(poses), 3)), np.zeros(len(poses), bool)
    center[valid] = _centers(poses[valid], convention)
    for number in np.unique(world[valid]):
        rows = np.flatnonzero(valid & (world == number))
        distance = np.abs(center[rows] - np.median(center[rows], axis=0)).max(1)
        far[rows] = distance > max(FAR[0], FAR[1] * np.median(distance))
    if far.any():
        notes.append(f'{int(far.sum())} rows farther than {FAR[0] / 1000:g} km from the others count as missing')
    return far


def _centers(poses, convention) -> np.ndarray:
    """Places ``(N,3)`` of the camera, metres, in the axes of the file's world."""
    place = poses[:, :3, 3]
    if convention.direction != 'camera_to_world':
        place = -np.einsum('nji,nj->ni', poses[:, :3, :3], place)
    return place * UNITS[convention.unit]


def override(convention: PoseConvention, preset: str | None = None, up: str | None = None, camera: str | None = None,
             direction: str | None = None, unit: str | None = None) -> PoseConvention:
    """A convention with some facts replaced; ``preset`` replaces all of them first."""
    given = dict(up=up, camera=camera, direction=direction, unit=unit)
    return replace(convention if preset is None else get_preset(preset),
                   **{key: value for key, value in given.items() if value is not None})


def _usable_times(time: np.ndarray, time_unit: str, source: str, notes: list) -> tuple[np.ndarray, np.ndarray, str]:
    """Rows in the order of their times, these in seconds, and their unit."""
    require_time_unit(time_unit)
    rows = np.flatnonzero(np.isfinite(time))
    if len(rows) < len(time):
        notes.append(f'{len(time) - len(rows)} rows without a time left out')
    if not len(rows):
        raise ValueError(f'{source} has no row with a time')
    step = np.diff(time[rows])
    back = step < 0
    if back.any():
        place = int(np.argmax(back))
        text = f'{source}: the times run backwards at row {rows[place + 1]} ({time[rows[place + 1]]:g} after ' \
               f'{time[rows[place]]:g})'
        usual = np.median(step[step > 0]) if (step > 0).any() else 0
        if back.mean() > 0.02 or -step.min() > 100 * usual:
            raise ValueError(f'{text}, {int(back.sum())} times in all: several recordings in one file, or rows in '
                             'another order? Split or sort the file')
        notes.append(f'{text[len(source) + 2:]}; {int(back.sum())} rows were late and are sorted')
        rows = rows[np.argsort(time[rows], kind='stable')]
    again = np.diff(time[rows], prepend=-np.inf) == 0
    if again.mean() > 0.5:
        raise ValueError(f'{source}: {100 * again.mean():.0f} % of the rows repeat the time of the row before: the '
                         'clock is too coarse, or this is another column; give fps instead')
    if again.any():
        notes.append(f'{int(again.sum())} rows with the time of the row before left out')
        rows = rows[~again]
    if time_unit == 'auto':
        time_unit = guess_time_unit(time[rows], source)
    seconds = time[rows] * TIME_UNITS[time_unit]
    step = np.diff(seconds)
    if len(step) and step.max() > max(LONGEST_HOLE, 1000 * np.median(step)):
        place, hours = int(np.argmax(step)) + 1, step.max() / 3600
        told = f'{hours / 24 / 365.25:.0f} years' if hours > 24 * 365 else f'{hours:.0f} hours'
        raise ValueError(f'{source}: the clock jumps by {told} at row {rows[place]}: two clocks, or two recordings in '
                         'one file. Split the file, or give fps')
    return rows, seconds, time_unit


def _usable_poses(poses: np.ndarray, source: str, notes: list) -> np.ndarray:
    """Rows ``(N,)`` that hold a rigid transform."""
    finite = np.isfinite(poses).all((1, 2))
    rotation = np.where(finite[:, None, None], poses[:, :3, :3], np.eye(3))
    error = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max((1, 2))
    mirrored = np.linalg.det(rotation) < 0
    crooked = error > ROTATION_TOLERANCE
    bad = finite & (crooked | mirrored)
    if bad.sum() > finite.sum() / 2:
        row = int(np.argmax(bad))
        if mirrored[row] and not crooked[row]:
            cause = 'a mirror image: one axis has the wrong sign, or two are exchanged'
        else:
            cause = f'off by {error[row]:.2g}: other columns, rows for columns, or a scale'
        raise ValueError(f'{source}: the 3x3 part of the poses is no rotation (row {row}: {cause})')
    if bad.any():
        notes.append(f'{int(bad.sum())} rows whose 3x3 part is no rotation count as missing')
    if not (finite & ~bad).any():
        raise ValueError(f'{source} has no pose: each of its {len(poses)} rows lacks a number')
    return finite & ~bad


def _levelled(poses, gravity, world, valid, convention, source, notes):
    """Poses in worlds whose axis ``convention.up`` points up exactly."""
    if convention.direction != 'camera_to_world':
        raise ValueError('gravity is given in the world, so the poses should be camera to world')
    poses = poses.copy()
    upright = convention.world_to_z_up
    for number in np.unique(world):
        rows = world == number
        known = gravity[rows & valid & np.isfinite(gravity).all(1) & (np.linalg.norm(gravity, axis=1) > 0)]
        if not len(known):
            notes.append('no gravity in the file: the world is taken as it is')
            continue
        mean = known.mean(0)
        cosine = (known @ mean) / np.linalg.norm(known, axis=1) / np.linalg.norm(mean)
        if cosine.min() < np.cos(np.radians(2)):
            raise ValueError(f'{source}: gravity turns by {np.degrees(np.arccos(cosine.min())):.0f} degrees within one '
                             'world frame; these are not its gravity columns')
        turn = upright.T @ level(upright @ mean) @ upright
        poses[rows, :3] = turn @ poses[rows, :3]
        if np.abs(turn - np.eye(3)).max() > 1e-3:
            notes.append(f'gravity is ({mean[0]:.2f}, {mean[1]:.2f}, {mean[2]:.2f}): the world was turned')
    return poses


def _segments(time, poses, world, convention, max_gap, notes) -> np.ndarray:
    """Number of the unbroken stretch of each row ``(K,)``."""
    step = np.diff(time)
    max_gap = max(0.05, 2.5 * float(np.median(step))) if max_gap is None and len(step) else max_gap
    new_world = world[1:] != world[:-1]
    gap = step > (max_gap or 0)
    distance = np.linalg.norm(np.diff(_centers(poses, convention), axis=0), axis=1)
    with np.errstate(divide='ignore', invalid='ignore'):
        jump = (distance > JUMP[0]) & (distance / step > JUMP[1]) & ~gap & ~new_world
    if jump.mean() > 0.02 if len(jump) else False:  # so many are no jumps: units, say
        jump[:] = False
    for what, text in ((gap, f'gaps longer than {max_gap or 0:.3g} s'), (new_world, 'changes of the world frame'),
                       (jump, 'jumps of the tracker')):
        if what.any():
            notes.append(f'{int(what.sum())} {text}: the track is split there')
    return np.r_[0, np.cumsum(gap | new_world | jump)].astype(np.int64)
