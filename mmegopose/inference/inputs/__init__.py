"""From what a user has to a store of one sequence."""
from .head_track import head_track_store
from .keypoints_2d import keypoint_store

__all__ = ['head_track_store', 'keypoint_store']
