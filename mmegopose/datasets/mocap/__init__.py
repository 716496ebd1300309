"""Motion capture to egocentric clips: joints of the wearer and the pose of a glasses camera, 30 Hz, metres, z up."""
from .clips import Clip, MocapClips
from .cmu import convert_cmu
from .wheels import read_wheels

__all__ = ['Clip', 'MocapClips', 'convert_cmu', 'read_wheels']
