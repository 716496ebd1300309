"""Streams beside the head track: from files of their own, and how they get lost."""
from .drop_streams import DropStreams
from .frame_features import FrameFeatures
from .frame_views import FrameViews
from .hand_wrists import HandWrists
from .timed_readings import GazeDirections, InertialReadings

__all__ = ['DropStreams', 'FrameFeatures', 'FrameViews', 'GazeDirections', 'HandWrists', 'InertialReadings']
