"""COCO: 17 keypoints (Lin et al., ECCV 2014), also those of the Ego-Exo4D body pose benchmark."""
from ..skeleton import Skeleton, both_sides

COCO17 = Skeleton(
    name='coco17',
    joints=('nose', 'left-eye', 'right-eye', 'left-ear', 'right-ear', 'left-shoulder', 'right-shoulder',
            'left-elbow', 'right-elbow', 'left-wrist', 'right-wrist', 'left-hip', 'right-hip',
            'left-knee', 'right-knee', 'left-ankle', 'right-ankle'),
    edges=((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9),
           (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
    head=(0, 1, 2, 3, 4),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'),
    part_order=('right-leg', 'left-leg', 'left-arm', 'right-arm'),  # as h36m17; no official weights number it
    oks_sigmas=(.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089))
