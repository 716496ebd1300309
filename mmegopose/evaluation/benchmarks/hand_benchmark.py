"""How FreiHAND and HO-3D score hands: errors of joints and vertices, as they are and aligned.

FreiHAND (Zimmermann et al., ICCV 2019) and HO-3D (Hampali et al., HOnnotate, CVPR 2020); metres go in, every score is
one number per pose.
"""
from torch import Tensor

from ...structures import get_skeleton
from ..functional.joint_errors import joint_errors
from ..functional.mesh_errors import f_score, orthogonal_align, pck_area, pose_mean, scale_translation_align

F_THRESHOLDS_M = {'F@5': 0.005, 'F@15': 0.015}
WRIST, MIDDLE_KNUCKLE = (get_skeleton('hand21').index(name) for name in ('wrist', 'middle-1'))


def hand_joint_scores(pred: Tensor, gt: Tensor, visible: Tensor | None = None,
                      scale_translation: bool = False) -> dict[str, Tensor]:
    """``MPJPE`` and ``AUC_J`` of hands, as they are and (``PA-``) after :func:`orthogonal_align`, each ``(...)``.

    Args:
        pred: ``(...,J,3)`` metres.
        gt: ``(...,J,3)``.
        visible: ``(...,J)`` bool; poses with fewer than three visible joints have no ``PA-`` scores.
        scale_translation: also score (``ST-``) after :func:`scale_translation_align`, for hands of 21 joints.
    """
    enough = None if visible is None else visible & (visible.sum(-1, keepdim=True) >= 3)
    variants = {'': (pred, visible), 'PA-': (orthogonal_align(pred, gt, visible), enough)}
    if scale_translation:
        ends = None if visible is None else visible & visible[..., [WRIST]] & visible[..., [MIDDLE_KNUCKLE]]
        variants['ST-'] = scale_translation_align(pred, gt, WRIST, MIDDLE_KNUCKLE), ends
    scores = {}
    for prefix, (points, mask) in variants.items():
        errors = joint_errors(points, gt)
        scores |= {f'{prefix}MPJPE': pose_mean(errors, mask), f'{prefix}AUC_J': pose_mean(pck_area(errors), mask)}
    return scores


def hand_vertex_scores(pred: Tensor, gt: Tensor) -> dict[str, Tensor]:
    """``MPVPE``, ``AUC_V``, ``F@5``, ``F@15`` of hands, as they are and (``PA-``) aligned, each ``(...)``.

    The vertices have an alignment of their own, apart from that of the joints. ``pred`` and ``gt`` are ``(...,V,3)`` in
    metres.
    """
    scores = {}
    for prefix, points in (('', pred), ('PA-', orthogonal_align(pred, gt))):
        errors = joint_errors(points, gt)
        values = dict(MPVPE=pose_mean(errors), AUC_V=pose_mean(pck_area(errors)))
        values |= zip(F_THRESHOLDS_M, f_score(points, gt).unbind(-1))
        scores |= {prefix + name: value for name, value in values.items()}
    return scores
