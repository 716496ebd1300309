"""Halpe (Li et al., CVPR 2020; AlphaPose, RTMPose): the 17 keypoints of COCO, head, neck, pelvis and feet."""
from ..skeleton import Skeleton, both_sides
from .coco17 import COCO17

HALPE26 = Skeleton.from_parents(
    'halpe26',
    (*COCO17.joints, 'head-top', 'neck', 'pelvis', 'left-big-toe', 'right-big-toe', 'left-small-toe',
     'right-small-toe', 'left-heel', 'right-heel'),
    parents=(18, 0, 0, 1, 2, 18, 18, 5, 6, 7, 8, 19, 19, 11, 12, 13, 14, 18, 19, -1, 15, 16, 20, 21, 15, 16),
    head=(*COCO17.head, 17),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle big-toe small-toe heel'))
