"""Weights of ViTPose and ViTPose+ (Xu et al., NeurIPS 2022, arXiv 2212.04246, github.com/ViTAE-Transformer/ViTPose)."""
import re

import torch

from ...registry import OFFICIAL_WEIGHTS
from ..backbones.vit import ARCHS
from .key_map import map_keys
from .official import OfficialWeights, depth_of

PREFIX = r'(?:backbone\.|encoder\.)?'
VIT_RULES = [(PREFIX + r'(pos_embed|blocks\.\d+\.(?:norm|attn|mlp\.fc).*)', r'\1'),
             (PREFIX + r'patch_embed\.(.*)', r'embed.\1'), (PREFIX + r'last_norm\.(.*)', r'norm.\1')]
_EXPERT_RULE = (PREFIX + r'(blocks\.\d+\.mlp\.experts\.\d+\..*)', r'\1')
EXPERTS = ('coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'wholebody')


def vit_from_vitpose(state_dict: dict, expert: str | None = None) -> dict:
    """Weights of the backbone of ViTPose for ``ViT``, with or without the prefix ``backbone.``; heads are left out.

    ViTPose+ has the last channels of each feed-forward network once per data set; ``expert`` names the one of
    ``EXPERTS`` to take. Raises ``ValueError`` for unknown keys or a wrong ``expert``.
    """
    mapped = map_keys(state_dict, [_EXPERT_RULE, *VIT_RULES], (r'(associate_)?keypoint_heads?\..*',))
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


def heatmap_head_from_vitpose(state_dict: dict) -> dict:
    """Weights of the heatmap head of ViTPose, classic or simple; backbone and further heads of ViTPose+ are left out.

    Raises ``ValueError`` for unknown keys.
    """
    return map_keys(state_dict, [(r'keypoint_head\.((?:deconv_layers|final_layer)\..*)', r'\1')],
                    (r'backbone\..*', r'associate_keypoint_heads\..*'))


@OFFICIAL_WEIGHTS.register_module(name='vitpose')
class ViTPoseWeights(OfficialWeights):
    """Of ViTPose, with its head or the backbone alone.

    Args:
        expert: data set whose weights to take from ViTPose+.
        img_size: height and width of the images.
    """

    pattern = PREFIX + r'blocks\.0\.attn\.qkv\.weight'
    without = r'(mano|smpl)_head\..*|(.*\.)?cls_token'

    def __init__(self, expert: str | None = None, img_size: tuple = (256, 192)):
        self.expert, self.img_size = expert, tuple(img_size)

    def state(self, weights: dict) -> dict:
        state = prefixed('backbone.', vit_from_vitpose(weights, self.expert))
        if any(key.startswith('keypoint_head.') for key in weights):
            state |= prefixed('head.', heatmap_head_from_vitpose(weights))
        return state

    def config(self, weights: dict, state: dict) -> dict:
        config = dict(type='PoseEstimator', backbone=vit_config(state, self.img_size))
        if any(key.startswith('head.') for key in state):
            joints, channels, side, _ = state['head.final_layer.weight'].shape
            decoder = dict(decoder='simple') if side == 3 else dict(decoder='classic', deconv_dim=channels)
            config['head'] = dict(type='HeatmapHead', embed_dim=state['backbone.pos_embed'].shape[-1],
                                  num_joints=joints, img_size=self.img_size, **decoder)
        return config


def prefixed(prefix: str, state: dict) -> dict:
    """Weights with a prefix before their keys."""
    return {prefix + key: value for key, value in state.items()}


def vit_config(state: dict, img_size: tuple) -> dict:
    """Config of the image transformer whose weights are ``state['backbone.*']``.

    Raises ``ValueError`` if no published one has their size.
    """
    dim, depth = state['backbone.pos_embed'].shape[-1], depth_of(state, r'backbone\.blocks\.(\d+)\.')
    arch = next((name for name, size in ARCHS.items() if (size['embed_dim'], size['depth']) == (dim, depth)), None)
    if arch is None:
        raise ValueError(f'a transformer of {dim} channels and {depth} blocks is none of {list(ARCHS)}')
    return dict(type='ViT', arch=arch, embed=dict(type='PatchEmbed', img_size=tuple(img_size)))
