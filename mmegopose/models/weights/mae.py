"""Weights of masked autoencoders (He et al., CVPR 2022, github.com/facebookresearch/mae)."""
import torch
import torch.nn.functional as F
from torch import Tensor

from ...registry import OFFICIAL_WEIGHTS
from .key_map import map_keys
from .official import OfficialWeights
from .vitpose import PREFIX, VIT_RULES, prefixed, vit_config


def vit_from_mae(state_dict: dict, grid: tuple = (16, 12), patch_size: int = 16) -> dict:
    """Weights of a masked autoencoder for ``ViT``, its square position embedding resized to ``grid``.

    Smaller patches are padded with zeros to ``patch_size``. The decoder and the class token are left out; its slot
    of the position embedding stays. Raises ``ValueError`` for unknown keys.
    """
    mapped = map_keys(state_dict, [*VIT_RULES, (PREFIX + r'norm\.(.*)', r'norm.\1')],
                      (PREFIX + r'(cls_token|mask_token|decoder_.*)',))
    mapped['pos_embed'] = resize_pos_embed(mapped['pos_embed'], grid)
    weight = mapped['embed.proj.weight']
    missing = patch_size - weight.shape[-1]
    before = missing // 2
    mapped['embed.proj.weight'] = F.pad(weight, (before, missing - before) * 2)
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


@OFFICIAL_WEIGHTS.register_module(name='mae')
class MAEWeights(OfficialWeights):
    """Of a masked autoencoder, a backbone to start from.

    Args:
        img_size: height and width of the images, to which the position embedding is resized.
    """

    pattern, without = r'(.*\.)?cls_token', r'(mano|smpl)_head\..*'

    def __init__(self, img_size: tuple = (256, 192)):
        self.img_size = tuple(img_size)

    def state(self, weights: dict) -> dict:
        return prefixed('backbone.', vit_from_mae(weights, tuple(side // 16 for side in self.img_size)))

    def config(self, weights: dict, state: dict) -> dict:
        return dict(type='PoseEstimator', backbone=vit_config(state, self.img_size))
