"""Motion capture as 2D keypoints: cameras that stand still or are drawn at random, and the errors of detectors."""
from .detector_errors import DetectorErrors
from .keypoint_noise import KeypointNoise
from .random_views import RandomView, RandomViewDataset, read_mocap_bodies
from .views import read_mocap_views

__all__ = ['DetectorErrors', 'KeypointNoise', 'RandomView', 'RandomViewDataset', 'read_mocap_bodies',
           'read_mocap_views']
