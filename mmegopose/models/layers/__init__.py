"""The atoms that every transformer of the package is built from."""
from .attention import Attention
from .block import Block, DropPath
from .embed import JointEmbed, TrajectoryEmbed, sincos_position
from .mlp import Mlp

__all__ = ['Attention', 'Block', 'DropPath', 'JointEmbed', 'Mlp', 'TrajectoryEmbed', 'sincos_position']
