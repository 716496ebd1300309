"""Fusions join the branches of an estimator.

``level = 'tokens'``: ``{branch: tokens (B,T,N,C)} -> tokens``, before the neck and the head.
``level = 'outputs'``: ``({branch: tokens}, {branch: outputs}) -> outputs``, after the branches' heads.
A fusion may have an argument ``there``: ``{branch: mask (B,T), or None for all}``, True where one of the streams of the
branch is there, of a fusion of tokens only in frames that are ``valid``. It is not given if all are always. A fusion of
tokens with this argument gets no tokens of those branches, except the first, whose streams the data lacks.
``names``: the branches that it reads, so that the estimator can tell a mistake when it is built.
"""
from .branch_attention import BranchAttention
from .concat import ConcatFusion
from .cross_attention import CrossAttentionFusion
from .gated import GatedFusion
from .weighted import WeightedFusion

__all__ = ['BranchAttention', 'ConcatFusion', 'CrossAttentionFusion', 'GatedFusion', 'WeightedFusion']
