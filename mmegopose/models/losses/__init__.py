"""Losses: ``(outputs, data_samples) -> scalar``, or a dict of scalars; masked by what is visible or labelled.

A loss whose ``forward`` has an argument ``inputs`` sees the streams too.
"""
from .joint_losses import (
    BoneLengthLoss,
    JointLoss,
    L1Loss,
    MPJPELoss,
    NMPJPELoss,
    TemporalConsistencyLoss,
    VelocityLoss,
    global_mean,
    where_labelled,
)
from .likelihood_loss import ResidualLikelihoodLoss
from .mesh_losses import (
    HeatmapCrossEntropyLoss,
    HeatmapLoss,
    KeypointLoss,
    ParameterLoss,
    RootRelativeLoss,
    RootRelativeVelocityLoss,
)

__all__ = ['BoneLengthLoss', 'HeatmapCrossEntropyLoss', 'HeatmapLoss', 'JointLoss', 'KeypointLoss',
           'L1Loss', 'MPJPELoss', 'NMPJPELoss', 'ParameterLoss', 'ResidualLikelihoodLoss', 'RootRelativeLoss',
           'RootRelativeVelocityLoss', 'TemporalConsistencyLoss', 'VelocityLoss', 'global_mean', 'where_labelled']
