"""Concatenation of the branches' tokens."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import FUSIONS


@FUSIONS.register_module()
class ConcatFusion(BaseModule):
    """Concatenate the channels of all branches and project them.

    Args:
        in_dims: channels per branch, e.g. ``dict(head=256, image=512)``.
        embed_dim: channels of the result.
    """

    level = 'tokens'

    def __init__(self, in_dims: dict, embed_dim: int, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.names = tuple(in_dims)
        self.proj = nn.Linear(sum(in_dims.values()), embed_dim)

    def forward(self, tokens: dict) -> Tensor:
        """``{branch: (B,T,N,C_branch)} -> (B,T,N,C)``."""
        return self.proj(torch.cat([tokens[name] for name in self.names], -1))
