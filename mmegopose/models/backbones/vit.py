"""Vision Transformer over any stream."""
import re

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import BACKBONES, EMBEDDINGS
from ..layers import Block, attention_mask, own_mask, sincos_position, streams_of, token_mask

IMAGES = dict(mlp_ratio=4.0, norm_eps=1e-6, init_std=0.02)
ARCHS = dict(
    # the coarse branch of the Level-wise ViT
    levelwise=dict(embed_dim=256, depth=3, num_heads=8, mlp_ratio=8.0, drop_path_rate=0.0, norm_eps=1e-5,
                   init_std=None),
    # image transformers: ours for crops of 96 x 96 pixels, then those of ViTPose (Xu et al., NeurIPS 2022, arXiv
    # 2204.12484), which HMR2.0 and HaMeR share
    tiny=dict(IMAGES, embed_dim=96, depth=4, num_heads=4, drop_path_rate=0.0),
    small=dict(IMAGES, embed_dim=384, depth=12, num_heads=12, drop_path_rate=0.1),
    base=dict(IMAGES, embed_dim=768, depth=12, num_heads=12, drop_path_rate=0.3),
    large=dict(IMAGES, embed_dim=1024, depth=24, num_heads=16, drop_path_rate=0.5),
    huge=dict(IMAGES, embed_dim=1280, depth=32, num_heads=16, drop_path_rate=0.55))


@BACKBONES.register_module()
class ViT(BaseModule):
    """A plain transformer encoder (Dosovitskiy et al., ICLR 2021, arXiv 2010.11929).

    The embedding decides the stream: a trajectory (one token per frame), joints, or image patches. By default tokens
    attend over frames for a trajectory and within each frame otherwise. ``ViT(arch='huge', embed=dict(type=
    'PatchEmbed'))`` is the transformer of ViTPose-H, HMR2.0 and HaMeR.

    Args:
        embed: config of the embedding; None if the tokens come embedded (a shared embedding of the estimator).
        arch: a key of ``ARCHS``, the published sizes.
        embed_dim, depth, num_heads, mlp_ratio, drop_path_rate, norm_eps, init_std: win over ``arch``. Stochastic depth
            grows linearly from 0 to ``drop_path_rate``. ``init_std``: the linear layers of the blocks start from a
            normal distribution of this width, and biases from zero.
        qkv_bias, norm_first, act, layer_scale: see ``layers.Block``.
        drop_rate, attn_drop_rate: dropout of the outputs, and of the attention weights.
        pos_embed: ``'sincos'`` adds the distance to the last frame; ``'learned'`` a code for each token of a frame,
            and one for all of them (MAE's of its class token); None nothing (the official baseline); ``'auto'`` what
            suits the embedding: learned for images, else sincos.
        scope: ``'frames'``: tokens of one place attend over time; ``'tokens'``: tokens of one frame attend to each
            other; ``'all'``: both; ``'auto'``: what suits the embedding.
        causal: a frame sees only itself and earlier frames (``scope='frames'``).
        zero_init_residual: start every residual branch at zero, so that a deep stack starts as a shallow one and
            learns from the first step (Goyal et al., arXiv 1706.02677, section 5.1). None: with pre-norm, if there is
            no ``init_std``.

    Raises:
        ValueError: an argument out of range, or two that do not go together.
    """

    def __init__(self, embed: dict | None = None, arch: str = 'levelwise', embed_dim: int | None = None,
                 depth: int | None = None, num_heads: int | None = None, mlp_ratio: float | None = None,
                 drop_path_rate: float | None = None, norm_eps: float | None = None, init_std: float | None = None,
                 qkv_bias: bool = True, norm_first: bool = True, act: str = 'gelu', drop_rate: float = 0.0,
                 attn_drop_rate: float = 0.0, layer_scale: float | None = None, pos_embed: str | None = 'auto',
                 scope: str = 'auto', causal: bool = False, zero_init_residual: bool | None = None,
                 init_cfg: dict | None = None):
        super().__init__(init_cfg)
        size = _size(arch, embed_dim=embed_dim, depth=depth, num_heads=num_heads, mlp_ratio=mlp_ratio,
                     drop_path_rate=drop_path_rate, norm_eps=norm_eps, init_std=init_std)
        dim, depth, self.causal = size['embed_dim'], size['depth'], causal
        if embed and embed.get('embed_dim', dim) != dim:
            raise ValueError(f'{type(self).__name__} has embed_dim={dim}, its embed embed_dim={embed["embed_dim"]}: '
                             'leave that of embed out')
        embedding = EMBEDDINGS.build(dict(embed_dim=dim) | embed) if embed else None
        self.scope = getattr(embedding, 'scope', 'frames') if scope == 'auto' else scope
        if self.scope not in ('frames', 'tokens', 'all'):
            raise ValueError(f"scope={scope!r} should be 'frames', 'tokens', 'all' or 'auto'")
        if causal and self.scope != 'frames':
            raise ValueError(f"causal=True needs scope='frames', got {self.scope!r}")
        self._set_position(getattr(embedding, 'pos_embed', 'sincos') if pos_embed == 'auto' else pos_embed, embedding,
                           dim)
        self.embed, self.streams = embedding, streams_of(embedding)
        self.blocks = nn.ModuleList(
            Block(dim, size['num_heads'], size['mlp_ratio'], qkv_bias, norm_first, act, drop_rate, attn_drop_rate,
                  size['drop_path_rate'] * i / max(depth - 1, 1), size['norm_eps'], layer_scale=layer_scale)
            for i in range(depth))
        self.norm = nn.LayerNorm(dim, size['norm_eps']) if norm_first else nn.Identity()
        if size['init_std']:
            for layer in (layer for layer in self.blocks.modules() if isinstance(layer, nn.Linear)):
                nn.init.trunc_normal_(layer.weight, std=size['init_std'])
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        if (norm_first and not size['init_std']) if zero_init_residual is None else zero_init_residual:
            for block in self.blocks:
                for layer in (block.attn.proj, block.mlp.fc2):
                    nn.init.zeros_(layer.weight)
                    nn.init.zeros_(layer.bias)

    def _set_position(self, kind: str | None, embedding: nn.Module | None, dim: int) -> None:
        if kind not in (None, 'sincos', 'learned'):
            raise ValueError(f"pos_embed={kind!r} should be 'sincos', 'learned', 'auto' or None")
        self.sincos, self.pos_embed = kind == 'sincos', None
        if kind == 'learned':
            if not hasattr(embedding, 'num_tokens'):
                raise ValueError(f"pos_embed='learned' needs an embedding that knows its num_tokens, such as "
                                 f'PatchEmbed, got {type(embedding).__name__}')
            # The first slot is that of MAE's class token; every token gets it on top of its own.
            self.pos_embed = nn.Parameter(torch.zeros(1, 1 + embedding.num_tokens, dim))
            nn.init.trunc_normal_(self.pos_embed, std=0.02)

    @property
    def num_layers(self) -> int:
        """Layers of the layer-wise learning rate decay: the embedding, the blocks, and what follows them."""
        return len(self.blocks) + 2

    def layer_id(self, name: str) -> int:
        """Layer of a parameter of this backbone, from 0 to ``num_layers - 1``, for layer-wise learning rate decay."""
        if name.startswith(('pos_embed', 'embed.')):
            return 0
        block = re.match(r'blocks\.(\d+)\.', name)
        return int(block[1]) + 1 if block else self.num_layers - 1

    def embedded(self, inputs: dict) -> Tensor:
        """Streams to tokens with their position ``(B,T,N,C)``."""
        return self.add_position(inputs['tokens'] if self.embed is None else self.embed(inputs))

    def add_position(self, tokens: Tensor) -> Tensor:
        """``(B,T,N,C) -> (B,T,N,C)``."""
        if self.sincos:
            return tokens + sincos_position(tokens.shape[1], tokens.shape[3], tokens)[:, None]  # (T, 1, C)
        if self.pos_embed is not None and tokens.shape[2] != self.pos_embed.shape[1] - 1:
            raise ValueError(f'{type(self).__name__} has a code for each of {self.pos_embed.shape[1] - 1} tokens per '
                             f'frame, got {tokens.shape[2]}: num_joints, or img_size, of its embed should be that of '
                             'the data')
        return tokens if self.pos_embed is None else tokens + self.pos_embed[:, 1:] + self.pos_embed[:, :1]

    def forward(self, inputs: dict | Tensor) -> Tensor:
        """Streams, or tokens ``(B,T,N,C)``, to tokens ``(B,T,N,C)``; of images N runs along rows of patches.

        Masks among the streams mark the tokens that other tokens may look at, see ``layers.token_mask``.
        """
        inputs = inputs if isinstance(inputs, dict) else dict(tokens=inputs)
        x = self.embedded(inputs)
        B, T, N, _ = x.shape
        keys = self._keys(inputs, N)
        keys = keys if keys is None else keys[:, -T:]
        x = self._sequences(x)
        mask, is_causal = attention_mask(None if keys is None else self._sequences(keys), self.causal)
        for block in self.blocks:
            x = block(x, mask, is_causal)
        x = self.norm(x)
        if self.scope == 'frames':
            return x.unflatten(0, (B, N)).transpose(1, 2)  # (B, T, N, C)
        return x.view(B, T, N, -1)  # (B, T, N, C)

    def _keys(self, inputs: dict, num_tokens: int) -> Tensor | None:
        """Tokens that others may look at, ``(B,T,N)``; None: all."""
        if self.scope == 'tokens' and own_mask(inputs, num_tokens, self.streams) is None:
            return None  # all tokens of a frame are alike, and look at no other frame
        return token_mask(inputs, num_tokens, self.streams)

    def _sequences(self, x: Tensor) -> Tensor:
        """``(B,T,N,...)`` to the sequences that attend: ``(B*N,T,...)``, ``(B*T,N,...)`` or ``(B,T*N,...)``."""
        if self.scope == 'frames':
            return x.transpose(1, 2).flatten(0, 1)  # (B*N, T, ...)
        return x.flatten(0, 1) if self.scope == 'tokens' else x.flatten(1, 2)  # (B*T, N, ...) or (B, T*N, ...)


def _size(arch: str, **given) -> dict:
    """Published size of an architecture, overwritten by what is given."""
    if arch not in ARCHS:
        raise ValueError(f'arch={arch!r} should be one of {list(ARCHS)}')
    return ARCHS[arch] | {key: value for key, value in given.items() if value is not None}


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
