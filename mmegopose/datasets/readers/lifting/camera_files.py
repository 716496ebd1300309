"""The file that tells the cameras of a data set."""
from pathlib import Path

import torch
from torch import Tensor

from ....files import BadFile, read_json
from ....geometry.cameras import Camera, quaternion_to_matrix
from ....geometry.rigid import make_rigid


def read_cameras(path: str | Path) -> dict[str, list[Camera]]:
    """Cameras of each subject, in the order of the file, float64.

    The file is ``{subject: {camera: {width, height, intrinsics, orientation, translation}}}``: the image size and the
    nine intrinsics in pixels, the unit quaternion (w, x, y, z) that turns camera axes into world axes, and the
    camera's centre in metres. ``tools/dataset_converters/h36m_cameras.py`` writes it for Human3.6M.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not of this layout; the message names the camera and the field.
    """
    cameras = {}
    for subject, entries in read_json(path).items():
        if not isinstance(entries, dict):
            raise BadFile(f'{path}: {subject} should hold its cameras by name, got {type(entries).__name__}')
        cameras[subject] = [_camera(path, subject, name, entry) for name, entry in entries.items()]
    return cameras


def _camera(path: str | Path, subject: str, name: str, entry: dict) -> Camera:
    where = f'{path}: camera {name} of {subject}'
    if not isinstance(entry, dict):
        raise BadFile(f'{where} should hold its fields by name, got {type(entry).__name__}')
    shapes = dict(width=(), height=(), intrinsics=(9,), orientation=(4,), translation=(3,))
    if missing := [field for field in shapes if field not in entry]:
        raise BadFile(f'{where} lacks {missing}')
    values = {field: _numbers(f'{where}: {field}', entry[field], shape) for field, shape in shapes.items()}
    size = values['width'].item(), values['height'].item()
    if not all(side > 0 and side.is_integer() for side in size):
        raise BadFile(f'{where}: width and height should be whole numbers of pixels, got {size}')
    if abs(values['orientation'].norm() - 1) > 1e-3:
        raise BadFile(f'{where}: orientation should be a unit quaternion, got {entry["orientation"]}')
    if values['translation'].norm() > 100:
        raise BadFile(f'{where}: translation should be in metres, got {entry["translation"]}, which looks like mm')
    pose = make_rigid(quaternion_to_matrix(values['orientation']), values['translation'])
    return Camera(name, int(size[0]), int(size[1]), values['intrinsics'], pose)


def _numbers(where: str, value, shape: tuple) -> Tensor:
    try:
        tensor = torch.tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise BadFile(f'{where} should be numbers, got {value!r}') from None
    if tuple(tensor.shape) != shape or not tensor.isfinite().all():
        raise BadFile(f'{where} should be {shape[0] if shape else "one"} finite number(s), got {value!r}')
    return tensor
