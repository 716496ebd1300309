"""Weights of STCFormer (Tang et al., CVPR 2023, github.com/zhenhuat/STCFormer)."""
import re

from ...registry import OFFICIAL_WEIGHTS
from .key_map import map_keys
from .official import OfficialWeights, depth_of, shape_of

_BLOCK, _OUT = r'(?:stcformer\.stc_block|mlpmixer\.mixerblocks)\.(\d+)\.', r'neck.blocks.\1.'
_ATTENTION = _BLOCK + r'(?:stc_att|cross_att)\.'
_RULES = [(r'pose_emb\.weight', 'backbone.proj.weight'),
          (r'(?:regress_head|pose_lift)\.weight', 'head.mlp.layers.0.weight'),
          (_ATTENTION + r'layer_norm\.(.*)', _OUT + r'norm1.\2'),
          (_ATTENTION + r'((?:qkv|proj)\..*)', _OUT + r'attn.\2'),
          (_ATTENTION + r'emb\.weight', _OUT + r'attn.part_embed.weight'),
          (_ATTENTION + r'(?:sep2|gate)_s\.(.*)', _OUT + r'attn.space_conv.\2'),
          (_ATTENTION + r'(?:sep2|gate)_t\.(.*)', _OUT + r'attn.time_conv.\2'),
          (_BLOCK + r'layer_norm1?\.(.*)', _OUT + r'norm2.\2'),
          (_BLOCK + r'mlp1?\.(fc[12]\.weight)', _OUT + r'mlp.\2')]
_UNUSED = (r'mlpmixer\.mixerblocks\.\d+\.layer_norm2\..*',)


def stcformer_from_official(state_dict: dict, strict: bool = True) -> dict:
    """Weights of the official STCFormer for a ``PoseEstimator`` of ``JointEmbed``, ``STC`` and ``JointHead``.

    The embedding has ``bias=False, act='gelu'``, the head ``per_joint=True, output='all', hidden_dims=(),
    bias=False``. For the official MPI-INF-3DHP weights the neck has ``num_heads=4, parts='mpi_inf_3dhp17',
    attn_scale=embed_dim ** -0.5``, and the head ``scale=1e-3``, because they predict millimetres. See ``map_keys`` for
    ``strict``.
    """
    state = map_keys(state_dict, _RULES, _UNUSED, strict)
    for key, value in state.items():
        if re.fullmatch(r'neck\..*\.qkv\..*', key):  # theirs has the query, key and value of one channel side by side
            state[key] = value.unflatten(0, (-1, 3)).transpose(0, 1).flatten(0, 1)  # (3*C, ...)
        elif key.endswith('.part_embed.weight'):  # theirs may have rows that no joint uses
            state[key] = value[:5]
    return state


@OFFICIAL_WEIGHTS.register_module(name='stcformer')
class STCFormerWeights(OfficialWeights):
    """Of STCFormer and STCFormer-L, for Human3.6M or MPI-INF-3DHP."""

    pattern = r'(stcformer\.stc_block|mlpmixer\.mixerblocks)\.0\..*'

    def state(self, weights: dict) -> dict:
        return stcformer_from_official(weights, strict=False)

    def config(self, weights: dict, state: dict) -> dict:
        dim, = shape_of(state, r'neck\..*norm1\.weight') or (256,)
        _, in_dim = shape_of(state, r'backbone\.proj\.weight') or (dim, 2)
        hidden, _ = shape_of(state, r'neck\..*mlp\.fc1\.weight') or (4 * dim, dim)
        width = (shape_of(state, r'.*part_embed\.weight') or (5, dim // 16))[1]
        neck = dict(type='STC', embed_dim=dim, depth=depth_of(state, r'neck\.blocks\.(\d+)\.'), mlp_ratio=hidden / dim,
                    num_heads=dim // 2 // width)
        head = dict(type='JointHead', embed_dim=dim, num_joints=17, hidden_dims=(), per_joint=True, output='all',
                    bias=False)
        if 'mlpmixer.mixerblocks.0.layer_norm1.weight' in weights:  # MPI-INF-3DHP
            neck |= dict(parts='mpi_inf_3dhp17', attn_scale=dim ** -0.5)
            head |= dict(scale=1e-3)
        backbone = dict(type='JointEmbed', in_dim=in_dim, embed_dim=dim, bias=False, act='gelu')
        return dict(type='PoseEstimator', backbone=backbone, neck=neck, head=head)
