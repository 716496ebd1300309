"""Pinhole cameras with lens distortion: poses, projection, screen coordinates, and the file they are read from.

Camera axes are x right, y down, z forward. ``intrinsics (..., 9)`` are fx fy cx cy k1 k2 k3 p1 p2, the first four in
pixels or, after :func:`normalize_intrinsics`, in screen units; they broadcast against ``points (..., 3)`` without
its last dimension, so that one camera for each clip of a batch ``(B, T, J, 3)`` is ``(B, 1, 1, 9)``.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..files import BadFile, read_json
from .rigid import apply_rigid, invert_rigid, make_rigid

Array = np.ndarray | Tensor


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated camera.

    Attributes:
        name: its id, e.g. the serial number.
        width, height: size of its images in pixels.
        intrinsics: ``(9,)`` fx fy cx cy k1 k2 k3 p1 p2, pixels.
        T_world_camera: ``(4, 4)`` pose, metres.
    """
    name: str
    width: int
    height: int
    intrinsics: Tensor
    T_world_camera: Tensor


def quaternion_to_matrix(quaternion: Tensor) -> Tensor:
    """Rotation matrix of a quaternion (w, x, y, z) of any length but zero, ``(..., 4) -> (..., 3, 3)``."""
    w, x, y, z = torch.nn.functional.normalize(quaternion, dim=-1).unbind(-1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def world_to_camera(points: Tensor, T_world_camera: Tensor) -> Tensor:
    """World points in camera axes, ``(..., J, 3)`` and ``(..., 4, 4)`` to ``(..., J, 3)``."""
    return apply_rigid(invert_rigid(T_world_camera), points)


def camera_to_world(points: Tensor, T_world_camera: Tensor) -> Tensor:
    """Points in camera axes to the world, ``(..., J, 3)`` and ``(..., 4, 4)`` to ``(..., J, 3)``."""
    return apply_rigid(T_world_camera, points)


def perspective(points: Array, focal=1.0, center=0.0) -> Array:
    """The pinhole, ``focal * (x, y) / z + center``: ``(..., 3) -> (..., 2)``, numpy or torch, in the unit of ``focal``.

    ``focal`` and ``center`` are numbers or ``(..., 2)``. Nothing is said about points that are not in front (z <= 0).
    """
    return focal * points[..., :2] / points[..., 2:] + center


def project(points: Tensor, intrinsics: Tensor, clamp: bool = False) -> Tensor:
    """Image of points in camera axes with radial and tangential distortion, ``(..., 3) -> (..., 2)``.

    The tangential terms are those of VideoPose3D, with which the published 2D ground truth of Human3.6M was made:
    p1 goes with x and p2 with y, and there is no factor 2. They are not those of OpenCV.

    Args:
        clamp: limit x/z and y/z to [-1, 1], as VideoPose3D does. The image is then finite for every depth but zero,
            which a loss needs; without it, points that are not in front of the camera (z <= 0) come out as NaN.
    """
    focal, center, radial, tangential = intrinsics.split((2, 2, 3, 2), -1)
    xy = _in_front(points, clamp)
    r2 = xy.square().sum(-1, keepdim=True)
    scale = 1 + (radial * torch.cat([r2, r2 ** 2, r2 ** 3], -1)).sum(-1, keepdim=True)
    scale = scale + (tangential * xy).sum(-1, keepdim=True)
    return focal * (xy * scale + tangential * r2) + center


def project_linear(points: Tensor, intrinsics: Tensor, clamp: bool = False) -> Tensor:
    """As :func:`project`, with a lens free of distortion."""
    return intrinsics[..., :2] * _in_front(points, clamp) + intrinsics[..., 2:4]


def _in_front(points: Tensor, clamp: bool) -> Tensor:
    xy = perspective(points)
    return xy.clamp(-1, 1) if clamp else torch.where(points[..., 2:] > 0, xy, torch.nan)


def screen_normalize(points: Array, width: int, height: int) -> Array:
    """Pixels to screen units, ``(..., 2)``, numpy or torch: x in [-1, 1], y on the same scale, zero at the centre."""
    return points * (2 / width) - _screen_center(points, width, height)


def screen_denormalize(points: Array, width: int, height: int) -> Array:
    """Inverse of :func:`screen_normalize`, ``(..., 2)``."""
    return (points + _screen_center(points, width, height)) * (width / 2)


def _screen_center(like: Array, width: int, height: int) -> Array:
    center = [1, height / width]
    return like.new_tensor(center) if isinstance(like, Tensor) else np.array(center, np.result_type(like, np.float16))


def normalize_intrinsics(intrinsics: Tensor, width: int, height: int) -> Tensor:
    """Intrinsics in pixels to screen units, ``(..., 9)``; the distortion has no unit and stays."""
    focal, center, distortion = intrinsics.split((2, 2, 5), -1)
    return torch.cat([focal * (2 / width), screen_normalize(center, width, height), distortion], -1)


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
