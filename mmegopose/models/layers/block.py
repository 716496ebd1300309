"""Transformer block and stochastic depth."""
import torch
from torch import Tensor, nn

from .attention import Attention
from .mlp import Mlp


class DropPath(nn.Module):
    """Leave out a residual branch per sample (Huang et al., ECCV 2016)."""

    def __init__(self, drop_prob: float = 0.0):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        """``(B,...) -> (B,...)``."""
        if not self.training or self.drop_prob == 0:
            return x
        keep = 1 - self.drop_prob
        return x * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep).div_(keep)


class LayerScale(nn.Module):
    """A learned factor for each channel of a residual branch (Touvron et al., CaiT, ICCV 2021)."""

    def __init__(self, dim: int, init_value: float):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), init_value))

    def forward(self, x: Tensor) -> Tensor:
        """``(...,C) -> (...,C)``."""
        return x * self.gamma


class Block(nn.Module):
    """Attention and feed-forward with residuals; layer norm before (``norm_first``) or after each of the two.

    Args:
        dim, num_heads, qkv_bias, attn_drop, proj_drop: see :class:`Attention`; ``proj_drop`` also drops in the
            feed-forward network.
        mlp_ratio: hidden channels of the feed-forward network per channel.
        norm_first: pre-norm, which lets deep stacks train; post-norm is that of the original transformer.
        act: activation of the feed-forward network.
        drop_path: stochastic depth.
        norm_eps: epsilon of the layer norms.
        mlp_bias: bias of the feed-forward network.
        layer_scale: first value of a learned factor for each channel of both branches; None: no factor.
        attn: the attention, if not :class:`Attention`; called like it, with its masks by name.
    """

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.0, qkv_bias: bool = True,
                 norm_first: bool = True, act: str = 'gelu', proj_drop: float = 0.0, attn_drop: float = 0.0,
                 drop_path: float = 0.0, norm_eps: float = 1e-5, mlp_bias: bool = True,
                 layer_scale: float | None = None, attn: nn.Module | None = None):
        super().__init__()
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(dim, norm_eps)
        self.attn = attn if attn is not None else Attention(
            dim, num_heads, qkv_bias=qkv_bias, attn_drop=attn_drop, proj_drop=proj_drop)
        self.norm2 = nn.LayerNorm(dim, norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), act, proj_drop, mlp_bias)
        self.ls1, self.ls2 = (nn.Identity() if layer_scale is None else LayerScale(dim, layer_scale)
                              for _ in range(2))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """``(B,N,C) -> (B,N,C)``; see :meth:`Attention.forward` for the masks."""
        if self.norm_first:
            x = x + self.drop_path(self.ls1(self.attn(self.norm1(x), mask=mask, is_causal=is_causal)))
            return x + self.drop_path(self.ls2(self.mlp(self.norm2(x))))
        x = self.norm1(x + self.drop_path(self.ls1(self.attn(x, mask=mask, is_causal=is_causal))))
        return self.norm2(x + self.drop_path(self.ls2(self.mlp(x))))


def over_tokens(block: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """A block over the tokens of each frame: ``(B,T,N,C) -> (B,T,N,C)``; ``mask (B*T,1,N,N)``."""
    return block(x.flatten(0, 1), mask).unflatten(0, x.shape[:2])  # (B*T, N, C) in the block


def over_frames(block: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """A block over the frames of each token: ``(B,T,N,C) -> (B,T,N,C)``; ``mask (B*N,1,T,T)``."""
    return over_tokens(block, x.transpose(1, 2), mask).transpose(1, 2)  # (B*N, T, C) in the block
