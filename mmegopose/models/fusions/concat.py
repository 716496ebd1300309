"""Concatenation of the branches' tokens."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import FUSIONS
from ..layers import MlpHead
from .newest import newest, where_known


@FUSIONS.register_module()
class ConcatFusion(BaseModule):
    """Concatenate the channels of all branches and project them, by a linear layer or an MLP.

    The MLP is the fusion of PCIE_EgoPose (arXiv 2505.24411). Frames are the newest ones that all branches have; where
    branches differ in the number of tokens of a frame, these are averaged. A branch of which nothing is there is zero.

    Args:
        in_dims: channels per branch, e.g. ``dict(head=256, image=512)``.
        embed_dim: channels of the result.
        hidden_dims: channels of the layers between; none: a linear layer.
        act: activation between them.
    """

    level = 'tokens'

    def __init__(self, in_dims: dict, embed_dim: int, hidden_dims: tuple = (), act: str = 'gelu',
                 init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.names, self.in_dims = tuple(in_dims), dict(in_dims)
        dim = sum(in_dims.values())
        self.proj = MlpHead((dim, *hidden_dims, embed_dim), act) if hidden_dims else nn.Linear(dim, embed_dim)

    def forward(self, tokens: dict, there: dict | None = None) -> Tensor:
        """``{branch: (B,T,N,C_branch)} -> (B,T',N,C)``; ``there``: see the package."""
        parts, known = newest(tokens, there, self.names)
        if len({part.shape[2] for part in parts.values()}) > 1:
            parts = {name: part.mean(2, keepdim=True) for name, part in parts.items()}
        like = next(iter(parts.values()))
        return self.proj(torch.cat([
            where_known(parts[name], known[name]) if name in parts else like.new_zeros(*like.shape[:3], dim)
            for name, dim in self.in_dims.items()], -1))
