"""Models: layers, backbones, necks, fusions, heads and losses, hosted by one estimator."""
from . import backbones, fusions, heads, layers, losses, necks
from .discriminator import AdversarialLoss
from .estimator import PoseEstimator

__all__ = ['AdversarialLoss', 'PoseEstimator', 'backbones', 'fusions', 'heads', 'layers', 'losses', 'necks']
