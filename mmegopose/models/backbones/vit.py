"""Vision Transformer over any stream."""
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers import Block, attention_mask, sincos_position, token_mask


@BACKBONES.register_module()
class ViT(BaseModule):
    """A plain transformer encoder (Dosovitskiy et al., ICLR 2021, arXiv 2010.11929).

    The embedding decides the stream: a trajectory (one token per frame), joints, or image patches. By default tokens
    attend over frames for a trajectory and within each frame otherwise.

    Args:
        embed: config of the embedding; None if the tokens come embedded (a shared embedding of the estimator).
        embed_dim: channels C.
        depth: number of blocks.
        num_heads, mlp_ratio, qkv_bias, norm_first, act, drop_rate, attn_drop_rate: see ``layers.Block``.
        drop_path_rate: stochastic depth of the last block, growing linearly from 0.
        pos_embed: ``'sincos'`` adds the distance to the last frame; None adds nothing (the official baseline).
        scope: ``'frames'``: tokens of one place attend over time; ``'tokens'``: tokens of one frame attend to each
            other; ``'all'``: both. None: what the embedding suggests.
        causal: a frame sees only itself and earlier frames (``scope='frames'``).
        zero_init_residual: start every residual branch at zero, so that a deep stack starts as a shallow one and
            learns from the first step (Goyal et al., arXiv 1706.02677, section 5.1). Default: with pre-norm.
    """

    def __init__(self, embed: dict | None = None, embed_dim: int = 256, depth: int = 3, num_heads: int = 8,
                 mlp_ratio: float = 8.0, qkv_bias: bool = True, norm_first: bool = True, act: str = 'gelu',
                 drop_rate: float = 0.0, attn_drop_rate: float = 0.0, drop_path_rate: float = 0.0,
                 pos_embed: str | None = 'sincos', scope: str | None = None, causal: bool = False,
                 zero_init_residual: bool | None = None, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if pos_embed not in (None, 'sincos'):
            raise ValueError(f"pos_embed={pos_embed!r} should be 'sincos' or None")
        self.embed = BACKBONES.build(dict(embed_dim=embed_dim) | embed) if embed else None
        self.scope = scope or getattr(self.embed, 'scope', 'frames')
        if self.scope not in ('frames', 'tokens', 'all'):
            raise ValueError(f"scope={scope!r} should be 'frames', 'tokens' or 'all'")
        if causal and self.scope != 'frames':
            raise ValueError(f"causal=True needs scope='frames', got {self.scope!r}")
        self.embed_dim, self.pos_embed, self.causal = embed_dim, pos_embed, causal
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, mlp_ratio, qkv_bias, norm_first, act, drop_rate, attn_drop_rate,
                  drop_path_rate * i / max(depth - 1, 1)) for i in range(depth))
        self.norm = nn.LayerNorm(embed_dim) if norm_first else nn.Identity()
        if norm_first if zero_init_residual is None else zero_init_residual:
            for block in self.blocks:
                for layer in (block.attn.proj, block.mlp.fc2):
                    nn.init.zeros_(layer.weight)
                    nn.init.zeros_(layer.bias)

    def forward(self, inputs: dict | Tensor) -> Tensor:
        """Streams, or tokens ``(B,T,N,C)``, to tokens ``(B,T,N,C)``.

        The streams ``valid`` and ``detected`` mark the tokens that other tokens may look at, see ``token_mask``.
        """
        if not isinstance(inputs, dict):
            inputs = dict(tokens=inputs)
        elif self.embed is not None:
            inputs = dict(inputs, tokens=self.embed(inputs))
        x = inputs['tokens']
        B, T, N, _ = x.shape
        if self.pos_embed:
            x = x + sincos_position(T, self.embed_dim, x)[:, None]
        keys = token_mask(inputs, N)  # (B, T, N)
        x = self._sequences(x)
        mask, is_causal = attention_mask(None if keys is None else self._sequences(keys), self.causal)
        for block in self.blocks:
            x = block(x, mask, is_causal)
        x = self.norm(x)
        if self.scope == 'frames':
            return x.unflatten(0, (B, N)).transpose(1, 2)  # (B, T, N, C)
        return x.view(B, T, N, -1)

    def _sequences(self, x: Tensor) -> Tensor:
        """``(B,T,N,...)`` to the sequences that attend: ``(B*N,T,...)``, ``(B*T,N,...)`` or ``(B,T*N,...)``."""
        if self.scope == 'frames':
            return x.transpose(1, 2).flatten(0, 1)
        return x.flatten(0, 1) if self.scope == 'tokens' else x.flatten(1, 2)


@BACKBONES.register_module()
class HugeViT(ViT):
    """The deep ViT with 32 blocks and 16 heads.

    Args:
        arch: ``'levelwise'``: width 256 and feed-forward 2048, as in the Level-wise ViT submission; ``'huge'``: width
            1280 and feed-forward 5120, ViT-H of arXiv 2010.11929, table 1.
        kwargs: see :class:`ViT`; given values win.
    """

    archs = dict(levelwise=dict(embed_dim=256, depth=32, num_heads=16, mlp_ratio=8.0),
                 huge=dict(embed_dim=1280, depth=32, num_heads=16, mlp_ratio=4.0))

    def __init__(self, arch: str = 'levelwise', **kwargs):
        if arch not in self.archs:
            raise ValueError(f'HugeViT(arch={arch!r}): arch should be one of {list(self.archs)}')
        super().__init__(**self.archs[arch] | kwargs)
