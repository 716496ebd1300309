"""Temporal necks: tokens ``(B,T,N,C)`` to tokens ``(B,T,N,C)``, mixing frames."""
from .mixste import MixSTE, mixste_from_official
from .stc import STC, stc_from_official

__all__ = ['STC', 'MixSTE', 'mixste_from_official', 'stc_from_official']
