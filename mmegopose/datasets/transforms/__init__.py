"""Transforms of a whole batch: augmentation, reference frame, features, packing."""
from .body_augment import BodyProportions, OtherArms
from .crop_augment import CropAugment
from .decode_crop import DecodeCrop
from .degrade_image import DegradeImage
from .draw_pose import CropPose, DrawPose
from .mesh_targets import MeshTargets
from .pack import HeadPoseFeatures, PackInputs, TargetFrame
from .read_head_pose import ReadHeadPose
from .read_keypoints import ReadKeypoints
from .streams import DropStreams, FrameFeatures, FrameViews, GazeDirections, HandWrists, InertialReadings
from .world_augment import BodyScale, FrameDrops, HeadPoseNoise, Mirror, RandomHeading
from .wrist_places import WristPlaces

__all__ = ['BodyProportions', 'BodyScale', 'CropAugment', 'CropPose', 'DecodeCrop', 'DegradeImage', 'DrawPose',
           'DropStreams', 'FrameDrops', 'FrameFeatures', 'FrameViews', 'GazeDirections', 'HandWrists',
           'HeadPoseFeatures', 'HeadPoseNoise', 'InertialReadings', 'MeshTargets', 'Mirror', 'OtherArms', 'PackInputs',
           'RandomHeading', 'ReadHeadPose', 'ReadKeypoints', 'TargetFrame', 'WristPlaces']
