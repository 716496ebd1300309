"""Weights of MotionBERT (Zhu et al., ICCV 2023, github.com/Walter0807/MotionBERT)."""
from ...registry import OFFICIAL_WEIGHTS
from .key_map import map_keys
from .mixste import lifter_config
from .official import OfficialWeights, shape_of


def _block_rules(stream: str, axis: str, ours: str) -> list:
    block, ours = rf'blocks_{stream}\.(\d+)\.', rf'neck.levels.\1.{ours}.'
    return [(block + rf'(norm[12]|attn|mlp)_{axis}\.(.*)', ours + r'\2.\3')]


_RULES = [(r'joints_embed\.(.*)', r'backbone.proj.\1'),
          (r'pos_embed', 'neck.token_pos'), (r'temp_embed', 'neck.frame_pos'),
          *_block_rules('st', 's', 'token_first'), *_block_rules('st', 't', 'frame_second'),
          *_block_rules('ts', 't', 'frame_first'), *_block_rules('ts', 's', 'token_second'),
          (r'ts_attn\.(\d+)\.(.*)', r'neck.levels.\1.weigh.\2'), (r'norm\.(.*)', r'head.norm.\1'),
          (r'pre_logits\.fc\.(.*)', r'head.mlp.layers.0.\1'), (r'head\.(.*)', r'head.mlp.layers.1.\1')]


def motionbert_from_official(state_dict: dict, strict: bool = True) -> dict:
    """Weights of the official MotionBERT for a ``PoseEstimator`` of ``JointEmbed``, ``DSTformer`` and ``JointHead``.

    The embedding has ``in_dim=3`` (x, y, confidence), the head ``per_joint=True, output='all', hidden_dims=(512,),
    act='tanh', norm=True, norm_eps=1e-6``. Their output is in the units of the normalised image. See
    ``map_keys`` for ``strict``.
    """
    return map_keys(state_dict, _RULES, strict=strict)


@OFFICIAL_WEIGHTS.register_module(name='motionbert')
class MotionBERTWeights(OfficialWeights):
    """Of MotionBERT and its lite version.

    Args:
        num_heads: heads, which the weights do not tell.
    """

    pattern = r'blocks_st\.0\..*'

    def __init__(self, num_heads: int = 8):
        self.num_heads = num_heads

    def state(self, weights: dict) -> dict:
        return motionbert_from_official(weights, strict=False)

    def config(self, weights: dict, state: dict) -> dict:
        config = lifter_config(state, 'DSTformer', r'neck\.levels\.(\d+)\.', self.num_heads)
        hidden = (shape_of(state, r'head\.mlp\.layers\.0\.weight') or (config['neck']['embed_dim'],))[0]
        config['head'] |= dict(norm_eps=1e-6, hidden_dims=(hidden,), act='tanh')
        return config
