"""Data that is made, not read: rendered hands and bodies, virtual cameras, errors of detectors."""
from .keypoint_noise import KeypointNoise
from .pose_errors import PoseErrors
from .render import Render
from .synthetic_meshes import SyntheticMeshDataset
from .views import read_mocap_views

__all__ = ['KeypointNoise', 'PoseErrors', 'Render', 'SyntheticMeshDataset', 'read_mocap_views']
