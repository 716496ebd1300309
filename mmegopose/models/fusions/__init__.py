"""Fusions join the branches of an estimator.

``level = 'tokens'``: ``{branch: tokens (B,T,N,C)} -> tokens``, before the neck and the head.
``level = 'outputs'``: ``({branch: tokens}, {branch: outputs}) -> outputs``, after the branches' heads.
A fusion of outputs may have an argument ``there``: ``{branch: mask (B,T), or None for all}``, True where one of the
streams of the branch is there. It is not given if all are always.
``names``: the branches that it reads, so that the estimator can tell a mistake when it is built.
"""
from .concat import ConcatFusion
from .cross_attention import CrossAttentionFusion
from .weighted import WeightedFusion

__all__ = ['ConcatFusion', 'CrossAttentionFusion', 'WeightedFusion']
