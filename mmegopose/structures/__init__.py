"""What every room may know: the batched data sample, skeletons and conversions between them. Data and tables only.

Nothing here reads a file or imports another room of the package. A skeleton is named by a string everywhere else;
:func:`get_skeleton` turns the name into its facts and :func:`register_skeleton` adds one.
"""
from .conversion import convert_confidence, convert_joints
from .sample import PoseDataSample
from .skeleton import Skeleton, SkeletonStyle, both_sides
from .skeletons import all_skeletons, get_skeleton, register_skeleton

__all__ = ['PoseDataSample', 'Skeleton', 'SkeletonStyle', 'all_skeletons', 'both_sides', 'convert_confidence',
           'convert_joints', 'get_skeleton', 'register_skeleton']
