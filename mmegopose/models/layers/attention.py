"""Multi-head attention: of tokens to each other, or to a context."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .linear import Linear


class Attention(nn.Module):
    """Attention through ``scaled_dot_product_attention``; arguments as in timm.

    Args:
        dim: channels C.
        num_heads: heads h.
        head_dim: channels d per head; None: C / h.
        context_dim: channels of another sequence to look at (cross-attention); None: tokens look at each other.
        qkv_bias: bias of the query, key and value projection.
        attn_drop: dropout of the attention weights.
        proj_drop: dropout of the output.
        scale: factor of the products of queries and keys; None: one over the root of the channels per head.
    """

    def __init__(self, dim: int, num_heads: int, head_dim: int | None = None, context_dim: int | None = None,
                 qkv_bias: bool = True, attn_drop: float = 0.0, proj_drop: float = 0.0, scale: float | None = None):
        super().__init__()
        if head_dim is None and dim % num_heads:
            raise ValueError(f'the channels {dim} are not a multiple of num_heads={num_heads}; choose other heads, or '
                             'give head_dim')
        inner = num_heads * (head_dim or dim // num_heads)
        self.num_heads, self.attn_drop, self.scale = num_heads, attn_drop, scale
        self.qkv = Linear(dim, 3 * inner, bias=qkv_bias) if context_dim is None else None
        if context_dim is not None:
            self.q = Linear(dim, inner, bias=qkv_bias)
            self.kv = Linear(context_dim, 2 * inner, bias=qkv_bias)
        self.proj = Linear(inner, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None,
                is_causal: bool = False) -> Tensor:
        """``x (B,N,C) -> (B,N,C)``.

        Args:
            context: ``(B,L,context_dim)``, for a module that was built with ``context_dim``; L is N without.
            mask: bool, True where a query may look, broadcast to ``(B,h,N,L)``.
            is_causal: a token looks at itself and at those before it only.

        Raises ``ValueError`` for a context that the module is not built for, or none.
        """
        if (context is None) != (self.qkv is not None):
            raise ValueError(f'Attention is built with{"out" if self.qkv is not None else ""} context_dim, and called '
                             f'with{"out" if context is None else ""} a context')
        if self.qkv is not None:
            q, k, v = self._heads(self.qkv(x), 3)
        else:
            (q,), (k, v) = self._heads(self.q(x), 1), self._heads(self.kv(context), 2)
        x = self.attend(q, k, v, mask, is_causal)
        return self.proj_drop(self.proj(x.transpose(1, 2).flatten(2)))  # (B, N, C)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        """Values weighted by the agreement of queries ``(B,h,N,d)`` and keys ``(B,h,L,d)``: ``(B,h,N,d)``."""
        drop_rate = self.attn_drop if self.training else 0.0
        if q.device.type == 'cpu' and q.dtype == torch.bfloat16:
            return _products(q, k, v, mask, is_causal, self.scale, drop_rate)
        return F.scaled_dot_product_attention(q, k, v, mask, drop_rate, is_causal, scale=self.scale)

    def _heads(self, x: Tensor, parts: int) -> tuple:
        """``(B,N,parts*h*d)`` to as many ``(B,h,N,d)``."""
        return x.unflatten(-1, (parts, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)  # (B, h, N, d)


def _products(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None,
              drop_rate: float) -> Tensor:
    """``scaled_dot_product_attention`` step by step; in bf16 on CPUs the fused kernel is slow to train."""
    return F.dropout(attention_weights(q, k, mask, is_causal, scale), drop_rate) @ v


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None, is_causal: bool = False,
                      scale: float | None = None) -> Tensor:
    """How much queries ``(B,h,N,d)`` look at keys ``(B,h,L,d)``: ``(B,h,N,L)``, rows sum to one."""
    scores = q * (q.shape[-1] ** -0.5 if scale is None else scale) @ k.mT  # (B, h, N, L)
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1)
