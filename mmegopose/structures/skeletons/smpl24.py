"""SMPL (Loper et al., TOG 2015): the 24 joints of its kinematic tree."""
from ..skeleton import Skeleton, both_sides

SMPL24 = Skeleton.from_parents(
    'smpl24',
    'pelvis left-hip right-hip spine-1 left-knee right-knee spine-2 left-ankle right-ankle spine-3 left-foot '
    'right-foot neck left-collar right-collar head left-shoulder right-shoulder left-elbow right-elbow left-wrist '
    'right-wrist left-hand right-hand',
    parents=(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21), head=(15,),
    limbs=both_sides(arm='shoulder elbow wrist hand', leg='hip knee ankle foot'))
