"""From what a user has to head tracks, 2D poses, pictures, and stores of them."""
from . import hands, head_tracks, poses_2d
from .image_sources import open_images
from .picture_files import PictureFiles
from .recordings import read_recordings, track_store
from .timed_image import ImageSource, TimedImage
from .video_file import VideoFile

__all__ = ['ImageSource', 'PictureFiles', 'TimedImage', 'VideoFile', 'hands', 'head_tracks', 'open_images', 'poses_2d',
           'read_recordings', 'track_store']
