"""Losses: ``(estimate, data_samples) -> scalar``; all masked by ``visible``."""
from .joint_losses import (
    JOINT_WEIGHTS,
    BoneLengthLoss,
    L1Loss,
    MPJPELoss,
    NMPJPELoss,
    TemporalConsistencyLoss,
    VelocityLoss,
)

__all__ = ['JOINT_WEIGHTS', 'BoneLengthLoss', 'L1Loss', 'MPJPELoss', 'NMPJPELoss', 'TemporalConsistencyLoss',
           'VelocityLoss']
