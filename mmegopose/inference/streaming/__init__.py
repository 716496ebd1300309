"""Poses frame by frame, as a headset or a camera delivers them."""
from .live_frame import LiveFrame
from .live_head_pose import LiveHeadPose
from .live_lifting import LiveLifting

__all__ = ['LiveFrame', 'LiveHeadPose', 'LiveLifting']
