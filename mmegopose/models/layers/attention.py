"""Multi-head self-attention."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .linear import Linear


class Attention(nn.Module):
    """Self-attention through ``scaled_dot_product_attention``.

    Args:
        embed_dim: channels C.
        num_heads: heads; must divide C.
        qkv_bias: bias of the query, key and value projection.
        attn_drop_rate: dropout of the attention weights.
        proj_drop_rate: dropout of the output.
        scale: factor of the products of queries and keys; None: one over the root of the channels per head.
    """

    def __init__(self, embed_dim: int, num_heads: int, qkv_bias: bool = True, attn_drop_rate: float = 0.0,
                 proj_drop_rate: float = 0.0, scale: float | None = None):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f'embed_dim={embed_dim} is not a multiple of num_heads={num_heads}')
        self.num_heads = num_heads
        self.attn_drop_rate = attn_drop_rate
        self.scale = scale
        self.qkv = Linear(embed_dim, 3 * embed_dim, bias=qkv_bias)
        self.proj = Linear(embed_dim, embed_dim)
        self.proj_drop = nn.Dropout(proj_drop_rate)

    def forward(self, x: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """``x (B,N,C) -> (B,N,C)``; ``mask`` is boolean, True where a query may look, broadcast to ``(B,h,N,N)``."""
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # (B, N, 3, h, C/h)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, h, N, C/h)
        x = self.attend(q, k, v, mask, is_causal)
        return self.proj_drop(self.proj(x.transpose(1, 2).flatten(2)))  # (B, N, C)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """Values weighted by the agreement of queries and keys: each ``(B,h,N,C/h)``, as is the result."""
        drop_rate = self.attn_drop_rate if self.training else 0.0
        if q.device.type == 'cpu' and q.dtype == torch.bfloat16:
            return _products(q, k, v, mask, is_causal, self.scale, drop_rate)
        return F.scaled_dot_product_attention(q, k, v, mask, drop_rate, is_causal, scale=self.scale)


def _products(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None,
              drop_rate: float) -> Tensor:
    """``scaled_dot_product_attention`` step by step; in bf16 on CPUs the fused kernel is slow to train."""
    scores = q * (q.shape[-1] ** -0.5 if scale is None else scale) @ k.mT  # (B, h, N, N)
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return F.dropout(scores.softmax(-1), drop_rate) @ v
