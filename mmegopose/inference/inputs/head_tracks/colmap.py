"""COLMAP: the poses of ``images.txt`` or ``images.bin``, world to camera, in a world of any scale and tilt."""
import re
import struct
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile
from ....geometry.conventions import PoseConvention, invert
from ..times import require_fps
from .track import HeadTrack
from .track_import import import_track, poses_of

MAX_IMAGES = 10_000_000


def read_colmap(path: str | Path, *, fps: float | None = None, scale: float | None = None, gravity='estimate',
                **options) -> HeadTrack:
    """A head track from the pictures of a reconstruction, in the order of their names.

    The number in a picture's name is its frame, so frames that were not placed are holes.

    Args:
        path: ``images.txt`` or ``images.bin``, or the folder of the model; the binary file is taken if both are there.
        fps: frames per second of the pictures.
        scale: metres for each unit of the reconstruction, e.g. from a distance that you know; without it the track has
            no size, and height and speed of the head mean nothing.
        gravity: ``(3,)`` its direction in the world of the file, or ``'estimate'``: opposite to the mean of the
            cameras' upward axes, which is right to some degrees if the head was upright on average.
        options: of :func:`.track_import.import_track`.

    Raises:
        FileNotFoundError, BadFile, ImplausibleTrack; ``ValueError`` without ``fps`` or ``scale``.
    """
    path = _find(Path(path).expanduser())
    if fps is None or scale is None:
        raise ValueError(f'{path}: a reconstruction has neither times nor a unit of length: pass fps and scale (metres '
                         'for each of its units, e.g. from a distance that you know)')
    quaternion, place, names = _read_binary(path) if path.suffix == '.bin' else _read_text(path)
    frames = _frame_numbers(names, path)
    order = np.argsort(frames, kind='stable')
    poses = poses_of(place[order], quaternion[order])
    poses[:, :3, 3] *= scale
    poses = invert(poses)
    if isinstance(gravity, str) and gravity == 'estimate':
        down = np.nanmean(poses[:, :3, 1], axis=0)
        gravity = down if np.linalg.norm(down) > 0.2 else None
    facts = dict(format='colmap', scale=scale, notes=[] if gravity is not None else [
        'the cameras point every way, so where up is could not be estimated; pass gravity'])
    time = frames[order] / require_fps(fps, str(path))
    return import_track(time, poses, PoseConvention('z', 'opencv'), source=str(path), facts=facts,
                        gravity=gravity, **options)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    for folder in ('', 'sparse/0', 'sparse', '0'):
        for name in ('images.bin', 'images.txt'):
            if (path / folder / name).is_file():
                return path / folder / name
    raise FileNotFoundError(f'{path} has no images.bin or images.txt, nor sparse/0 with them')


def _read_text(path: Path) -> tuple[np.ndarray, np.ndarray, list]:
    rows, names, expect_points = [], [], False
    with open(path, encoding='utf-8', errors='replace') as file:
        for number, line in enumerate(file, 1):
            if line.startswith('#'):
                continue
            if expect_points:  # the 2D points of the picture, perhaps none
                expect_points = False
                continue
            cells = line.split()
            if not cells:
                continue
            try:
                rows.append([float(cell) for cell in cells[1:8]])
                names.append(' '.join(cells[9:]))
            except ValueError:
                rows.append([])
            if len(rows[-1]) != 7 or not names[-1]:
                raise BadFile(f'{path}: line {number} should be IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, is '
                              f'{line.strip()[:80]!r}')
            expect_points = True
    if not rows:
        raise BadFile(f'{path} has no picture')
    values = np.array(rows)
    return values[:, [1, 2, 3, 0]], values[:, 4:], names


def _read_binary(path: Path) -> tuple[np.ndarray, np.ndarray, list]:
    data = path.read_bytes()
    try:
        count, = struct.unpack_from('<Q', data)
        if not 0 < count <= MAX_IMAGES:
            raise BadFile(f'{path} says that it has {count} pictures')
        place, rows, names = 8, [], []
        for _ in range(count):
            rows.append(struct.unpack_from('<7d', data, place + 4))
            end = data.index(b'\0', place + 64)
            names.append(data[place + 64:end].decode('utf-8', 'replace'))
            points, = struct.unpack_from('<Q', data, end + 1)
            place = end + 9 + 24 * points
            if place > len(data):
                raise ValueError('the 2D points end too early')
    except DAMAGE as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f'{path} is cut off or no images.bin of COLMAP ({error})') from None
    values = np.array(rows)
    return values[:, [1, 2, 3, 0]], values[:, 4:], names


def _frame_numbers(names: list, path: Path) -> np.ndarray:
    """Frame of each picture: the last number in its name; without numbers their alphabetic order."""
    found = [re.findall(r'\d+', Path(name).stem) for name in names]
    if not all(found):
        return np.argsort(np.argsort(names)).astype(float)
    numbers = np.array([int(numbers[-1]) for numbers in found], float)
    if len(np.unique(numbers)) < len(numbers):
        raise BadFile(f'{path}: two pictures have the same frame number in their names ({names[0]!r}, ...): are there '
                      'several cameras?')
    return numbers - numbers.min()
