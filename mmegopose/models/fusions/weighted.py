"""Fixed weights for the branches' outputs."""
from difflib import SequenceMatcher
from itertools import combinations

from mmengine.model import BaseModule

from ...registry import FUSIONS


def check_weights(weights: dict) -> None:
    """Weights of branches must be positive and sum to 1."""
    if min(weights.values()) <= 0 or abs(sum(weights.values()) - 1) > 1e-6:
        alike = [f'{b!r} is much like {a!r}: is it misspelled?' for a, b in combinations(weights, 2)
                 if SequenceMatcher(None, a, b).ratio() > 0.85]
        raise ValueError('; '.join([
            f'weights of branches (fusion.weights, fusion.prior) should be positive and sum to 1, got {dict(weights)}, '
            f'whose sum is {sum(weights.values()):.6g}', *alike]))


@FUSIONS.register_module()
class WeightedFusion(BaseModule):
    """Weighted mean of the branches' joints (Level-wise ViT report, section 2: 0.1 coarse, 0.9 fine).

    Args:
        weights: weight per branch.
    """

    level = 'outputs'

    def __init__(self, weights: dict, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        check_weights(weights)
        self.names, self.weights = tuple(weights), dict(weights)

    def forward(self, tokens: dict, outputs: dict) -> dict:
        """``{branch: dict(joints=(B,T,J,3))} -> dict(joints=(B,T,J,3))``."""
        return dict(joints=sum(weight * outputs[name]['joints'] for name, weight in self.weights.items()))
