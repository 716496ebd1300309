"""Human3.6M (Ionescu et al., PAMI 2014) as it was captured: 32 joints.

Several joints coincide (11 with 0, 20 with 19, ...); the 17 of :data:`.H36M17` keep their names.
"""
from ..skeleton import Skeleton, both_sides

H36M32 = Skeleton.from_parents(
    'h36m32',
    'pelvis right-hip right-knee right-ankle right-foot right-toe left-hip left-knee left-ankle left-foot left-toe '
    'spine-base spine thorax neck-nose head-top '
    'left-collar left-shoulder left-elbow left-wrist left-thumb-base left-thumb left-hand left-hand-end '
    'right-collar right-shoulder right-elbow right-wrist right-thumb-base right-thumb right-hand right-hand-end',
    parents=(-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14,
             12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30), head=(14, 15),
    limbs=both_sides(arm='shoulder elbow wrist thumb-base thumb hand hand-end', leg='hip knee ankle foot toe'))
