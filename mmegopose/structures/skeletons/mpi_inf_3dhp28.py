"""MPI-INF-3DHP (Mehta et al., 3DV 2017), the 28 joints of its training set."""
from ..skeleton import Skeleton, both_sides

MPI_INF_3DHP28 = Skeleton.from_parents(
    'mpi_inf_3dhp28',
    'spine-3 spine-4 spine-2 spine pelvis neck head head-top '
    'left-clavicle left-shoulder left-elbow left-wrist left-hand '
    'right-clavicle right-shoulder right-elbow right-wrist right-hand '
    'left-hip left-knee left-ankle left-foot left-toe right-hip right-knee right-ankle right-foot right-toe',
    parents=(2, 0, 3, 4, -1, 1, 5, 6, 5, 8, 9, 10, 11, 5, 13, 14, 15, 16, 4, 18, 19, 20, 21, 4, 23, 24, 25, 26),
    head=(6, 7),
    limbs=both_sides(arm='shoulder elbow wrist hand', leg='hip knee ankle foot toe'))
