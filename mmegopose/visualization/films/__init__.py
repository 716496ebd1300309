"""People over time: where the camera stands (``motion_views``), one picture after the other (``motion_pictures``) on
one array of pixels (``canvas``, ``timelines``), beside their truth (``comparisons``), into a file (``video``,
``film_files``).
"""
from .comparisons import distances_from, errors_in_time, in_one_place, paired, truth_at
from .motion_pictures import MotionPictures
from .motion_views import View, choose_view, facing
from .video import write_video

__all__ = ['MotionPictures', 'View', 'choose_view', 'distances_from', 'errors_in_time', 'facing', 'in_one_place',
           'paired', 'truth_at', 'write_video']
