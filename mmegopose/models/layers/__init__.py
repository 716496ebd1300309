"""The atoms that every transformer of the package is built from."""
from .attention import Attention
from .block import Block, DropPath, over_frames, over_tokens
from .embed import JointEmbed, TrajectoryEmbed, sincos_position
from .linear import Linear
from .masks import attention_mask, criss_cross_masks, token_mask
from .mlp import Mlp

__all__ = ['Attention', 'Block', 'DropPath', 'JointEmbed', 'Linear', 'Mlp', 'TrajectoryEmbed', 'attention_mask',
           'criss_cross_masks', 'over_frames', 'over_tokens', 'sincos_position', 'token_mask']
