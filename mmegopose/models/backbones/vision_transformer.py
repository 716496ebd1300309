"""The plain image transformer of ViTPose, HMR2.0 and HaMeR."""
import re

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers import Block
from ..layers.patch_embed import ConvStem, PatchEmbed
from ..weights.key_map import map_keys

ARCHS = dict(small=dict(embed_dim=384, depth=12, num_heads=12, drop_path_rate=0.1),
             base=dict(embed_dim=768, depth=12, num_heads=12, drop_path_rate=0.3),
             large=dict(embed_dim=1024, depth=24, num_heads=16, drop_path_rate=0.5),
             huge=dict(embed_dim=1280, depth=32, num_heads=16, drop_path_rate=0.55))


@BACKBONES.register_module()
class VisionTransformer(BaseModule):
    """Image to patch tokens, as in ViTPose (Xu et al., NeurIPS 2022, arXiv 2204.12484); HMR2.0 and HaMeR share it.

    Args:
        arch: ``'small'``, ``'base'``, ``'large'`` or ``'huge'`` (a first letter will do): width, depth, heads and
            stochastic depth as published; None: all of them are given.
        embed_dim, depth, num_heads, drop_path_rate: win over ``arch``; stochastic depth grows linearly from 0.
        img_size: height and width H, W of the images; 256 x 256 crops of people or hands enter without their outer
            32 columns on each side.
        patch_size, in_channels, ratio: see :class:`PatchEmbed`.
        mlp_ratio, qkv_bias, drop_rate, attn_drop_rate: see ``layers.Block``.
        stream: name of the input stream.
        conv_stem: embed patches of 16 pixels by :class:`ConvStem`; for small models without pretrained weights.
    """

    def __init__(self, arch: str | None = 'base', embed_dim: int | None = None, depth: int | None = None,
                 num_heads: int | None = None, drop_path_rate: float | None = None, img_size: tuple = (256, 192),
                 patch_size: int = 16, in_channels: int = 3, ratio: int = 1, mlp_ratio: float = 4.0,
                 qkv_bias: bool = True, drop_rate: float = 0.0, attn_drop_rate: float = 0.0, stream: str = 'image',
                 conv_stem: bool = False, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        size = _size(arch, embed_dim=embed_dim, depth=depth, num_heads=num_heads, drop_path_rate=drop_path_rate)
        embed_dim, depth, drop_path_rate = size['embed_dim'], size['depth'], size['drop_path_rate']
        self.stream = stream
        self.patch_embed = ConvStem(img_size, embed_dim, in_channels) if conv_stem else \
            PatchEmbed(img_size, patch_size, embed_dim, in_channels, ratio)
        self.grid = self.patch_embed.grid
        # The first slot is that of MAE's class token; every token gets it on top of its own.
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid[0] * self.grid[1], embed_dim))
        self.blocks = nn.ModuleList(
            Block(embed_dim, size['num_heads'], mlp_ratio, qkv_bias, proj_drop=drop_rate, norm_eps=1e-6,
                  attn_drop=attn_drop_rate, drop_path=drop_path_rate * i / max(depth - 1, 1))
            for i in range(depth))
        self.last_norm = nn.LayerNorm(embed_dim, 1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def num_layers(self) -> int:
        """Layers of the layer-wise learning rate decay: the embedding, the blocks, and what follows them."""
        return len(self.blocks) + 2

    def layer_id(self, name: str) -> int:
        """Layer of a parameter of this backbone, from 0 to ``num_layers - 1``, for layer-wise learning rate decay."""
        if name.startswith(('pos_embed', 'patch_embed.')):
            return 0
        block = re.match(r'blocks\.(\d+)\.', name)
        return int(block[1]) + 1 if block else self.num_layers - 1

    def embed(self, inputs: dict, stream: str) -> Tensor:
        """``inputs[stream] (B,T,3,H,W)`` to tokens with their position ``(B,T,N,C)``."""
        if stream not in inputs:
            raise KeyError(f'{type(self).__name__} reads the stream {stream!r}, the data has {sorted(inputs)}')
        images = inputs[stream]
        if images.ndim != 5:
            raise ValueError(f'stream {stream!r} has shape {tuple(images.shape)}, should be (B,T,3,H,W)')
        tokens = self.patch_embed(images.flatten(0, 1)) + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        return tokens.unflatten(0, images.shape[:2])  # (B, T, N, C)

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream] (B,T,3,H,W) -> (B,T,N,C)``; frames are independent, N runs along rows of patches."""
        x = self.embed(inputs, self.stream)
        B, T = x.shape[:2]
        x = x.flatten(0, 1)  # (B*T, N, C)
        for block in self.blocks:
            x = block(x)
        return self.last_norm(x).unflatten(0, (B, T))  # (B, T, N, C)


def _size(arch: str | None, **given) -> dict:
    """Published size of an architecture, overwritten by what is given."""
    size = dict(drop_path_rate=0.0)
    if arch is not None:
        name = next((name for name in ARCHS if arch and name.startswith(arch)), None)
        if name is None:
            raise ValueError(f'arch={arch!r} should be one of {list(ARCHS)} or None')
        size = ARCHS[name]
    size = size | {key: value for key, value in given.items() if value is not None}
    missing = [key for key in given if key not in size]
    if missing:
        raise ValueError(f'arch=None needs {missing}')
    return size


_PREFIX = r'(?:backbone\.|encoder\.)?'
_RULES = [(_PREFIX + r'((?:pos_embed|patch_embed\.|last_norm\.|blocks\.\d+\.(?:norm|attn|mlp\.fc)).*)', r'\1')]
_EXPERT_RULE = (_PREFIX + r'(blocks\.\d+\.mlp\.experts\.\d+\..*)', r'\1')
EXPERTS = ('coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'wholebody')


def vit_from_hamer(state_dict: dict) -> dict:
    """Weights of the backbone of HaMeR or HMR2.0, whose heads, discriminator and body model are left out.

    Raises ``ValueError`` for unknown keys.
    """
    return map_keys(state_dict, _RULES, (r'(mano_head|smpl_head|discriminator|mano|smpl)\..*', 'initialized'))


def vit_from_vitpose(state_dict: dict, expert: str | None = None) -> dict:
    """Weights of the backbone of ViTPose, with or without the prefix ``backbone.``; its heads are left out.

    ViTPose+ (arXiv 2212.04246) has the last channels of each feed-forward network once per data set; ``expert`` names
    the one of ``EXPERTS`` to take. Raises ``ValueError`` for unknown keys or a wrong ``expert``.
    """
    mapped = map_keys(state_dict, [_EXPERT_RULE, *_RULES], (r'(associate_)?keypoint_heads?\..*',))
    experts = {key: mapped.pop(key) for key in list(mapped) if '.experts.' in key}
    if experts and expert not in EXPERTS:
        raise ValueError(f'these are weights of ViTPose+: expert={expert!r} should be one of {EXPERTS}')
    if expert is not None and not experts:
        raise ValueError(f'expert={expert!r}, but these weights have no experts')
    for key, value in experts.items():
        stem, index, kind = re.fullmatch(r'(.*)experts\.(\d+)\.(.*)', key).groups()
        if EXPERTS[int(index)] == expert:
            shared = f'{stem}fc2.{kind}'
            mapped[shared] = torch.cat([mapped[shared], value])
    return mapped


def vit_from_mae(state_dict: dict, grid: tuple = (16, 12), patch_size: int = 16) -> dict:
    """Weights of a masked autoencoder (He et al., CVPR 2022), its square position embedding resized to ``grid``.

    Smaller patches are padded with zeros to ``patch_size``. The decoder and the class token are left out; its slot
    of the position embedding stays. Raises ``ValueError`` for unknown keys.
    """
    mapped = map_keys(state_dict, [*_RULES, (_PREFIX + r'norm\.(.*)', r'last_norm.\1')],
                      (_PREFIX + r'(cls_token|mask_token|decoder_.*)',))
    mapped['pos_embed'] = resize_pos_embed(mapped['pos_embed'], grid)
    weight = mapped['patch_embed.proj.weight']
    missing = patch_size - weight.shape[-1]
    before = missing // 2
    mapped['patch_embed.proj.weight'] = F.pad(weight, (before, missing - before) * 2)
    return mapped


def resize_pos_embed(pos_embed: Tensor, grid: tuple) -> Tensor:
    """Position embedding of a square grid and a class token, ``(1,1+S*S,C)``, to ``(1,1+grid[0]*grid[1],C)``."""
    first, rest = pos_embed[:, :1], pos_embed[:, 1:]
    side = round(rest.shape[1] ** 0.5)
    if side * side != rest.shape[1]:
        raise ValueError(f'pos_embed has {rest.shape[1]} places, which is no square grid')
    if (side, side) != tuple(grid):
        image = rest.mT.unflatten(-1, (side, side))  # (1, C, S, S)
        rest = F.interpolate(image, size=tuple(grid), mode='bicubic').flatten(2).mT  # (1, N, C)
    return torch.cat([first, rest], 1)
