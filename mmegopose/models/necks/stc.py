"""STCFormer: attention over joints and over frames in parallel halves of the channels."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import NECKS
from ...structures import all_skeletons
from ..layers import Attention, Block, DropPath, criss_cross_masks


@NECKS.register_module()
class STC(BaseModule):
    """Spatio-temporal criss-cross transformer, STCFormer (Tang et al., CVPR 2023).

    It has no weight per frame, hence takes windows of any length. The defaults are STCFormer; STCFormer-L has
    ``embed_dim=512``.

    Args:
        embed_dim: channels C.
        depth: number of blocks.
        num_heads: heads of each half; must divide C/2.
        mlp_ratio, drop_rate: of the feed-forward network, see ``layers.Block``.
        parts: body part of each token, the name of a skeleton with ``Skeleton.parts``, or a tuple; None: no part
            embedding (tokens that are no joints).
        part_scale: factor of the part embedding.
        part_drop_rate: share of samples that train without part embedding.
        attn_scale: factor of the products of queries and keys; None: ``(C/2)**-0.5``, by the width of the half.
    """

    def __init__(self, embed_dim: int = 256, depth: int = 6, num_heads: int = 8, mlp_ratio: float = 4.0,
                 drop_rate: float = 0.1, parts: str | tuple | None = 'h36m17', part_scale: float = 1e-4,
                 part_drop_rate: float = 0.5, attn_scale: float | None = None, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if isinstance(parts, str):
            known = {skeleton.name: skeleton.parts for skeleton in all_skeletons() if skeleton.parts}
            if parts not in known:
                raise ValueError(f'STC(parts={parts!r}): parts should be one of {list(known)}, a tuple, or None')
            parts = known[parts]
        self.num_tokens = len(parts) if parts else None
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, mlp_ratio, proj_drop=drop_rate, mlp_bias=False, attn=CrissCrossAttention(
                embed_dim, num_heads, parts, part_scale, part_drop_rate, attn_scale)) for _ in range(depth))

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``; tokens are looked at where ``mask``, broadcast to ``(B,T,N)``, is True."""
        if self.num_tokens not in (None, tokens.shape[2]):
            raise ValueError(f'STC has parts for {self.num_tokens} tokens per frame, got {tokens.shape[2]}; give parts '
                             'with the part of each token, or parts=None')
        tokens, *attention = criss_cross_masks(tokens, mask)
        masks = None if mask is None else (mask.expand(tokens.shape[:3]), *attention)
        for block in self.blocks:
            tokens = block(tokens, masks)
        return tokens


class CrissCrossAttention(Attention):
    """Half of the channels attends over the tokens of a frame, the other half over the frames of a token.

    Two position codes are added (the paper's structure-enhanced positional embedding): a depth-wise convolution of
    the values over frames and neighbouring tokens, which alone knows the order of frames, and a learned vector per
    body part. The official code adds the latter to the temporal half too, with a factor of 1e-9 that vanishes in
    fp32; here that half has none. It also drops it for whole batches at a time, here per sample.

    Args:
        embed_dim, num_heads, parts, part_scale, part_drop_rate, attn_scale: see :class:`STC`.
    """

    def __init__(self, embed_dim: int, num_heads: int, parts: tuple | None, part_scale: float, part_drop_rate: float,
                 attn_scale: float | None):
        half = embed_dim // 2
        if embed_dim % (2 * num_heads):
            raise ValueError(f'STC: embed_dim={embed_dim} is not a multiple of 2 * num_heads={2 * num_heads}')
        super().__init__(embed_dim, num_heads, scale=half ** -0.5 if attn_scale is None else attn_scale)
        self.space_conv = nn.Conv2d(half, half, 3, padding=1, groups=half)
        self.time_conv = nn.Conv2d(half, half, 3, padding=1, groups=half)
        self.part_embed = nn.Embedding(max(parts) + 1, half // num_heads) if parts else None
        self.register_buffer('parts', torch.tensor(parts) if parts else None, persistent=False)
        self.part_scale, self.part_drop = part_scale, DropPath(part_drop_rate)

    def forward(self, x: Tensor, mask: tuple | None = None, is_causal: bool = False) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``.

        Args:
            mask: ``(B,T,N)``, True where the convolutions read, and the masks, see :class:`Attention`, of both halves.
            is_causal: of the half over frames.
        """
        B, T, N, _ = x.shape
        inside, token_mask, frame_mask = mask or (None, None, None)
        qkv = self.qkv(x).unflatten(-1, (3, 2, self.num_heads, -1))  # (B, T, N, 3, 2, h, d)
        space, time = qkv.permute(4, 3, 0, 1, 2, 5, 6)  # each (3, B, T, N, h, d)
        across = space.flatten(1, 2).transpose(2, 3)  # (3, B*T, h, N, d)
        along = time.permute(0, 1, 3, 4, 2, 5).flatten(1, 2)  # (3, B*N, h, T, d)
        across = self.attend(*across, token_mask).transpose(1, 2).unflatten(0, (B, T))  # (B, T, N, h, d)
        along = self.attend(*along, frame_mask, is_causal).unflatten(0, (B, N))  # (B, N, h, T, d)
        along = along.permute(0, 3, 1, 2, 4)  # (B, T, N, h, d)
        space = across + _neighbours(self.space_conv, space[2], inside)  # (B, T, N, h, d)
        time = along + _neighbours(self.time_conv, time[2], inside)
        if self.part_embed is not None:
            part = self.part_embed(self.parts)[:, None].expand(B, 1, N, 1, -1)  # (B, 1, N, 1, d)
            space = space + self.part_scale * self.part_drop(part)
        return self.proj(torch.cat([space, time], -1).flatten(3))  # (B, T, N, C)


def _neighbours(conv: nn.Conv2d, values: Tensor, inside: Tensor | None) -> Tensor:
    """Convolve ``(B,T,N,h,d)`` over frames and tokens, with zeros where not ``inside (B,T,N)``, as beyond the ends."""
    if inside is not None:
        values = values.masked_fill(~inside[..., None, None], 0)
    planes = values.flatten(3).permute(0, 3, 1, 2)  # (B, h*d, T, N)
    return conv(planes).permute(0, 2, 3, 1).unflatten(-1, values.shape[3:])  # (B, T, N, h, d)
