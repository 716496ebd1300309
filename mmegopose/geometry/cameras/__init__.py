"""Cameras: pinholes with lens distortion, and the fisheye of Project Aria. Axes are x right, y down, z forward."""
from .fisheye import FisheyeRadTanThinPrism, undistortion_map
from .pinhole import (
    Camera,
    perspective,
    project,
    quaternion_to_matrix,
    screen_normalize,
    world_to_camera,
)

__all__ = ['Camera', 'FisheyeRadTanThinPrism', 'perspective', 'project', 'quaternion_to_matrix', 'screen_normalize',
           'undistortion_map', 'world_to_camera']
