"""Weights of HaMeR (Pavlakos et al., CVPR 2024, github.com/geopavlakos/hamer) and HMR2.0 (Goel et al., ICCV 2023)."""
import torch

from ...registry import OFFICIAL_WEIGHTS
from .key_map import map_keys
from .official import OfficialWeights
from .vitpose import VIT_RULES, prefixed, vit_config

_LAYER = r'transformer\.transformer\.layers\.(\d+)\.'
_HEAD_RULES = [(r'(?:mano|smpl)_head\.' + pattern, replacement) for pattern, replacement in (
    (r'init_(?:hand|body)_(pose)', r'mean.\1'),
    (r'init_(betas|cam)', r'mean.\1'),
    (r'transformer\.pos_embedding', 'query'),
    (r'transformer\.to_token_embedding\.(.*)', r'embed.\1'),
    (_LAYER + r'0\.norm\.(.*)', r'layers.\1.norm1.\2'),
    (_LAYER + r'0\.fn\.to_(qkv)\.(.*)', r'layers.\1.self_attn.\2.\3'),
    (_LAYER + r'0\.fn\.to_out\.0\.(.*)', r'layers.\1.self_attn.proj.\2'),
    (_LAYER + r'1\.norm\.(.*)', r'layers.\1.norm2.\2'),
    (_LAYER + r'1\.fn\.to_(q|kv)\.(.*)', r'layers.\1.cross_attn.\2.\3'),
    (_LAYER + r'1\.fn\.to_out\.0\.(.*)', r'layers.\1.cross_attn.proj.\2'),
    (_LAYER + r'2\.norm\.(.*)', r'layers.\1.norm3.\2'),
    (_LAYER + r'2\.fn\.net\.0\.(.*)', r'layers.\1.mlp.fc1.\2'),
    (_LAYER + r'2\.fn\.net\.3\.(.*)', r'layers.\1.mlp.fc2.\2'),
    (r'dec(pose|shape|cam)\.(.*)', r'readout.\1.\2'))]
_DISCRIMINATOR_RULES = [(r'discriminator\.' + pattern, replacement) for pattern, replacement in (
    (r'D_conv1\.(.*)', r'joint.0.\1'), (r'D_conv2\.(.*)', r'joint.2.\1'),
    (r'pose_out\.(\d+)\.(.*)', r'\2.\1'),
    (r'betas_fc1\.(.*)', r'shape.0.\1'), (r'betas_fc2\.(.*)', r'shape.2.\1'), (r'betas_out\.(.*)', r'shape.4.\1'),
    (r'D_alljoints_fc1\.(.*)', r'pose.0.\1'), (r'D_alljoints_fc2\.(.*)', r'pose.2.\1'),
    (r'D_alljoints_out\.(.*)', r'pose.4.\1'))]


def vit_from_hamer(state_dict: dict) -> dict:
    """Weights of the backbone of HaMeR or HMR2.0 for ``ViT`` or ``ExtPose``; the other parts are left out.

    Raises ``ValueError`` for unknown keys.
    """
    return map_keys(state_dict, VIT_RULES, (r'(mano_head|smpl_head|discriminator|mano|smpl)\..*', 'initialized'))


def mesh_head_from_hamer(state_dict: dict) -> dict:
    """Weights of the head of HaMeR or HMR2.0 with its mean parameters; the other parts are left out.

    Where the official query has no feedback, its embedding of a zero is a constant, which joins ``query``. Raises
    ``ValueError`` for unknown keys.
    """
    mapped = map_keys(state_dict, _HEAD_RULES, (r'(backbone|discriminator|mano|smpl)\..*', 'initialized'))
    mapped['mean'] = torch.cat([mapped.pop(f'mean.{part}') for part in ('pose', 'betas', 'cam')], -1)
    for kind in ('weight', 'bias'):
        mapped[f'readout.{kind}'] = torch.cat([mapped.pop(f'readout.{p}.{kind}') for p in ('pose', 'shape', 'cam')])
    if mapped['embed.weight'].shape[1] == 1:
        del mapped['embed.weight']
        mapped['query'] = mapped['query'] + mapped.pop('embed.bias')
    return mapped


def discriminator_from_hamer(state_dict: dict) -> dict:
    """Weights of the discriminator of HaMeR or HMR2.0; the other parts are left out.

    Raises ``ValueError`` for unknown keys.
    """
    mapped = map_keys(state_dict, _DISCRIMINATOR_RULES, (r'(backbone|mano_head|smpl_head|mano|smpl)\..*',
                                                         'initialized'))
    for kind, ours in (('weight', 'score'), ('bias', 'bias')):
        joints = sorted((key for key in mapped if key.startswith(f'{kind}.')), key=lambda key: int(key.split('.')[1]))
        if joints:
            mapped[ours] = torch.cat([mapped.pop(key) for key in joints])
    for key in ('joint.0.weight', 'joint.2.weight'):
        if key in mapped:
            mapped[key] = mapped[key].flatten(1)  # 1 x 1 convolutions
    return mapped


@OFFICIAL_WEIGHTS.register_module(name='hamer')
class HaMeRWeights(OfficialWeights):
    """Of HaMeR or HMR2.0, without their body model.

    Args:
        discriminator: keep it, for ``losses=dict(adversarial=dict(type='AdversarialLoss'))``.
    """

    pattern = r'(mano|smpl)_head\..*'

    def __init__(self, discriminator: bool = False):
        self.discriminator = discriminator

    def state(self, weights: dict) -> dict:
        state = prefixed('backbone.', vit_from_hamer(weights)) | prefixed('head.', mesh_head_from_hamer(weights))
        if self.discriminator:
            if not any(key.startswith('discriminator.') for key in weights):
                raise ValueError('discriminator=True: these weights have none')
            state |= prefixed('losses.adversarial.discriminator.', discriminator_from_hamer(weights))
        return state

    def config(self, weights: dict, state: dict) -> dict:
        joints = (state['head.mean'].shape[-1] - 13) // 6
        config = dict(type='PoseEstimator', backbone=vit_config(state, (256, 192)), head=dict(
            type='MeshDecoderHead', embed_dim=state['backbone.pos_embed'].shape[-1], num_joints=joints,
            feedback='head.embed.weight' in state))
        if self.discriminator:
            config['losses'] = dict(adversarial=dict(type='AdversarialLoss', num_joints=joints - 1))
        return config
