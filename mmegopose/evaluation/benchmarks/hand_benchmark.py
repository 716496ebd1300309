"""How FreiHAND and HO-3D score hands: errors of joints and vertices, as they are and aligned.

FreiHAND (Zimmermann et al., ICCV 2019) and HO-3D (Hampali et al., HOnnotate, CVPR 2020); metres go in, every score is
one number per pose.
"""
from torch import Tensor

from ...geometry.alignment import similarity_align
from ..functional.joint_errors import joint_errors
from ..functional.mesh_errors import f_score, orthogonal_align, pck_area, pose_mean
from .pose_rules import PREFIXES, PoseRules

F_THRESHOLDS_M = {'F@5': 0.005, 'F@15': 0.015}
FREIHAND = PoseRules(reflection=True, area=True)
HO3D = PoseRules(alignment=('none', 'similarity', 'scale_translation'), reflection=True, area=True)


def hand_vertex_scores(pred: Tensor, gt: Tensor, rules: PoseRules = FREIHAND) -> dict[str, Tensor]:
    """``MPVPE``, ``AUC_V``, ``F@5``, ``F@15`` of hands, as they are and (``PA-``) aligned, each ``(...)``.

    The vertices have an alignment of their own, apart from that of the joints. ``pred`` and ``gt`` are ``(...,V,3)`` in
    metres.
    """
    align = orthogonal_align if rules.reflection else similarity_align
    scores = {}
    for alignment in (name for name in rules.alignment if name != 'scale_translation'):
        points = pred if alignment == 'none' else align(pred, gt)
        errors = joint_errors(points, gt)
        values = dict(MPVPE=pose_mean(errors), AUC_V=pose_mean(pck_area(errors)))
        values |= zip(F_THRESHOLDS_M, f_score(points, gt, tuple(F_THRESHOLDS_M.values())).unbind(-1))
        scores |= {PREFIXES[alignment] + name: value for name, value in values.items()}
    return scores
