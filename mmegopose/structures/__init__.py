"""Containers shared by every layer: the batched data sample and the skeletons."""
from .sample import PoseDataSample
from .skeleton import Skeleton, get_skeleton

__all__ = ['PoseDataSample', 'Skeleton', 'get_skeleton']
