"""Temporal necks: tokens ``(B,T,N,C)`` to tokens ``(B,T,N,C)``, mixing frames.

A neck whose ``forward`` has an argument ``mask (B,T,N)`` gets it if the data has frames or tokens that are not there.
It takes windows of any length T, or sets ``any_length = False`` and takes ``num_frames`` exactly.
"""
from .dstformer import DSTformer, dstformer_from_official
from .mixste import MixSTE, mixste_from_official
from .stc import STC, stc_from_official

__all__ = ['DSTformer', 'STC', 'MixSTE', 'dstformer_from_official', 'mixste_from_official', 'stc_from_official']
