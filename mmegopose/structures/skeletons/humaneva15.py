"""HumanEva-I (Sigal et al., IJCV 2010): 15 joints; ``head`` is the top of the head."""
from ..skeleton import Skeleton, both_sides

HUMANEVA15 = Skeleton.from_parents(
    'humaneva15',
    'pelvis thorax left-shoulder left-elbow left-wrist right-shoulder right-elbow right-wrist '
    'left-hip left-knee left-ankle right-hip right-knee right-ankle head',
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1), head=(14,),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'),
    # MixSTE (Zhang et al., CVPR 2022), as in the official code, whose numbers are in another order of joints.
    joint_weights=dict(mixste=(1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4)))
