"""Wrists beside the head track: a new stream with a mask of its own."""
from .three_points import AddThreePoints, HeadToken, ThreePointEmbed

__all__ = ['AddThreePoints', 'HeadToken', 'ThreePointEmbed']
