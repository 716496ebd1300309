"""MPI-INF-3DHP (Mehta et al., 3DV 2017), the 17 joints of its test set and of published results.

``neck`` is the base of the neck, ``head`` the joint inside the head.
"""
from ..skeleton import Skeleton, both_sides

MPI_INF_3DHP17 = Skeleton.from_parents(
    'mpi_inf_3dhp17',
    'head-top neck right-shoulder right-elbow right-wrist left-shoulder left-elbow left-wrist '
    'right-hip right-knee right-ankle left-hip left-knee left-ankle pelvis spine head',
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1), head=(0, 16),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'),
    part_order=('right-arm', 'left-arm', 'right-leg', 'left-leg'))  # STCFormer, as in the official weights
