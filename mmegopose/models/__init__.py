"""Models: layers, backbones, necks, fusions, heads and losses, hosted by one estimator."""
from . import backbones, fusions, heads, layers, losses, necks, weights
from .estimator import PoseEstimator
from .losses.adversarial import AdversarialLoss

__all__ = ['AdversarialLoss', 'PoseEstimator', 'backbones', 'fusions', 'heads', 'layers', 'losses', 'necks',
           'weights']
