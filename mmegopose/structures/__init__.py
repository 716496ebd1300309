"""Containers shared by every layer: the batched data sample, the skeletons and conversions between them."""
from .conversion import convert_confidence, convert_joints
from .sample import PoseDataSample
from .skeleton import Skeleton
from .skeletons import get_skeleton

__all__ = ['PoseDataSample', 'Skeleton', 'convert_confidence', 'convert_joints', 'get_skeleton']
