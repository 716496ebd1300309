"""People over time: where the camera stands (``motion_views``), one picture after the other (``motion_pictures``) on
one array of pixels (``canvas``, ``timelines``), into a file (``video``).
"""
from .motion_pictures import MotionPictures
from .motion_views import View, choose_view, facing
from .video import write_video

__all__ = ['MotionPictures', 'View', 'choose_view', 'facing', 'write_video']
