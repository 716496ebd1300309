"""Rigid transforms as ``(..., 4, 4)`` matrices; ``T_a_b`` maps points of frame b to frame a."""
import torch
from torch import Tensor


def make_rigid(rotation: Tensor, translation: Tensor) -> Tensor:
    """``(..., 3, 3)`` and ``(..., 3)`` to ``(..., 4, 4)``."""
    top = torch.cat([rotation, translation.unsqueeze(-1)], -1)  # (..., 3, 4)
    bottom = torch.cat([top.new_zeros(3), top.new_ones(1)]).expand(*top.shape[:-2], 1, 4)
    return torch.cat([top, bottom], -2)


def invert_rigid(transform: Tensor) -> Tensor:
    """Inverse of a rigid transform, ``(..., 4, 4) -> (..., 4, 4)``."""
    rotation = transform[..., :3, :3].transpose(-1, -2)
    return make_rigid(rotation, -(rotation @ transform[..., :3, 3:]).squeeze(-1))


def apply_rigid(transform: Tensor, points: Tensor) -> Tensor:
    """Apply ``(..., 4, 4)`` to ``(..., J, 3)``."""
    return points @ transform[..., :3, :3].transpose(-1, -2) + transform[..., None, :3, 3]
