"""Leeds Sports Poses (Johnson and Everingham, BMVC 2010): the 14 joints in which papers score 3DPW and Human3.6M."""
from ..skeleton import Skeleton, both_sides

LSP14 = Skeleton(
    name='lsp14',
    joints=('right-ankle', 'right-knee', 'right-hip', 'left-hip', 'left-knee', 'left-ankle', 'right-wrist',
            'right-elbow', 'right-shoulder', 'left-shoulder', 'left-elbow', 'left-wrist', 'neck', 'head-top'),
    edges=((2, 1), (1, 0), (3, 4), (4, 5), (2, 3), (8, 7), (7, 6), (9, 10), (10, 11), (12, 8), (12, 9), (12, 13),
           (8, 2), (9, 3)),
    head=(13,),
    limbs=both_sides(arm='shoulder elbow wrist', leg='hip knee ankle'))
