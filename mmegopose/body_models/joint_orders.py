"""Orders in which a body model reports its joints.

Vertices that stand for joints are those of smplx's ``vertex_ids``; hand order and body order are those of OpenPose
(Cao et al., PAMI 2019; Simon et al., CVPR 2017), as HaMeR and HMR2 use them.
"""
from dataclasses import dataclass

import numpy as np

from .body_arrays import BodyArrays

_MANO_TIPS = (744, 320, 443, 554, 671)  # thumb, index, middle, ring, little finger
_HAND21 = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)  # 16 joints, 5 tips

# Nose, right and left eye, right and left ear; then big toe, small toe and heel, left and right.
_SMPL_FACE_AND_FEET = (332, 6260, 2800, 4071, 583, 3216, 3226, 3387, 6617, 6624, 6787)
_BODY25 = (24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, *range(25, 35))  # 24 joints, 11 vertices
_COCO17_OF_BODY25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)


@dataclass(frozen=True)
class JointOrder:
    """Reported joints: a choice ``order (J',)`` among the J joints and P ``picked`` vertices, then regressed ones.

    Attributes:
        order: indices into the J joints followed by the P vertices.
        picked: ``(P,)`` vertices.
        regressor: ``(K,V)`` joints from posed vertices, or ``None``.
    """
    order: tuple
    picked: tuple = ()
    regressor: np.ndarray | None = None


def joint_orders(body: BodyArrays) -> dict[str, JointOrder]:
    """Every joint order that a body model offers, by name.

    ``'model'``: the joints of the kinematic tree. ``'openpose'``: 21 joints of a hand, 25 of SMPL or SMPL-H.
    ``'coco17'``: 17 joints of SMPL, SMPL-H or the open body.
    """
    num_joints, num_vertices = body.J_regressor.shape
    orders = {'model': JointOrder(tuple(range(num_joints)))}
    tips = _MANO_TIPS if num_vertices == 778 else body.tip_ids
    if num_joints == 16 and tips is not None:
        orders['openpose'] = JointOrder(_HAND21, tuple(int(tip) for tip in tips))
    if num_joints in (24, 52) and num_vertices == 6890:
        # SMPL-H has the same body and other joints from 22 on, which these orders do not use.
        order = tuple(index if index < 24 else index - 24 + num_joints for index in _BODY25)
        orders['openpose'] = JointOrder(order, _SMPL_FACE_AND_FEET)
        orders['coco17'] = JointOrder(tuple(order[index] for index in _COCO17_OF_BODY25), _SMPL_FACE_AND_FEET)
    if body.coco17_regressor is not None:
        orders['coco17'] = JointOrder((), (), body.coco17_regressor)
    return orders
