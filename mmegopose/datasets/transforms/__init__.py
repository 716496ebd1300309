"""Transforms of a whole batch: augmentation, reference frame, features, packing."""
from .pack import HeadPoseFeatures, PackInputs, TargetFrame
from .read_head_pose import ReadHeadPose
from .read_keypoints import ReadKeypoints
from .world_augment import BodyScale, FrameDrops, HeadPoseNoise, Mirror, RandomHeading

__all__ = ['BodyScale', 'FrameDrops', 'HeadPoseFeatures', 'HeadPoseNoise', 'Mirror', 'PackInputs',
           'RandomHeading', 'ReadHeadPose', 'ReadKeypoints', 'TargetFrame']
