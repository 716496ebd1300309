"""Models: layers, backbones, necks, fusions, heads and losses, hosted by one estimator."""
from . import backbones, fusions, heads, layers, losses, necks
from .estimator import PoseEstimator

__all__ = ['PoseEstimator', 'backbones', 'fusions', 'heads', 'layers', 'losses', 'necks']
