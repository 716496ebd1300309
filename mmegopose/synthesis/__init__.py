"""Data that is made, not read: rendered hands and bodies, virtual cameras, errors of detectors."""
from .dataset import SyntheticMeshDataset
from .keypoint_noise import KeypointNoise
from .views import read_mocap_views

__all__ = ['KeypointNoise', 'SyntheticMeshDataset', 'read_mocap_views']
