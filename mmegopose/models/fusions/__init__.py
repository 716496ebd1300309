"""Fusions join the branches of an estimator.

``level = 'tokens'``: ``{branch: tokens (B,T,N,C)} -> tokens``, before the neck and the head.
``level = 'outputs'``: ``({branch: tokens}, {branch: outputs}) -> outputs``, after the branches' heads.
``names``: the branches that it reads, so that the estimator can tell a mistake when it is built.
"""
from .concat import ConcatFusion
from .cross_attention import CrossAttentionFusion
from .weighted import WeightedFusion

__all__ = ['ConcatFusion', 'CrossAttentionFusion', 'WeightedFusion']
