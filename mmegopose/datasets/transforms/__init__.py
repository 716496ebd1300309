"""Transforms of a whole batch: augmentation, reference frame, features, packing."""
from .augment import BodyScale, FrameDrops, HeadPoseNoise, Mirror, RandomHeading
from .lifting import KeypointNoise
from .pack import HeadPoseFeatures, PackInputs, TargetFrame

__all__ = ['BodyScale', 'FrameDrops', 'HeadPoseFeatures', 'HeadPoseNoise', 'KeypointNoise', 'Mirror', 'PackInputs',
           'RandomHeading', 'TargetFrame']
