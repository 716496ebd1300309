"""Temporal necks: tokens ``(B,T,N,C)`` to tokens ``(B,T,N,C)``, mixing frames.

A neck whose ``forward`` has an argument ``mask (B,T,N)`` gets it if the data has frames or tokens that are not there.
It takes windows of any length T, or sets ``any_length = False`` and takes ``num_frames`` exactly.
"""
from .dstformer import DSTformer
from .mixste import MixSTE
from .stc import STC

__all__ = ['DSTformer', 'MixSTE', 'STC']
