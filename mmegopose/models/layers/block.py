"""Transformer block and stochastic depth."""
from torch import Tensor, nn

from .attention import Attention
from .mlp import Mlp


class DropPath(nn.Module):
    """Leave out a residual branch per sample (Huang et al., ECCV 2016)."""

    def __init__(self, drop_rate: float = 0.0):
        super().__init__()
        self.drop_rate = drop_rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_rate == 0:
            return x
        keep = 1 - self.drop_rate
        return x * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep).div_(keep)


class Block(nn.Module):
    """Attention and feed-forward with residuals; layer norm before (``norm_first``) or after each of the two.

    Args:
        embed_dim, num_heads, qkv_bias, attn_drop_rate: see :class:`Attention`.
        mlp_ratio: hidden channels of the feed-forward network per channel.
        norm_first: pre-norm, which lets deep stacks train; post-norm is that of the original transformer.
        act: activation of the feed-forward network.
        drop_rate: dropout of both branches.
        drop_path_rate: stochastic depth.
        mlp_bias: bias of the feed-forward network.
        attn: the attention, if not :class:`Attention`; called like it.
    """

    def __init__(self, embed_dim: int, num_heads: int, mlp_ratio: float = 4.0, qkv_bias: bool = True,
                 norm_first: bool = True, act: str = 'gelu', drop_rate: float = 0.0, attn_drop_rate: float = 0.0,
                 drop_path_rate: float = 0.0, norm_eps: float = 1e-5, mlp_bias: bool = True,
                 attn: nn.Module | None = None):
        super().__init__()
        self.norm_first = norm_first
        self.norm1 = nn.LayerNorm(embed_dim, norm_eps)
        self.attn = attn if attn is not None else Attention(embed_dim, num_heads, qkv_bias, attn_drop_rate, drop_rate)
        self.norm2 = nn.LayerNorm(embed_dim, norm_eps)
        self.mlp = Mlp((embed_dim, int(embed_dim * mlp_ratio), embed_dim), act, drop_rate, mlp_bias)
        self.mlp_drop = nn.Dropout(drop_rate)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """``(B,N,C) -> (B,N,C)``; see :meth:`Attention.forward` for the masks."""
        if self.norm_first:
            x = x + self.drop_path(self.attn(self.norm1(x), mask, is_causal))
            return x + self.drop_path(self.mlp_drop(self.mlp(self.norm2(x))))
        x = self.norm1(x + self.drop_path(self.attn(x, mask, is_causal)))
        return self.norm2(x + self.drop_path(self.mlp_drop(self.mlp(x))))


def over_tokens(block: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """A block over the tokens of each frame: ``(B,T,N,C) -> (B,T,N,C)``; ``mask (B*T,1,N,N)``."""
    return block(x.flatten(0, 1), mask).unflatten(0, x.shape[:2])


def over_frames(block: nn.Module, x: Tensor, mask: Tensor | None = None) -> Tensor:
    """A block over the frames of each token: ``(B,T,N,C) -> (B,T,N,C)``; ``mask (B*N,1,T,T)``."""
    return over_tokens(block, x.transpose(1, 2), mask).transpose(1, 2)
