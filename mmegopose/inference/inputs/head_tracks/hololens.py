"""HoloLens 2: the head of EgoBody's tables and of hl2ss, and poses of its photo camera."""
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....geometry.conventions import PoseConvention
from ....npz import read_arrays
from ..tables import read_table
from .track import HeadTrack
from .track_import import import_track

EGOBODY_COLUMNS = 861
TICKS = '100ns'


def read_hololens(path: str | Path, **options) -> HeadTrack:
    """A head track of HoloLens 2, in its y-up world; times are its ticks of 100 ns.

    Three files are known by their content: EgoBody's ``*_head_hand_eye.csv`` (a time, a 4x4 head matrix, hands, gaze,
    without a header), its ``*_pv.txt`` (poses of the photo camera), and an npz with ``timestamp (N,)``,
    ``head_position``, ``head_forward``, ``head_up (N,3)`` and perhaps ``valid (N,)``, the fields of hl2ss' spatial
    input.

    Args:
        path: file.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack.
    """
    path = Path(path).expanduser()
    time, poses, notes = _spatial_input(path) if path.suffix == '.npz' else _text(path)
    facts = dict(format='hololens', notes=notes)
    return import_track(time, poses, PoseConvention('y', 'opengl'), source=str(path), facts=facts,
                        **{'time_unit': TICKS, 'device': 'hololens', **options})


def pose_of_vectors(position: np.ndarray, forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Poses ``(N,4,4)`` of a camera (x right, y up, z back) at ``position`` that looks along ``forward``, ``(N,3)``
    each; NaN where the two directions do not make a frame."""
    def unit(vector):
        length = np.linalg.norm(vector, axis=-1, keepdims=True)
        return np.where(length > 1e-6, vector / np.maximum(length, 1e-6), np.nan)

    forward = unit(forward)
    right = unit(np.cross(forward, up))
    poses = np.tile(np.eye(4), (len(position), 1, 1))
    poses[:, :3, :3] = np.stack([right, np.cross(right, forward), -forward], -1)
    poses[:, :3, 3] = position
    return poses


def _spatial_input(path: Path) -> tuple[np.ndarray, np.ndarray, list]:
    keys = ('timestamp', 'head_position', 'head_forward', 'head_up')
    arrays = read_arrays(path, [*keys, 'valid'])
    if missing := [key for key in keys if key not in arrays]:
        raise BadFile(f'{path} has no {missing[0]!r}; needed: {", ".join(keys)}')
    rows = arrays['timestamp'].shape
    for key in keys[1:]:
        if len(rows) != 1 or arrays[key].shape != (*rows, 3) or arrays[key].dtype.kind not in 'fiu':
            raise BadFile(f'{path}: {key!r} should be numbers of shape (N,3) beside {rows} times, has '
                          f'{arrays[key].shape}')
    poses = pose_of_vectors(*(arrays[key].astype(float) for key in keys[1:]))
    if 'valid' in arrays:
        poses[~arrays['valid'].astype(bool)] = np.nan
    return arrays['timestamp'].astype(float), poses, []


def _text(path: Path) -> tuple[np.ndarray, np.ndarray, list]:
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        first, second = file.readline(), file.readline()
    numbers = len(first.split(','))
    if numbers == EGOBODY_COLUMNS:
        names, skip = ['time', *(f'm{i}' for i in range(16))], 0
    elif numbers == 4 and len(second.split(',')) == 19:  # first: the camera's centre and size
        names, skip = ['time', 'fx', 'fy', *(f'm{i}' for i in range(16))], 1
    else:
        raise BadFile(f'{path} has {numbers} columns: EgoBody\'s *_head_hand_eye.csv has {EGOBODY_COLUMNS}, its '
                      '*_pv.txt a line of four and then 19')
    width = numbers if not skip else 19
    table = read_table(path, ['time', *names[-16:]], names=[*names, *(f'more_{i}' for i in range(width - len(names)))],
                       delimiter=',', skip=skip)
    poses = table.stack(names[-16:]).reshape(-1, 4, 4)
    poses[np.abs(poses[:, 3] - [0, 0, 0, 1]).max(1) > 1e-3] = np.nan  # a zero matrix: not tracked
    return table.columns['time'], poses, table.notes
