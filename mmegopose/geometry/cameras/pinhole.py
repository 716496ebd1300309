"""Pinhole cameras with lens distortion: poses, projection, screen coordinates.

Camera axes are x right, y down, z forward. ``intrinsics (..., 9)`` are fx fy cx cy k1 k2 k3 p1 p2, the first four in
pixels or in screen units; they broadcast against ``points (..., 3)`` without its last dimension, so that one camera for
each window of a batch ``(B, T, J, 3)`` is ``(B, 1, 1, 9)``.
"""
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Array = TypeVar('Array', np.ndarray, Tensor)


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


def world_to_camera(points: Array, T_world_camera: Array) -> Array:
    """World points in camera axes, ``(..., J, 3)`` and ``(..., 4, 4)`` to ``(..., J, 3)``, numpy or torch."""
    return (points - T_world_camera[..., None, :3, 3]) @ T_world_camera[..., :3, :3]


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


def _in_front(points: Tensor, clamp: bool) -> Tensor:
    xy = perspective(points)
    return xy.clamp(-1, 1) if clamp else torch.where(points[..., 2:] > 0, xy, torch.nan)


def screen_normalize(points: Array, width: int, height: int) -> Array:
    """Pixels to screen units, ``(..., 2)``, numpy or torch: x in [-1, 1], y on the same scale, zero at the centre."""
    return points * (2 / width) - _screen_center(points, width, height)


def _screen_center(like: Array, width: int, height: int) -> Array:
    center = [1, height / width]
    return like.new_tensor(center) if isinstance(like, Tensor) else np.array(center, np.result_type(like, np.float16))
