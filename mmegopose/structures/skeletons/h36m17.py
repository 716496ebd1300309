"""Human3.6M (Ionescu et al., PAMI 2014) with the 17 joints that every lifting paper uses.

``thorax`` is the base of the neck, ``neck-nose`` the joint inside the head.
"""
from ..skeleton import Skeleton, both_sides

H36M17 = Skeleton.from_parents(
    'h36m17',
    'pelvis right-hip right-knee right-ankle left-hip left-knee left-ankle spine thorax neck-nose head-top '
    'left-shoulder left-elbow left-wrist right-shoulder right-elbow right-wrist',
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15), head=(9, 10),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'),
    part_order=('right-leg', 'left-leg', 'left-arm', 'right-arm'),  # STCFormer, as in the official weights
    # MixSTE (Zhang et al., CVPR 2022), as in the official code: the paper has other weights for feet and elbows.
    joint_weights=dict(mixste=(1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)))
