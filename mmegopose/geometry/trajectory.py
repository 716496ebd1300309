"""What a head trajectory tells: the frame of the head, its heading, and input features of three kinds; and whether
tracks in numpy arrays are rigid.

The head frame has x forward, y left, z up. A camera on the head is tied to it by a fixed rotation whose columns are
those three directions in camera axes.
"""
import numpy as np
import torch
from torch import Tensor

from .rigid import invert_rigid, make_rigid
from .rotations import heading_matrix, rotation_to_6d, so3_log

# 'aria': the landscape RGB camera of Ego-Exo4D (x down the body, y to the wearer's left, z forward).
# 'opencv': an upright camera (x right, y down, z forward).
HEAD_AXES = {
    'aria': ((0., 0., -1.), (0., 1., 0.), (1., 0., 0.)),
    'opencv': ((0., -1., 0.), (0., 0., -1.), (1., 0., 0.)),
}


def camera_to_head(camera_axes: str, like: Tensor) -> Tensor:
    """Rotation ``R_camera_head (3, 3)`` of a camera convention, in the dtype and device of ``like``."""
    if camera_axes not in HEAD_AXES:
        raise KeyError(f'unknown camera_axes {camera_axes!r}; known: {sorted(HEAD_AXES)}')
    return like.new_tensor(HEAD_AXES[camera_axes])


def heading_frame(T_world_camera: Tensor, camera_axes: str = 'aria') -> Tensor:
    """Gravity-aligned frame at the camera: x along the heading, y left, z up, ``(..., 4, 4) -> (..., 4, 4)``.

    The heading is square to the head's left axis, which stays level when the wearer looks down or up, where the
    viewing direction says nothing about heading. A head lying on its side falls back to the viewing direction.
    """
    head = T_world_camera[..., :3, :3] @ camera_to_head(camera_axes, T_world_camera)
    left, forward = head[..., :2, 1], head[..., :2, 0]
    heading = torch.stack([left[..., 1], -left[..., 0]], -1)
    level = heading.norm(dim=-1, keepdim=True)
    heading = torch.nn.functional.normalize(torch.where(level > 1e-3, heading, forward), dim=-1)
    return make_rigid(heading_matrix(heading), T_world_camera[..., :3, 3])


def translation_features(T_world_camera: Tensor) -> Tensor:
    """Translation column of world-to-camera, ``(B,T,4,4) -> (B,T,3)``: the input of the official baseline."""
    return invert_rigid(T_world_camera)[..., :3, 3]


def pose_delta_features(T_world_camera: Tensor, T_world_camera_before: Tensor) -> Tensor:
    """Head pose and its change over one video frame, ``(B,T,4,4) x 2 -> (B,T,24)``.

    Per frame the world-to-camera translation (3) and the transposed rotation (9), then the difference of these 12
    numbers to the video frame before (PCIE_EgoPose, arXiv 2505.24411). At the start of a take the frame before is the
    frame itself, hence zero.
    """
    def flat(pose):
        inverse = invert_rigid(pose)
        return torch.cat([inverse[..., :3, 3], inverse[..., :3, :3].transpose(-1, -2).flatten(-2)], -1)  # (B,T,12)

    now = flat(T_world_camera)
    return torch.cat([now, now - flat(T_world_camera_before)], -1)


def gravity_aligned_features(T_world_camera: Tensor, time: Tensor, head_peak: Tensor,
                             camera_axes: str = 'aria') -> Tensor:
    """Features that do not depend on where the world's origin and heading lie, ``-> (B,T,16)``.

    In the heading frame of the window's last frame: head position (3, metres), head rotation (6), velocity
    (3, m/s), angular velocity (3, rad/s); and the height of the head below its highest point so far in the take
    (1, metres, not positive), which tells a crouch from a stance without knowing the floor.

    Args:
        T_world_camera: ``(B,T,4,4)``.
        time: ``(B,T)`` seconds; repeated frames (padding) have equal times and zero velocity.
        head_peak: ``(B,T)`` running maximum of the camera height in the take, metres.
        camera_axes: key of ``HEAD_AXES``.
    """
    local = invert_rigid(heading_frame(T_world_camera[:, -1:], camera_axes)) @ T_world_camera
    position = local[..., :3, 3]
    rotation = local[..., :3, :3] @ camera_to_head(camera_axes, local)
    step = time.diff(dim=1)[..., None]
    rate = torch.where(step > 0, 1 / step.clamp(min=1e-6), torch.zeros_like(step))
    velocity = torch.nn.functional.pad(position.diff(dim=1) * rate, (0, 0, 1, 0))
    turn = so3_log(rotation[:, 1:] @ rotation[:, :-1].transpose(-1, -2))
    angular = torch.nn.functional.pad(turn * rate, (0, 0, 1, 0))
    height = (T_world_camera[..., 2, 3] - head_peak)[..., None]
    return torch.cat([position, rotation_to_6d(rotation), velocity, angular, height], -1)


LAST_ROW_TOLERANCE = 1e-3
FEATURE_DIMS = {'translation': 3, 'pose_delta': 24, 'gravity_aligned': 16}


def rigidity_error(transform: np.ndarray) -> np.ndarray:
    """How far transforms ``(..., 3|4, 4)`` are from rigid ones, ``(...)``: the largest number in ``R R^T - I``.

    It is infinite where a number is not finite, the matrix is a reflection, or its last row is not 0 0 0 1, as that of
    a transposed one.
    """
    rotation = transform[..., :3, :3]
    with np.errstate(invalid='ignore', over='ignore'):
        error = np.abs(rotation @ rotation.swapaxes(-1, -2) - np.eye(3)).max((-1, -2))
        proper = np.isfinite(transform[..., :3, :]).all((-1, -2)) & (np.linalg.det(np.nan_to_num(rotation)) > 0)
        proper &= (np.abs(transform[..., 3:, :] - (0, 0, 0, 1)) <= LAST_ROW_TOLERANCE).all((-1, -2))
    return np.where(proper, error, np.inf)
