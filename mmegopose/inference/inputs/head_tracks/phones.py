"""Phones on a head: recordings of StrayScanner and Record3D."""
import zipfile
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile, parse_json, read_json
from ....geometry.conventions import PoseConvention
from ..tables import read_table
from ..times import require_fps
from .track import HeadTrack
from .track_import import import_track, poses_of

MAX_JSON = 1 << 28


def read_stray_scanner(path: str | Path, **options) -> HeadTrack:
    """StrayScanner's ``odometry.csv`` (timestamp, frame, x, y, z, qx, qy, qz, qw): a y-up world, an upright camera.

    The camera is upright when the phone is held in landscape; in portrait it lies on its side, ``camera='aria'``.

    Args:
        path: the file, or the folder of the recording.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack.
    """
    path = Path(path).expanduser()
    path = path / 'odometry.csv' if path.is_dir() else path
    names = ['timestamp', 'x', 'y', 'z', 'qx', 'qy', 'qz', 'qw']
    table = read_table(path, names)
    return import_track(table.columns['timestamp'], poses_of(table.stack(names[1:4]), table.stack(names[4:])),
                        PoseConvention('y', 'opencv'), source=str(path),
                        facts=dict(format='stray_scanner', notes=table.notes), **{'time_unit': 's', **options})


def read_record3d(path: str | Path, *, fps: float | None = None, **options) -> HeadTrack:
    """Record3D: ``poses`` (qx qy qz qw px py pz) in the metadata of an ``.r3d`` file or an EXR export; ARKit's axes.

    Args:
        path: the ``.r3d`` file, ``metadata.json``, or the folder of the export.
        fps: frames per second; default: the times, else the rate, in the file.
        options: of :func:`.track_import.import_track`; a phone in portrait is ``preset='arkit_portrait'``.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack.
    """
    path = Path(path).expanduser()
    content = _metadata(path)
    try:
        values = np.array(content['poses'], float)
    except DAMAGE:
        values = np.zeros(0)
    if values.ndim != 2 or values.shape[1] != 7 or not len(values):
        raise BadFile(f'{path}: poses should be rows of seven numbers, qx qy qz qw px py pz')
    times = content.get('frameTimestamps')
    rate = content.get('fps') if fps is None else require_fps(fps, str(path))
    if fps is None and isinstance(times, list) and len(times) == len(values):
        time = np.array(times, float)
    elif isinstance(rate, (int, float)) and rate > 0:
        time = np.arange(len(values)) / rate
    else:
        raise BadFile(f'{path} has neither frameTimestamps nor fps: pass fps')
    return import_track(time, poses_of(values[:, 4:], values[:, :4]), PoseConvention('y', 'opengl'), source=str(path),
                        facts=dict(format='record3d'), **options)


def _metadata(path: Path) -> dict:
    if path.is_dir():
        path = path / 'metadata.json' if (path / 'metadata.json').exists() else path / 'metadata'
    if not zipfile.is_zipfile(path):
        return read_json(path)
    try:
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.rpartition('/')[2].startswith('metadata')), None)
            if name is None:
                raise BadFile(f'{path} is no recording of Record3D: it has no metadata')
            if archive.getinfo(name).file_size > MAX_JSON:
                raise BadFile(f'{path}: the metadata is larger than {MAX_JSON >> 20} MiB')
            content = archive.read(name)
    except BadFile:
        raise
    except (OSError, *DAMAGE) as error:
        raise BadFile(f'{path} cannot be read ({error}): it is cut off; copy it again') from None
    return parse_json(content, f'{path}: {name}')
