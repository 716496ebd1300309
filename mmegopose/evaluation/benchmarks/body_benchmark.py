"""How 3DPW and EMDB score bodies: errors of joints and vertices from the pelvis (Kanazawa et al., HMR, CVPR 2018)."""
from collections.abc import Sequence

import torch
from torch import Tensor

from ...structures import get_skeleton
from ..functional.joint_errors import aligned_errors, joint_errors
from ..functional.mesh_errors import pose_mean

SCORED_SKELETONS = ('lsp14', 'smpl24')  # in which papers give these scores


def hips_of(num_joints: int, skeleton: str | None = None) -> list[int]:
    """The two joints whose middle is the pelvis, among ``num_joints``.

    Args:
        num_joints: of the poses.
        skeleton: name of the skeleton of the data set; joints of another number are those of
            :data:`SCORED_SKELETONS`.

    Raises:
        ValueError: the joints are of none of these.
    """
    for candidate in map(get_skeleton, [skeleton, *SCORED_SKELETONS] if skeleton else SCORED_SKELETONS):
        hips = [joint for joint, name in enumerate(candidate.joints) if name in ('left-hip', 'right-hip')]
        if candidate.num_joints == num_joints and hips:
            return hips
    raise ValueError(f'the hips among {num_joints} joints are not known: set MeshMetric(root=(right, left))')


def body_scores(pred_joints: Tensor, joints: Tensor, root: Sequence[int], visible: Tensor | None = None,
                pred_vertices: Tensor | None = None, vertices: Tensor | None = None) -> dict[str, Tensor]:
    """``MPJPE`` and ``PVE`` from the pelvis, ``PA-MPJPE`` after a proper similarity transform, each ``(...)``.

    As on 3DPW and EMDB: the pelvis is the middle of the two hips, and moves the vertices too.

    Args:
        pred_joints: ``(...,J,3)``.
        joints: ``(...,J,3)``.
        root: indices of the joints whose middle is the pelvis.
        visible: ``(...,J)`` bool; without its root joints a pose has a ``PA-MPJPE`` only.
        pred_vertices: ``(...,V,3)``; no ``PVE`` without them.
        vertices: ``(...,V,3)``.
    """
    if visible is None:
        visible = torch.ones(joints.shape[:-1], dtype=torch.bool, device=joints.device)
    root = list(root)
    pred_pelvis, pelvis = (p[..., root, :].mean(-2, keepdim=True) for p in (pred_joints, joints))  # (...,1,3)
    rooted = visible[..., root].all(-1, keepdim=True)                        # (...,1)
    scores = {'MPJPE': pose_mean(joint_errors(pred_joints - pred_pelvis, joints - pelvis), visible & rooted),
              'PA-MPJPE': pose_mean(*aligned_errors(pred_joints, joints, visible))}
    if vertices is not None and pred_vertices is not None:
        errors = joint_errors(pred_vertices - pred_pelvis, vertices - pelvis)
        scores['PVE'] = pose_mean(errors, rooted.expand_as(errors))
    return scores
