"""Weights of MixSTE (Zhang et al., CVPR 2022, github.com/JinluZhang1126/MixSTE)."""
from ...registry import OFFICIAL_WEIGHTS
from ..necks.mixste import stretch
from .key_map import map_keys
from .official import OfficialWeights, depth_of, shape_of


def _stage_rules(long: str, short: str, ours: str) -> list:
    block, ours_block = short + r'blocks\.(\d+)\.', rf'neck.{ours}_blocks.\1.'
    return [(f'{long}_pos_embed', f'neck.{ours}_pos'),
            (long + r'_norm\.(.*)', rf'neck.{ours}_norm.\1'),
            (block + r'((?:norm[12]|attn|mlp)\..*)', ours_block + r'\2')]


_RULES = [(r'Spatial_patch_to_embedding\.(.*)', r'backbone.proj.\1'),
          (r'head\.0\.(.*)', r'head.norm.\1'),
          (r'head\.1\.(.*)', r'head.mlp.layers.0.\1'),
          *_stage_rules('Spatial', 'STE', 'token'), *_stage_rules('Temporal', 'TTE', 'frame')]


def mixste_from_official(state_dict: dict, strict: bool = True) -> dict:
    """Weights of the official MixSTE for a ``PoseEstimator`` of ``JointEmbed``, ``MixSTE`` and ``JointHead``.

    The head has ``per_joint=True, output='all', hidden_dims=(), norm=True``. See ``map_keys`` for ``strict``.
    """
    return map_keys(state_dict, _RULES, strict=strict)


@OFFICIAL_WEIGHTS.register_module(name='mixste')
class MixSTEWeights(OfficialWeights):
    """Of MixSTE.

    Args:
        num_frames: resize the temporal position embedding to this many frames; None: as it is.
        num_heads: heads, which the weights do not tell.
    """

    pattern = r'STEblocks\.0\..*'

    def __init__(self, num_frames: int | None = None, num_heads: int = 8):
        self.num_frames, self.num_heads = num_frames, num_heads

    def state(self, weights: dict) -> dict:
        state = mixste_from_official(weights, strict=False)
        if self.num_frames is not None and 'neck.frame_pos' in state:
            state['neck.frame_pos'] = stretch(state['neck.frame_pos'], self.num_frames)
        return state

    def config(self, weights: dict, state: dict) -> dict:
        return lifter_config(state, 'MixSTE', r'neck\.token_blocks\.(\d+)\.', self.num_heads)


def lifter_config(state: dict, neck: str, block: str, num_heads: int) -> dict:
    """Model of a joint embedding, a neck with codes of tokens and frames, and a joint head, in the size of the weights.

    Args:
        state: the weights under our keys.
        neck: type of the neck.
        block: begins the keys of a level of the neck, whose index is the first group.
        num_heads: its heads.
    """
    dim, = shape_of(state, r'neck\..*norm1\.weight') or (512,)
    _, in_dim = shape_of(state, r'backbone\.proj\.weight') or (dim, 2)
    hidden, _ = shape_of(state, r'neck\..*mlp\.fc1\.weight') or (2 * dim, dim)
    tokens = (shape_of(state, r'neck\.token_pos') or (1, 17))[1]
    frames = (shape_of(state, r'neck\.frame_pos') or (1, 243))[1]
    return dict(
        type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=in_dim, embed_dim=dim),
        neck=dict(type=neck, embed_dim=dim, depth=depth_of(state, block), mlp_ratio=hidden / dim, num_heads=num_heads,
                  num_tokens=tokens, num_frames=frames),
        head=dict(type='JointHead', embed_dim=dim, num_joints=tokens, hidden_dims=(), per_joint=True, output='all',
                  norm=True))
