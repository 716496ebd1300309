"""MixSTE: alternating attention over joints and over frames."""
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import NECKS
from ..layers import Block, criss_cross_masks, over_frames, over_tokens


@NECKS.register_module()
class MixSTE(BaseModule):
    """Mixed spatio-temporal encoder (Zhang et al., CVPR 2022, arXiv 2203.00859).

    Blocks over the tokens of one frame alternate with blocks over the frames of one token. One layer norm of the
    residual stream is shared by all blocks over tokens, another by all over frames.

    Args:
        embed_dim: channels C.
        depth: pairs of blocks.
        num_heads, mlp_ratio, qkv_bias, drop_rate, attn_drop_rate: see ``layers.Block``.
        drop_path_rate: stochastic depth of the last pair, growing linearly from 0.
        num_tokens: tokens per frame N.
        num_frames: frames of the learned temporal position embedding.
        resample_frames: stretch that embedding linearly to windows of another length, instead of refusing them.
    """

    def __init__(self, embed_dim: int = 512, depth: int = 8, num_heads: int = 8, mlp_ratio: float = 2.0,
                 qkv_bias: bool = True, drop_rate: float = 0.0, attn_drop_rate: float = 0.0,
                 drop_path_rate: float = 0.1, num_tokens: int = 17, num_frames: int = 243,
                 resample_frames: bool = False, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.num_frames, self.resample_frames = num_frames, resample_frames
        self.any_length = resample_frames
        self.token_pos = nn.Parameter(torch.zeros(1, num_tokens, embed_dim))
        self.frame_pos = nn.Parameter(torch.zeros(1, num_frames, embed_dim))
        self.token_blocks, self.frame_blocks = (
            nn.ModuleList(
                Block(embed_dim, num_heads, mlp_ratio, qkv_bias, proj_drop=drop_rate, attn_drop=attn_drop_rate,
                      drop_path=drop_path_rate * i / max(depth - 1, 1), norm_eps=1e-6) for i in range(depth))
            for _ in range(2))
        self.token_norm = nn.LayerNorm(embed_dim, 1e-6)
        self.frame_norm = nn.LayerNorm(embed_dim, 1e-6)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``; tokens are looked at where ``mask``, broadcast to ``(B,T,N)``, is True."""
        T, N = tokens.shape[1:3]
        if self.token_pos.shape[1] != N:
            raise ValueError(f'MixSTE is built for num_tokens={self.token_pos.shape[1]}, got {N} tokens per frame')
        tokens, token_mask, frame_mask = criss_cross_masks(tokens, mask)
        x = tokens + self.token_pos
        for i, (token_block, frame_block) in enumerate(zip(self.token_blocks, self.frame_blocks)):
            x = self.token_norm(over_tokens(token_block, x, token_mask))
            if i == 0:
                x = x + self._frame_pos(T).transpose(0, 1)  # (T, 1, C)
            x = self.frame_norm(over_frames(frame_block, x, frame_mask))
        return x

    def _frame_pos(self, num_frames: int) -> Tensor:
        """Temporal position embedding ``(1,T,C)``."""
        known = self.frame_pos.shape[1]
        if num_frames == known:
            return self.frame_pos
        if not self.resample_frames:
            raise ValueError(f'MixSTE has a position embedding of num_frames={known}, the window has {num_frames} '
                             f'frames; build it with num_frames={num_frames}, cut windows of {known} frames, or set '
                             'resample_frames=True')
        return stretch(self.frame_pos, num_frames)


def stretch(positions: Tensor, num_frames: int) -> Tensor:
    """Temporal position embedding ``(1,T0,C)`` for other windows, ``(1,T,C)``, by linear interpolation."""
    return F.interpolate(positions.mT, size=num_frames, mode='linear').mT  # (1, T, C)
