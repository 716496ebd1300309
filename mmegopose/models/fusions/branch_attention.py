"""The first branch looks at the tokens of the others."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import FUSIONS
from ..layers import Attention, Mlp


@FUSIONS.register_module()
class BranchAttention(BaseModule):
    """Cross-attention from the tokens of the first branch to those of all others, of all their frames.

    Each block is one of a pre-norm transformer decoder without self-attention (Vaswani et al., 2017, section 3.1). What
    it adds starts at zero: training starts from the first branch alone. Frames that are not there are not looked at;
    where nothing is there, nothing is added. Branches may have any number of tokens, image patches for example.

    Args:
        in_dims: channels per branch, e.g. ``dict(head=256, view=128)``; the first has those of the result.
        depth: blocks.
        num_heads: heads of the attention.
        mlp_ratio: hidden channels of the feed-forward network per channel.
    """

    level = 'tokens'

    def __init__(self, in_dims: dict, depth: int = 1, num_heads: int = 4, mlp_ratio: float = 2.0,
                 init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.names = tuple(in_dims)
        (_, dim), *others = in_dims.items()
        self.inputs = nn.ModuleDict({name: nn.Linear(size, dim) for name, size in others})  # the bias tells branches
        self.norm = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(nn.ModuleDict(dict(
            norm1=nn.LayerNorm(dim), attn=Attention(dim, num_heads, context_dim=dim),
            norm2=nn.LayerNorm(dim), mlp=Mlp(dim, int(dim * mlp_ratio)))) for _ in range(depth))
        for block in self.blocks:
            for layer in (block['attn'].proj, block['mlp'].fc2):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, tokens: dict, there: dict | None = None) -> Tensor:
        """``{branch: (B,T,N,C_branch)} -> (B,T,N,C)`` of the first branch; ``there``: see the package."""
        first = tokens[self.names[0]]
        run = [name for name in self.names[1:] if name in tokens]
        if not run:
            return first
        context = torch.cat([self.inputs[name](tokens[name]).flatten(1, 2) for name in run], 1)  # (B, L, C)
        seen = torch.cat([self._seen(tokens[name], (there or {}).get(name)) for name in run], 1)  # (B, L)
        some = seen.any(1)[:, None, None]  # (B, 1, 1)
        x, context = first.flatten(1, 2), self.norm(context)  # (B, T*N, C)
        mask = (seen[:, None] | ~some)[:, None]  # (B, 1, 1, L); without any all are looked at, and nothing is added
        for block in self.blocks:
            x = x + torch.where(some, block['attn'](block['norm1'](x), context, mask), 0)
            x = x + torch.where(some, block['mlp'](block['norm2'](x)), 0)
        return x.view_as(first)

    @staticmethod
    def _seen(tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Which tokens of a branch ``(B,T,N,C)`` may be looked at, ``(B,T*N)``."""
        if mask is None:
            mask = tokens.new_ones(tokens.shape[:2], dtype=torch.bool)
        return mask.repeat_interleave(tokens.shape[2], 1)
