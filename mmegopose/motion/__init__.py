"""The motion of one person or hand, and its file."""
from .motion import Mesh, Motion

__all__ = ['Mesh', 'Motion']
