"""Controllers or wrists in a table beside the head: places, and where there are any, rotations."""
import re
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....geometry.conventions import PoseConvention
from ..head_tracks.track_import import override, poses_of
from ..tables import read_header, read_table
from ..times import TIME_UNITS, column_key, find_time, guess_time_unit, require_fps, require_time_unit
from .hand_track import HANDS, HandTrack, empty_hands

_THING = r'(?:hand|controller|wrist|ctrl|touch|palm|con)?_?'
_PLACE = r'(?:position|pos|p|t|translation|location|loc)?_?'
_TURN = r'(?:rotation|rot|orientation|quaternion|quat|q|r)?_?'
_SIDES = dict(left=r'(?:left|l|lh)', right=r'(?:right|r|rh)')


def read_controllers(path: str | Path, *, columns: dict | None = None, fps: float | None = None,
                     time_unit: str | None = None, preset: str | None = None, up: str | None = None,
                     camera: str | None = None, unit: str | None = None) -> HandTrack:
    """Controllers or wrists of a table, in the world of the head track that :func:`.read_csv_track` makes of it.

    Columns are found by names such as ``left_controller_pos_x`` or ``RightHandRotW``. An empty cell, or a place of
    zeros with a rotation of zeros, is a hand that is not there.

    Args:
        path: file.
        columns: names where they are not found: ``dict(time=..., left=dict(position=[3], quaternion=[4]), right=...)``.
        fps: frames per second, in place of times.
        time_unit, preset, up, camera, unit: as for the head track of the same table.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: no controller among the columns, or a line that cannot be read.
    """
    path = Path(path).expanduser()
    names, _ = read_header(path)
    convention = override(PoseConvention(), preset, up, camera, None, unit)
    found = {side: {**_columns(side, names), **((columns or {}).get(side) or {})} for side in HANDS}
    if not any('position' in group for group in found.values()):
        raise BadFile(f'{path}: no controller or hand is known by name among {names}; name the columns: '
                      "columns=dict(left=dict(position=['x', 'y', 'z'], quaternion=['qx', 'qy', 'qz', 'qw']))")
    clock, found_unit = find_time(names)
    clock = (columns or {}).get('time', clock)
    if clock is None and fps is None:
        raise BadFile(f'{path}: no column of times is known by name among {names}; pass columns=dict(time=...) or fps')
    wanted: list = [clock] if fps is None else []
    wanted += [name for group in found.values() for triple in group.values() for name in triple]
    table = read_table(path, list(dict.fromkeys(wanted)))
    if fps is None:
        time = table.columns[clock]
        time_unit = require_time_unit(time_unit or found_unit or 'auto')
        if time_unit == 'auto':
            time_unit = guess_time_unit(np.unique(time[np.isfinite(time)]), str(path))
        time = time * TIME_UNITS[time_unit]
    else:
        time = np.arange(len(table)) / require_fps(fps, str(path))
    good = np.flatnonzero(np.isfinite(time))
    rows = good[np.unique(time[good], return_index=True)[1]]
    out = empty_hands(len(rows))
    for number, side in enumerate(HANDS):
        if 'position' not in found[side]:
            continue
        place = table.stack(found[side]['position'])[rows]
        turn = table.stack(found[side]['quaternion'])[rows] if 'quaternion' in found[side] else None
        there = np.isfinite(place).all(1)
        there &= (np.abs(place) > 0).any(1) if turn is None else (np.abs(np.nan_to_num(turn)) > 0).any(1)
        poses = poses_of(place, np.tile([0., 0, 0, 1], (len(place), 1)) if turn is None else turn)
        poses[~there] = np.eye(4)
        rigid = there & np.isfinite(poses).all((1, 2)) & (turn is not None)
        poses[~np.isfinite(poses).all((1, 2)), :3, :3] = np.eye(3)
        standard = convention.to_standard(poses)
        out['joints'][:, number, 0] = np.where(there[:, None], standard[:, :3, 3], 0)
        out['valid'][:, number, 0] = there
        out['T_world_wrist'][rigid, number], out['wrist_valid'][:, number] = standard[rigid], rigid
        out['confidence'][:, number] = there
    return HandTrack(time[rows], **out, facts=dict(source=str(path), format='controllers', notes=table.notes,
                                                   convention=convention.options()))


def _columns(side: str, names: list) -> dict:
    plain = {column_key(name): name for name in reversed(names)}
    found = {}
    for what, stem, axes in (('position', _PLACE, 'xyz'), ('quaternion', _TURN, 'xyzw')):
        groups = {}
        for key, name in plain.items():
            for pattern in (f'({_SIDES[side]}_{_THING}{stem})([{axes}])', f'({_THING}{_SIDES[side]}_{stem})([{axes}])'):
                if match := re.fullmatch(pattern, key):
                    groups.setdefault(match[1], {})[match[2]] = name
        whole = [stem for stem, group in groups.items() if len(group) == len(axes)]
        if whole:
            found[what] = [groups[max(whole, key=len)][axis] for axis in axes]
    return found
