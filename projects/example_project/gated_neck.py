"""A temporal neck in twenty lines."""
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmegopose.registry import NECKS


@NECKS.register_module()
class GatedNeck(BaseModule):
    """Mix neighbouring frames by a depthwise convolution over time, gated by the token itself.

    Args:
        embed_dim: channels C.
        kernel_size: frames that are mixed; odd.
    """

    def __init__(self, embed_dim: int, kernel_size: int = 5, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size={kernel_size} should be odd')
        self.mix = nn.Conv1d(embed_dim, embed_dim, kernel_size, padding=kernel_size // 2, groups=embed_dim)
        self.gate = nn.Linear(embed_dim, embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``."""
        B, T, N, C = tokens.shape
        mixed = self.mix(tokens.permute(0, 2, 3, 1).reshape(B * N, C, T))  # (B*N, C, T)
        return tokens + self.gate(tokens).sigmoid() * mixed.view(B, N, C, T).permute(0, 3, 1, 2)
