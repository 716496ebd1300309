"""OpenPose: its models BODY_25, with feet (Cao et al., TPAMI 2019), and COCO, without (Cao et al., CVPR 2017)."""
from ..skeleton import Skeleton, both_sides

# ``pelvis`` is its MidHip.
OPENPOSE25 = Skeleton.from_parents(
    'openpose25',
    'nose neck right-shoulder right-elbow right-wrist left-shoulder left-elbow left-wrist pelvis '
    'right-hip right-knee right-ankle left-hip left-knee left-ankle right-eye left-eye right-ear left-ear '
    'left-big-toe left-small-toe left-heel right-big-toe right-small-toe right-heel',
    parents=(1, 8, 1, 2, 3, 1, 5, 6, -1, 8, 9, 10, 8, 12, 13, 0, 0, 15, 16, 14, 19, 14, 11, 22, 11),
    head=(0, 15, 16, 17, 18),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle big-toe small-toe heel'))

# The 17 keypoints of COCO in another order, and the neck.
OPENPOSE18 = Skeleton(
    name='openpose18',
    joints=('nose', 'neck', 'right-shoulder', 'right-elbow', 'right-wrist', 'left-shoulder', 'left-elbow', 'left-wrist',
            'right-hip', 'right-knee', 'right-ankle', 'left-hip', 'left-knee', 'left-ankle', 'right-eye', 'left-eye',
            'right-ear', 'left-ear'),
    edges=((1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
           (0, 14), (14, 16), (0, 15), (15, 17)),
    head=(0, 14, 15, 16, 17),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'))
