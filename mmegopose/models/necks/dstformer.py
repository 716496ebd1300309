"""DSTformer: attention over joints and over frames in both orders, side by side."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import NECKS
from ..layers import Block, criss_cross_masks, over_frames, over_tokens


@NECKS.register_module()
class DSTformer(BaseModule):
    """Dual-stream spatio-temporal transformer of MotionBERT (Zhu et al., ICCV 2023, arXiv 2210.06551, section 3.1).

    On each level one stream attends over tokens, then frames, the other over frames, then tokens; a learned softmax
    weighs them per token. The defaults are MotionBERT; its lite version has ``embed_dim=256, mlp_ratio=4``. The last
    layer norm of the official network is that of the head (``JointHead(norm=True, norm_eps=1e-6)``).

    Args:
        embed_dim: channels C.
        depth: number of levels.
        num_heads, mlp_ratio, qkv_bias, drop_rate, attn_drop_rate: see ``layers.Block``.
        drop_path_rate: stochastic depth of the last level, growing linearly from 0.
        num_tokens: tokens per frame N.
        num_frames: frames of the learned temporal position embedding, the longest window.
    """

    def __init__(self, embed_dim: int = 512, depth: int = 5, num_heads: int = 8, mlp_ratio: float = 2.0,
                 qkv_bias: bool = True, drop_rate: float = 0.0, attn_drop_rate: float = 0.0,
                 drop_path_rate: float = 0.0, num_tokens: int = 17, num_frames: int = 243,
                 init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.token_pos = nn.Parameter(torch.empty(1, num_tokens, embed_dim))
        self.frame_pos = nn.Parameter(torch.empty(1, num_frames, 1, embed_dim))
        self.levels = nn.ModuleList(
            DualStream(embed_dim, num_heads=num_heads, mlp_ratio=mlp_ratio, qkv_bias=qkv_bias, proj_drop=drop_rate,
                       attn_drop=attn_drop_rate, drop_path=drop_path_rate * i / max(depth - 1, 1),
                       norm_eps=1e-6) for i in range(depth))
        self._init_parameters()

    def _init_parameters(self) -> None:
        for weight in (self.token_pos, self.frame_pos):
            nn.init.trunc_normal_(weight, std=0.02)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        for level in self.levels:  # equal parts of both streams
            nn.init.zeros_(level.weigh.weight)
            nn.init.constant_(level.weigh.bias, 0.5)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``; tokens are looked at where ``mask``, broadcast to ``(B,T,N)``, is True."""
        T, N = tokens.shape[1:3]
        longest = self.frame_pos.shape[1]
        if self.token_pos.shape[1] != N:
            raise ValueError(f'DSTformer is built for num_tokens={self.token_pos.shape[1]}, got {N} tokens per frame')
        if longest < T:
            raise ValueError(f'DSTformer has a position embedding of num_frames={longest}, the window has {T} frames; '
                             f'cut windows of at most {longest} frames, or build it with num_frames={T}')
        tokens, token_mask, frame_mask = criss_cross_masks(tokens, mask)
        x = tokens + self.token_pos + self.frame_pos[:, :T]
        for level in self.levels:
            x = level(x, token_mask, frame_mask)
        return x


class DualStream(nn.Module):
    """One level: tokens then frames beside frames then tokens.

    Args:
        embed_dim, block: see ``layers.Block``.
    """

    def __init__(self, embed_dim: int, **block):
        super().__init__()
        self.token_first, self.frame_second, self.frame_first, self.token_second = (
            Block(embed_dim, **block) for _ in range(4))
        self.weigh = nn.Linear(2 * embed_dim, 2)

    def forward(self, x: Tensor, token_mask: Tensor | None = None, frame_mask: Tensor | None = None) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``; see ``layers.criss_cross_masks`` for the masks."""
        st = over_frames(self.frame_second, over_tokens(self.token_first, x, token_mask), frame_mask)
        ts = over_tokens(self.token_second, over_frames(self.frame_first, x, frame_mask), token_mask)
        weights = self.weigh(torch.cat([st, ts], -1)).softmax(-1)  # (B, T, N, 2)
        return st * weights[..., :1] + ts * weights[..., 1:]
