"""From what a user has to a store of one sequence."""
from . import hands, head_tracks, poses_2d
from .head_track import head_track_store
from .keypoints_2d import keypoint_store
from .recordings import read_recordings, track_store

__all__ = ['hands', 'head_track_store', 'head_tracks', 'keypoint_store', 'poses_2d', 'read_recordings', 'track_store']
