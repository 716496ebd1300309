"""From what a user has to a store of one sequence."""
from . import hands, head_tracks, poses_2d
from .head_track import head_track_store
from .image_sources import open_images
from .keypoints_2d import keypoint_store
from .picture_files import PictureFiles
from .recordings import read_recordings, track_store
from .timed_image import ImageSource, TimedImage
from .video_file import VideoFile

__all__ = ['ImageSource', 'PictureFiles', 'TimedImage', 'VideoFile', 'hands', 'head_track_store', 'head_tracks',
           'keypoint_store', 'open_images', 'poses_2d', 'read_recordings', 'track_store']
