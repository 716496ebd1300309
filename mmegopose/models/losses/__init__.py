"""Losses: ``(estimate, data_samples) -> scalar``; all masked by ``visible``."""
from .joint_losses import BoneLengthLoss, L1Loss, MPJPELoss, VelocityLoss

__all__ = ['BoneLengthLoss', 'L1Loss', 'MPJPELoss', 'VelocityLoss']
