"""How 3DPW and EMDB score bodies: errors of joints and vertices from the pelvis (Kanazawa et al., HMR, CVPR 2018)."""
from torch import Tensor

from ...structures import get_skeleton
from ..functional.joint_errors import joint_errors
from ..functional.mesh_errors import pose_mean
from .pose_rules import PoseRules, pose_origins

BODY = PoseRules()  # and, as its root, the hips of the skeleton: see hips_of
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


def body_vertex_errors(poses: dict[str, Tensor], rules: PoseRules) -> Tensor:
    """``PVE (...)``, errors of the vertices from the pelvis of the joints; NaN where that is not visible.

    Args:
        poses: ``pred_joints, joints (...,J,3)``, ``pred_vertices, vertices (...,V,3)``, ``visible (...,J)``.
        rules: with the joints of the root.
    """
    origin, true_origin, known = pose_origins(poses['pred_joints'], poses['joints'], poses['visible'], rules)
    errors = joint_errors(poses['pred_vertices'] - origin, poses['vertices'] - true_origin)
    return pose_mean(errors, known.expand_as(errors))
