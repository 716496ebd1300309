"""Fusions join the branches of an estimator.

``level = 'tokens'``: ``{branch: tokens (B,T,N,C)} -> tokens``, before the neck and the head.
``level = 'estimates'``: ``({branch: tokens}, {branch: estimate}) -> estimate``, after the branches' heads.
"""
from .concat import ConcatFusion
from .cross_attention import CrossAttentionFusion
from .weighted import WeightedFusion

__all__ = ['ConcatFusion', 'CrossAttentionFusion', 'WeightedFusion']
