"""Predictions from plain arrays."""
from .head_pose_inferencer import HeadPoseInferencer, resample_track
from .lifting_inferencer import LiftingInferencer
from .loading import load_model

__all__ = ['HeadPoseInferencer', 'LiftingInferencer', 'load_model', 'resample_track']
