"""The atoms that every transformer of the package is built from."""
from .attention import Attention
from .block import Block, DropPath, LayerScale, over_frames, over_tokens
from .embed import JointEmbed, TrajectoryEmbed, sincos_position
from .linear import Linear
from .masks import attention_mask, criss_cross_masks, token_mask
from .mlp import Mlp, MlpHead

__all__ = ['Attention', 'Block', 'DropPath', 'JointEmbed', 'LayerScale', 'Linear', 'Mlp', 'MlpHead', 'TrajectoryEmbed',
           'attention_mask', 'criss_cross_masks', 'over_frames', 'over_tokens', 'sincos_position', 'token_mask']
