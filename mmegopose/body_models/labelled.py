"""Joints and vertices of labelled bodies, from the user's body models."""
import numpy as np
import torch
from torch import Tensor

from ..geometry.rotations import so3_exp
from . import SkinnedModel


def tree_joints(source: dict, pose: np.ndarray, betas: np.ndarray, batch: int = 256) -> np.ndarray:
    """Joints ``(N,24,3)`` of SMPL, metres, before translation, of ``pose (N,24,3)`` axis-angle and ``betas (N,10)``."""
    model = SkinnedModel(source['source'])
    rotation, betas = so3_exp(torch.from_numpy(pose)).float(), torch.from_numpy(betas).float()[:, :model.num_betas]
    with torch.inference_mode():
        parts = [model(turn[:, :1], turn[:, 1:], shape)['joints']
                 for turn, shape in zip(rotation.split(batch), betas.split(batch))]
    return torch.cat(parts).double().numpy() if parts else np.zeros((0, 24, 3))


class TrueBodies:
    """Joints and vertices of labelled bodies from the user's models.

    Args:
        models: options of :class:`.SkinnedModel` by gender; all report the same joints.
    """

    def __init__(self, models: dict):
        self.models = {gender: SkinnedModel(**options) for gender, options in models.items()}

    def __call__(self, gender: np.ndarray, pose: Tensor, betas: Tensor, root: Tensor, known: Tensor):
        """Posed models whose root joints are at ``root (B,T,3)``, metres.

        Args:
            gender: ``(B,T)`` str.
            pose: ``(B,T,24,3)`` axis-angle.
            betas: ``(B,T,10)``.
            root: ``(B,T,3)``.
            known: ``(B,T)`` bool; the others stay zero.

        Returns:
            Joints ``(B,T,J,3)`` and vertices ``(B,T,V,3)``.

        Raises ``KeyError`` if there is no model of a gender.
        """
        first = next(iter(self.models.values()))
        joints = root.new_zeros(*root.shape[:2], first.num_keypoints, 3)
        vertices = root.new_zeros(*root.shape[:2], len(first.weights), 3)
        for name in np.unique(gender[known.numpy()]).tolist():
            if name not in self.models:
                raise KeyError(f'body_models has no model for {name!r}, only {sorted(self.models)}')
            model, chosen = self.models[name], known & torch.from_numpy(gender == name)
            shape, rotation = betas[chosen][:, :model.num_betas], so3_exp(pose[chosen])
            with torch.inference_mode():
                moved = model(rotation[:, :1], rotation[:, 1:], shape, root[chosen] - rest_root(model, shape))
            joints[chosen], vertices[chosen] = moved['joints'], moved['vertices']
        return joints, vertices


def rest_root(model: SkinnedModel, betas: Tensor) -> Tensor:
    """Place of the root joint, about which the body turns, ``(n,S) -> (n,3)``."""
    return model.rest[:3] + betas @ model.rest_basis[:, :3]
