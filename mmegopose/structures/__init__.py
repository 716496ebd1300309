"""What every room may know: the batched data sample, streams, skeletons and conversions. Data and tables only.

Nothing here reads a file or imports another room of the package. A skeleton is named by a string everywhere else;
:func:`get_skeleton` turns the name into its facts and :func:`register_skeleton` adds one.
"""
from .conversion import convert_confidence, convert_joints
from .sample import FIELDS, PoseDataSample, SampleField, register_field
from .skeleton import Skeleton, SkeletonStyle, both_sides
from .skeletons import all_skeletons, get_skeleton, register_skeleton
from .streams import Stream, find_stream, mask_name, mirror_stream, register_stream

__all__ = ['FIELDS', 'PoseDataSample', 'SampleField', 'Skeleton', 'SkeletonStyle', 'Stream', 'all_skeletons',
           'both_sides', 'convert_confidence', 'convert_joints', 'find_stream', 'get_skeleton', 'mask_name',
           'mirror_stream', 'register_field', 'register_skeleton', 'register_stream']
