"""Head tracks from arrays: your own, or those of an ``.npy`` or ``.npz`` file."""
from pathlib import Path

import numpy as np

from ....files import BadFile, as_floats
from ....geometry.conventions import PoseConvention
from ....npz import read_array, read_arrays
from ..times import require_fps
from .track import HeadTrack
from .track_import import import_track

POSES = ('T_world_camera', 'head_pose', 'poses', 'pose', 'c2w', 'camera_to_world', 'extrinsics')
TIMES = ('time', 'times', 'timestamp', 'timestamps', 't')


def read_array_track(poses, time=None, *, fps: float | None = None, **options) -> HeadTrack:
    """A head track from poses ``(N,3,4)`` or ``(N,4,4)``.

    Args:
        poses: array, or an ``.npy`` file with it, or an ``.npz`` with it (``T_world_camera``, ``poses``, ``c2w``, ...)
            and ``time`` or ``fps``. Rows with NaN or of zeros, masked
            ones, and None in a list are missing poses.
        time: ``(N,)``, in ``time_unit`` (default: seconds); or
        fps: frames per second.
        options: of :func:`.track_import.import_track`; default: camera to world, upright camera, z up, metres.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack; ``ValueError`` for other shapes.
    """
    source = 'poses'
    if isinstance(poses, (str, Path)):
        source = str(poses)
        poses, time, fps = _load(Path(poses).expanduser(), time, fps)
    try:
        poses = as_floats(poses)
    except ValueError as error:
        raise ValueError(f'{source} should be numbers of the shape (N,3,4) or (N,4,4): {error}') from None
    if poses.ndim != 3 or poses.shape[1:] not in ((3, 4), (4, 4)) or not len(poses):
        raise ValueError(f'{source} should be numbers of the shape (N,3,4) or (N,4,4), got {poses.shape}')
    poses[(poses == 0).all((1, 2))] = np.nan  # what programs write where there is no pose
    full = np.tile(np.eye(4), (len(poses), 1, 1))
    full[:, :3] = poses[:, :3]
    if poses.shape[1] == 4:
        bottom = np.abs(poses[:, 3] - np.array([0, 0, 0, 1]))
        if np.nanmax(bottom, initial=0) > 1e-3:
            row = int(np.nanargmax(bottom.max(1)))
            raise ValueError(f'{source}: the last row of a pose should be 0 0 0 1, is {poses[row, 3].tolist()} in row '
                             f'{row}: are the matrices transposed?')
    if (time is None) == (fps is None):
        raise ValueError(f'{source}: give either time, one for each pose, or fps')
    try:
        time = np.arange(len(full)) / require_fps(fps, source) if fps is not None else as_floats(time)
    except ValueError as error:
        if fps is not None:
            raise
        raise ValueError(f'{source}: times should be numbers, in seconds or another time_unit: {error}') from None
    if time.shape != (len(full),):
        raise ValueError(f'{source}: {len(full)} poses, but times of the shape {time.shape}')
    return import_track(time, full, PoseConvention(), source=source, facts=dict(format='arrays'), **options)


def _load(path: Path, time, fps):
    if path.suffix == '.npy':
        return read_array(path), time, fps
    arrays = read_arrays(path, [*POSES, *TIMES, 'fps'])
    key = next((key for key in POSES if key in arrays), None)
    if key is None:
        raise BadFile(f'{path} has none of the arrays {", ".join(POSES)}')
    if time is None and fps is None:
        name = next((name for name in TIMES if name in arrays), None)
        time = None if name is None else arrays[name]
        if name is None and 'fps' in arrays:
            fps = arrays['fps'].item() if arrays['fps'].size == 1 else require_fps(arrays['fps'], str(path))
    return arrays[key], time, fps
