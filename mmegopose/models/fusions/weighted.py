"""Fixed weights for the branches' outputs."""
from difflib import SequenceMatcher
from itertools import combinations

import torch
from mmengine.model import BaseModule
from torch import Tensor

from ...registry import FUSIONS


def check_weights(weights: dict) -> None:
    """Weights of branches must be positive and sum to 1."""
    if min(weights.values()) <= 0 or abs(sum(weights.values()) - 1) > 1e-6:
        alike = [f'{b!r} is much like {a!r}: is it misspelled?' for a, b in combinations(weights, 2)
                 if SequenceMatcher(None, a, b).ratio() > 0.85]
        raise ValueError('; '.join([
            f'weights of branches (fusion.weights, fusion.prior) should be positive and sum to 1, got {dict(weights)}, '
            f'whose sum is {sum(weights.values()):.6g}', *alike]))


def branches_there(there: dict, names: tuple, num_frames: int) -> Tensor:
    """Which branches count in the last frames, ``(B,T',K)`` of masks ``(B,T)`` or None (all); all where none is."""
    masks = [there[name] for name in names]
    like = next(mask for mask in masks if mask is not None)
    each = torch.stack([torch.ones_like(like) if mask is None else mask for mask in masks], -1)[:, -num_frames:]
    return each | ~each.any(-1, keepdim=True)


@FUSIONS.register_module()
class WeightedFusion(BaseModule):
    """Weighted mean of the branches' joints (Level-wise ViT report, section 2: 0.1 coarse, 0.9 fine).

    Where no stream of a branch is there, the others share its weight.

    Args:
        weights: weight per branch.
    """

    level = 'outputs'

    def __init__(self, weights: dict, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        check_weights(weights)
        self.names, self.weights = tuple(weights), dict(weights)

    def forward(self, tokens: dict, outputs: dict, there: dict | None = None) -> dict:
        """``{branch: dict(joints=(B,T,J,3))} -> dict(joints=(B,T,J,3))``; ``there``: see the package."""
        if there is not None:
            joints = torch.stack([outputs[name]['joints'] for name in self.weights], -1)  # (B, T, J, 3, K)
            weights = torch.stack([joints.new_full((), weight) for weight in self.weights.values()])  # (K,)
            weights = branches_there(there, self.names, joints.shape[1]) * weights
            weights = weights / weights.sum(-1, keepdim=True)  # (B, T, K)
            return dict(joints=(joints * weights[:, :, None, None]).sum(-1))
        return dict(joints=sum(weight * outputs[name]['joints'] for name, weight in self.weights.items()))
