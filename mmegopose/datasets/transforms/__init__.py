"""Transforms of a whole batch: augmentation, reference frame, features, packing."""
from .keypoint_noise import KeypointNoise
from .pack import HeadPoseFeatures, PackInputs, TargetFrame
from .read_head_pose import ReadHeadPose
from .world_augment import BodyScale, FrameDrops, HeadPoseNoise, Mirror, RandomHeading

__all__ = ['BodyScale', 'FrameDrops', 'HeadPoseFeatures', 'HeadPoseNoise', 'KeypointNoise', 'Mirror', 'PackInputs',
           'RandomHeading', 'ReadHeadPose', 'TargetFrame']
