"""How a pose is compared with its truth: the options in which the benchmarks of single poses differ.

Each benchmark states its own, in the file that is named after it. Metres go in, every score is one number per pose.
"""
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry.alignment import similarity_align
from ...structures import get_skeleton
from ..functional.joint_errors import alignable, joint_errors
from ..functional.mesh_errors import orthogonal_align, pck_area, pose_mean, scale_translation_align

PREFIXES = dict(none='', similarity='PA-', scale_translation='ST-')
"""What stands before the names of the scores, by alignment."""
WRIST, MIDDLE_KNUCKLE = (get_skeleton('hand21').index(name) for name in ('wrist', 'middle-1'))


@dataclass(frozen=True)
class PoseRules:
    """The options.

    Attributes:
        alignment: some of ``'none'``, ``'similarity'`` (scores ``PA-...``) and, for the 21 joints of a hand,
            ``'scale_translation'`` (``ST-...``).
        reflection: the similarity may mirror the prediction, so that a hand of the wrong side is right.
        root: where nothing is aligned, prediction and truth are measured from the middle of these joints; (): they
            are compared where they are.
        offset: predictions are already relative to the root, which is joint 0 without ``root``; only the truth is then
            measured from there.
        area: also ``AUC_J``, the area under the curve of correct joints.

    Raises:
        ValueError: another alignment, or none.
    """
    alignment: tuple = ('none', 'similarity')
    reflection: bool = False
    root: tuple = ()
    offset: bool = False
    area: bool = False

    def __post_init__(self):
        if not self.alignment or set(self.alignment) - set(PREFIXES):
            raise ValueError(f'alignment={self.alignment!r} should be some of {tuple(PREFIXES)}')


def pose_origins(pred: Tensor, gt: Tensor, visible: Tensor, rules: PoseRules) -> tuple[Tensor, Tensor, Tensor]:
    """Where prediction and truth ``(...,J,3)`` are measured from, ``(...,1,3)`` each, and which poses ``(...,1)`` have
    such a place: all joints of the root are visible, or, for an offset, known."""
    root = list(rules.root) or [0]
    pred_root, true_root = (points[..., root, :].mean(-2, keepdim=True) for points in (pred, gt))
    zero = torch.zeros_like(true_root)
    if rules.offset:
        return zero, true_root, true_root.isfinite().all(-1)
    if rules.root:
        return pred_root, true_root, visible[..., root].all(-1, keepdim=True)
    return zero, zero, torch.ones_like(visible[..., :1])


def joint_scores(pred: Tensor, gt: Tensor, visible: Tensor | None, rules: PoseRules) -> dict[str, Tensor]:
    """``MPJPE`` and, by the rules, ``AUC_J`` after each alignment, ``(...)`` each.

    Args:
        pred: ``(...,J,3)`` metres.
        gt: ``(...,J,3)``.
        visible: ``(...,J)`` bool, joints that count and that an alignment fits; None: all. A pose with fewer than three
            has no ``PA-`` score, one without its root none that is not aligned.
        rules: of the benchmark.
    """
    if visible is None:
        visible = torch.ones(gt.shape[:-1], dtype=torch.bool, device=gt.device)
    variants = {}
    if 'none' in rules.alignment:
        origin, true_origin, known = pose_origins(pred, gt, visible, rules)
        variants['none'] = pred - origin, gt - true_origin, visible & known
    if 'similarity' in rules.alignment:
        align = orthogonal_align if rules.reflection else similarity_align
        variants['similarity'] = align(pred, gt, visible), gt, alignable(visible)
    if 'scale_translation' in rules.alignment:
        ends = visible[..., [WRIST]] & visible[..., [MIDDLE_KNUCKLE]]
        variants['scale_translation'] = scale_translation_align(pred, gt, WRIST, MIDDLE_KNUCKLE), gt, visible & ends
    scores = {}
    for alignment, (points, truth, mask) in variants.items():
        errors, prefix = joint_errors(points, truth), PREFIXES[alignment]
        scores[f'{prefix}MPJPE'] = pose_mean(errors, mask)
        if rules.area:
            scores[f'{prefix}AUC_J'] = pose_mean(pck_area(errors), mask)
    return scores
