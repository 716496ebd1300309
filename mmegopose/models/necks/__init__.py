"""Temporal necks: tokens ``(B,T,N,C)`` to tokens ``(B,T,N,C)``, mixing frames."""
from .dstformer import DSTformer, dstformer_from_official
from .mixste import MixSTE, mixste_from_official
from .stc import STC, stc_from_official

__all__ = ['DSTformer', 'STC', 'MixSTE', 'dstformer_from_official', 'mixste_from_official', 'stc_from_official']
