"""Predictions from plain arrays."""
from .head_pose import HeadPoseInferencer, resample_track

__all__ = ['HeadPoseInferencer', 'resample_track']
