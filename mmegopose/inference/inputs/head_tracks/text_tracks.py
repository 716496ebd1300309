"""Trajectories in the text formats of SLAM: TUM, EuRoC, KITTI."""
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....geometry.conventions import PoseConvention
from ..tables import read_table
from ..times import require_fps
from .track import HeadTrack
from .track_import import import_track, poses_of

TUM = ('time', 'tx', 'ty', 'tz', 'qx', 'qy', 'qz', 'qw')
EUROC = ('time', 'tx', 'ty', 'tz', 'qw', 'qx', 'qy', 'qz')
KITTI = tuple(f'r{row}{column}' for row in range(3) for column in range(4))


def read_tum(path: str | Path, **options) -> HeadTrack:
    """TUM, as ORB-SLAM and evo write it: ``t tx ty tz qx qy qz qw`` a line, seconds, camera to world, ``#`` comments.

    The file does not say which way is up. The world of a SLAM is its first camera (y down), which is the default; a
    gravity-aligned world needs ``up``. Monocular SLAM has no scale: multiply its places first.

    Args:
        path: file.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack.
    """
    table = _read(path, TUM)
    return import_track(table.columns['time'], poses_of(table.stack(TUM[1:4]), table.stack(TUM[4:])),
                        PoseConvention('-y', 'opencv'), source=str(path), facts=_facts('tum', table),
                        **{'time_unit': 's', 'file_quaternion': 'xyzw', **options})


def read_euroc(path: str | Path, *, body_to_camera: np.ndarray | None = None, **options) -> HeadTrack:
    """EuRoC: ``t [ns], px py pz, qw qx qy qz, ...`` a line (17 or 8 fields), body to world, z up.

    Args:
        path: file, e.g. ``state_groundtruth_estimate0/data.csv``.
        body_to_camera: ``(4,4)`` pose of the camera in the body, ``T_BS`` of its ``sensor.yaml``; without it the body's
            axes are taken as those of the sensor of EuRoC (x up, y right, z forward), or as ``camera`` says.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack.
    """
    table = _read(path, EUROC, ',')
    poses = poses_of(table.stack(EUROC[1:4]), table.stack([*EUROC[5:], EUROC[4]]))
    if body_to_camera is not None:
        poses = poses @ np.asarray(body_to_camera, float)
    default = PoseConvention('z', 'up right forward' if body_to_camera is None else 'opencv')
    return import_track(table.columns['time'], poses, default, source=str(path), facts=_facts('euroc', table),
                        **{'time_unit': 'ns', **options})


def read_kitti(path: str | Path, *, fps: float | None = None, **options) -> HeadTrack:
    """KITTI: the twelve numbers of a ``(3,4)`` matrix a line, camera to world; the world is the first camera (y down).

    Args:
        path: file.
        fps: frames per second: there are no times in the file.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack; ``ValueError`` without ``fps``.
    """
    if fps is None:
        raise ValueError(f'{path}: there are no times in a file of KITTI: pass fps')
    table = _read(path, KITTI)
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3] = table.stack(KITTI).reshape(-1, 3, 4)
    time = np.arange(len(poses)) / require_fps(fps, str(path))
    return import_track(time, poses, PoseConvention('-y', 'opencv'), source=str(path),
                        facts=_facts('kitti', table), **options)


def _read(path, names: tuple, delimiter: str | None = None):
    """The first columns of a table without a header; lines of text at its top are left out."""
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        line = next((line for line in file if line.strip() and not line.lstrip().startswith('#')), '')
    if not line:
        raise BadFile(f'{path} has no row')
    delimiter = ',' if ',' in line else delimiter if delimiter and delimiter in line else None
    cells = line.split(delimiter)
    if len(cells) < len(names):
        raise BadFile(f'{path}: a row has {len(cells)} fields, {len(names)} are needed: {" ".join(names)}')
    return read_table(path, names, names=[*names, *(f'more_{i}' for i in range(len(cells) - len(names)))],
                      delimiter=delimiter)


def _facts(name: str, table) -> dict:
    return dict(format=name, notes=table.notes)
