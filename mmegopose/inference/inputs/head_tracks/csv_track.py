"""Head tracks from any table: the columns are found by their names, the axes are said by a preset."""
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ....files import BadFile
from ....geometry.conventions import PRESETS, PoseConvention
from ..tables import read_header, read_table
from ..times import TIME_UNITS, column_key, find_time, guess_time_unit, require_fps, thinning
from .self_tests import likely_conventions
from .track import HeadTrack
from .track_import import import_track, override, poses_of

_HEAD = r'(?:head|hmd|headset|camera|cam|eye|eyes|view|device|center_eye|pose|world|main_camera|tracker)?_?'
_PLACE = _HEAD + r'(?:position|pos|p|t|translation|trans|location|loc|xyz)?_?'
_TURN = _HEAD + r'(?:rotation|rot|orientation|orient|quaternion|quat|q|r|pose_orientation)?_?'
_ROTATOR = ('pitch', 'yaw', 'roll')


def read_csv_track(path: str | Path, *, columns: dict | None = None, fps: float | None = None,
                   time_unit: str | None = None, max_rate: float = 125.0, device: str = '', **options) -> HeadTrack:
    """A head track from a table with a header line.

    There is no standard for such files, and nothing in them tells their axes: say ``preset`` (OpenXR and Quest, Unity,
    Unreal, ROS, ...) or ``up`` and ``camera``. Times, places and rotations are found by common names of columns
    (``time``, ``head_pos_x``, ``qx``, ...); the rotation is a quaternion, or in Unreal's tables pitch, yaw and roll in
    degrees.

    Args:
        path: file; commas, semicolons, tabs or blanks between the columns.
        columns: names of the columns where they are not found: ``dict(time=..., position=[3 names], quaternion=[4
            names, x y z w])``, or ``matrix=[12 or 16 names, row by row]`` in place of the last two.
        fps: frames per second, in place of times.
        time_unit: of the times; default: what the name of the column says (``_ns``), or what makes 5 to 1500 poses a
            second.
        max_rate: rows a second to keep where there are more.
        device: name of the device, for the place of its camera on the head.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: columns are missing, or a line cannot be read.
        ValueError: the axes are not said.
        ImplausibleTrack: the self-tests failed.
    """
    path = Path(path).expanduser()
    names, _ = read_header(path)
    if 'tx_world_device' in names or 'tx_odometry_device' in names:
        raise BadFile(f'{path} is a trajectory of Aria\'s MPS, whose device frame is not the camera: use '
                      "format='aria_mps'")
    found = {**find_columns(names), **(columns or {})}
    if 'matrix' not in found and not {'position', 'quaternion'} <= set(found) and not {
            'position', 'rotator'} <= set(found):
        missing = [what for what in ('position', 'quaternion') if what not in found]
        raise BadFile(f'{path}: no columns of the {" and ".join(missing)} are known by name among {names}; name them: '
                      "columns=dict(position=['x', 'y', 'z'], quaternion=['qx', 'qy', 'qz', 'qw'])")
    if 'time' not in found and fps is None:
        raise BadFile(f'{path}: no column of times is known by name among {names}; pass columns=dict(time=...) or fps')
    every = 1
    if fps is not None:
        fps = require_fps(fps, str(path))
    else:
        time = read_table(path, [found['time']], limit=1000).columns[found['time']]
        time = time[np.isfinite(time)]
        time_unit = time_unit or find_time([found['time']])[1] or guess_time_unit(np.unique(time), str(path))
        every = thinning(time * TIME_UNITS.get(time_unit, np.nan), max_rate)
    table = _read(path, found, fps is None, every)
    poses = _poses(table, found)
    time = table.columns[found['time']] if fps is None else np.arange(len(table)) / fps
    if not {'preset', 'camera'} & set(options):
        known = ', '.join(map(repr, PRESETS))
        raise ValueError(f'{path}: nothing in such a file tells its axes: pass preset, one of {known}, or up and '
                         f'camera. By the way that the head moves it is most like {likely_conventions(poses, time)}')
    default = PRESETS['unreal'] if 'rotator' in found else PoseConvention()
    device = device or ('openxr' if override(default, options.get('preset')) == PRESETS['openxr'] else '')
    facts = dict(format='csv', columns=found, rows_kept=f'1 of {every}', notes=table.notes)
    time_unit = 's' if fps is not None or time_unit is None else time_unit
    return import_track(time, poses, default, source=str(path), time_unit=time_unit, device=device, facts=facts,
                        file_quaternion='xyzw' if 'quaternion' in found else None, **options)


def find_columns(names: list) -> dict[str, Any]:
    """Columns of the head's pose by their names: ``dict(time=name, position=[3 names], quaternion=[4], rotator=[3])``,
    what is found of them."""
    plain = {column_key(name): name for name in reversed(names)}
    found: dict[str, Any] = {}
    time, _ = find_time(names)
    if time:
        found['time'] = time
    for what, stem, axes in (('position', _PLACE, 'xyz'), ('quaternion', _TURN, 'xyzw')):
        groups = {}
        for key, name in plain.items():
            match = re.fullmatch(f'({stem})([{axes}])', key)
            if match:
                groups.setdefault(match[1], {})[match[2]] = name
        whole = [(stem, group) for stem, group in groups.items() if len(group) == len(axes)]
        if whole:  # the head's before others', and the longest name
            best = max(whole, key=lambda item: (any(w in item[0] for w in ('head', 'hmd', 'eye', 'cam', 'view')),
                                                len(item[0])))
            found[what] = [best[1][axis] for axis in axes]
    rotator = [next((name for key, name in plain.items() if re.fullmatch(_TURN + axis, key)), None)
               for axis in _ROTATOR]
    if 'quaternion' not in found and all(rotator):
        found['rotator'] = rotator
    return found


def rotator_to_matrix(degrees: np.ndarray) -> np.ndarray:
    """Unreal's pitch (up), yaw (to the right), roll (clockwise), ``(N,3)`` degrees, as its own left-handed matrix of
    forward, right, up: ``(N,3,3)``."""
    flip = np.diag([1., -1, 1])
    pitch, yaw, roll = np.radians(degrees).T
    good = np.isfinite(degrees).all(1)
    out = np.full((len(degrees), 3, 3), np.nan)
    if good.any():  # the same turns of a right-handed body with y to the left
        turn = Rotation.from_euler('ZYX', np.stack([-yaw, -pitch, roll], -1)[good]).as_matrix()
        out[good] = flip @ turn @ flip
    return out


def _read(path: Path, found: dict, with_time: bool, every: int):
    wanted = [found['time']] if with_time else []
    for what, number in (('matrix', (12, 16)), ('position', (3,)), ('quaternion', (4,)), ('rotator', (3,))):
        names = found.get(what)
        if names is not None and not (isinstance(names, (list, tuple)) and len(names) in number):
            raise ValueError(f'columns[{what!r}] should be {" or ".join(map(str, number))} names, got {names!r}')
        wanted += [name for name in names or () if name not in wanted]
    return read_table(path, wanted, every=every)


def _poses(table, found: dict) -> np.ndarray:
    if 'matrix' in found:
        values = table.stack(found['matrix'])
        poses = np.tile(np.eye(4), (len(values), 1, 1))
        poses[:, :3] = values[:, :12].reshape(-1, 3, 4)
        return poses
    place = table.stack(found['position'])
    if 'quaternion' in found:
        return poses_of(place, table.stack(found['quaternion']))
    poses = np.tile(np.eye(4), (len(place), 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = rotator_to_matrix(table.stack(found['rotator'])), place
    return poses
