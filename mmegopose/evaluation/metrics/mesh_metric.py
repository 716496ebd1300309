"""Metric of hand and body meshes: FreiHAND, HO-3D, 3DPW, EMDB."""
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ...registry import METRICS
from ..benchmarks.body_benchmark import body_scores, hips_of
from ..benchmarks.hand_benchmark import hand_joint_scores, hand_vertex_scores
from ..units import MM_PER_M
from .pose_wise_metric import PoseWiseMetric


@METRICS.register_module()
class MeshMetric(PoseWiseMetric):
    """Errors of joints and vertices in millimetres; means over points, then over poses.

    Reads ``pred_joints, joints (B,J,3)``, ``pred_vertices, vertices (B,V,3)`` in metres and ``visible (B,J)``. Names of
    the results, by protocol:

    - ``'freihand'`` (Zimmermann et al., ICCV 2019): ``MPJPE``, ``AUC_J`` of joints and ``MPVPE``, ``AUC_V``, ``F@5``,
      ``F@15`` of vertices, in the camera frame, and all of these as ``PA-...``, aligned by
      :func:`.orthogonal_align`. What papers call F@5 is ``PA-F@5``.
    - ``'ho3d'`` (Hampali et al., CVPR 2020): the same, and ``ST-MPJPE``, ``ST-AUC_J`` after alignment of scale and
      translation. The server prints centimetres. Joints are in the order of FreiHAND.
    - ``'body'`` (3DPW, EMDB): ``MPJPE`` and ``PVE`` from the pelvis, ``PA-MPJPE``.

    Hands with a field ``pred_translation`` lie around the origin of a body model, and their place in the camera is
    that of an assumed focal length: what is not aligned is then measured from the wrist.

    Args:
        joints: score joints.
        vertices: score vertices.
        protocol: ``'freihand'``, ``'ho3d'`` or ``'body'``.
        root: joints whose middle is the pelvis, for ``'body'``; the hips of the data set's skeleton, of 14 joints
            (3DPW) and of 24 (SMPL) are known.
        prefix: prefix of the names of the results.
    """

    default_prefix = 'mesh'
    greater = ('AUC', 'F@')

    def __init__(self, joints: bool = True, vertices: bool = True, protocol: str = 'freihand',
                 root: Sequence[int] | None = None, prefix: str | None = None):
        if protocol not in ('freihand', 'ho3d', 'body'):
            raise ValueError(f"protocol should be 'freihand', 'ho3d' or 'body', got {protocol!r}")
        if not (joints or vertices):
            raise ValueError('MeshMetric(joints=False, vertices=False) has nothing to score')
        if protocol == 'body' and not joints:
            raise ValueError("protocol 'body' measures vertices from the pelvis, so it needs joints=True")
        fields = dict(pred_joints='joints') if joints else {}
        super().__init__(fields | (dict(pred_vertices='vertices') if vertices else {}), 'visible', prefix)
        self.joints, self.vertices, self.protocol, self.root = joints, vertices, protocol, root

    def score(self, poses):
        if self.protocol == 'body':
            meshes = [poses[name] if self.vertices else None for name in ('pred_vertices', 'vertices')]
            return body_scores(poses['pred_joints'], poses['joints'], self._root(poses['joints'].shape[-2]),
                               poses['visible'], *meshes)
        placed = 'pred_translation' not in poses
        if not placed:
            poses, rooted = self._from_wrist(poses)
        scores = {}
        if self.joints:
            if self.protocol == 'ho3d' and poses['joints'].shape[-2] != 21:
                raise ValueError(f"protocol 'ho3d' is for the 21 joints of a hand, got {poses['joints'].shape[-2]}")
            scores |= hand_joint_scores(poses['pred_joints'], poses['joints'], poses['visible'],
                                        scale_translation=self.protocol == 'ho3d')
        if self.vertices:
            scores |= hand_vertex_scores(poses['pred_vertices'], poses['vertices'])
        return scores if placed else {name: value if '-' in name else value.where(rooted, torch.nan)
                                      for name, value in scores.items()}

    @staticmethod
    def _from_wrist(poses: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Poses with the wrist at the origin, and which of them ``(n,)`` show it and something else."""
        lacking = [name for name in ('pred_joints', 'joints') if name not in poses]
        if lacking:
            raise KeyError(f'vertices are measured from the wrist, but a data sample has no {lacking}')
        poses = dict(poses)
        for prefix in ('pred_', ''):
            wrist = poses[f'{prefix}joints'][:, :1]
            poses |= {name: poses[name] - wrist for name in (f'{prefix}joints', f'{prefix}vertices') if name in poses}
        return poses, poses['visible'][:, 0] & (poses['visible'].sum(-1) > 1)

    def _root(self, num_joints: int) -> Sequence[int]:
        return hips_of(num_joints, (self.dataset_meta or {}).get('skeleton')) if self.root is None else self.root

    def table_columns(self) -> dict[str, str]:
        names = ['MPJPE', 'PA-MPJPE'] if self.joints else []
        if self.vertices:
            names += ['PVE'] if self.protocol == 'body' else ['PA-MPVPE', 'PA-F@5', 'PA-F@15']
        return {f'{name} (mm)' if _is_length(name) else name: f'{self.prefix}/{name}' for name in names}

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        metrics = {}
        for name, values in results.items():
            counted = values[~np.isnan(values)]
            if len(counted):
                metrics[name] = float(counted.mean()) * (MM_PER_M if _is_length(name) else 1)
        lines = [f'{name:10}' + (f'{value:10.2f} mm' if _is_length(name) else f'{value:10.4f}')
                 for name, value in metrics.items()]
        num_poses = len(next(iter(results.values())))
        print_log('\n'.join([f'Mesh errors of {num_poses} poses ({self.protocol})', *lines]), logger='current')
        return metrics


def _is_length(name: str) -> bool:
    """Whether a result is an error (MPJPE, PVE, ...), else a share (F@5, AUC_J)."""
    return name.endswith('E')
