"""Poses frame by frame, as a headset or a camera delivers them."""
from .live_frame import LiveFrame
from .live_head_pose import LiveHeadPose

__all__ = ['LiveFrame', 'LiveHeadPose']
