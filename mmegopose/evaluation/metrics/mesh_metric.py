"""Metrics of hand and body poses and meshes: FreiHAND, HO-3D, Ego-Exo4D hands, 3DPW, EMDB."""
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from ...registry import METRICS
from ...structures import get_skeleton
from ..benchmarks.body_benchmark import BODY, body_vertex_errors, hips_of
from ..benchmarks.egoexo4d_hand_benchmark import EGOEXO4D_HAND
from ..benchmarks.hand_benchmark import FREIHAND, HO3D, hand_vertex_scores
from ..benchmarks.pose_rules import PoseRules, joint_scores
from ..functional.joint_errors import acceleration_errors
from ..units import MM_PER_M
from .pose_wise_metric import PoseWiseMetric
from .sequence_metric import SequenceMetric

PROTOCOL_RULES = dict(freihand=FREIHAND, ho3d=HO3D, egoexo4d_hand=EGOEXO4D_HAND, body=BODY)
"""What each benchmark states."""


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
    - ``'egoexo4d_hand'`` (Grauman et al., CVPR 2024): ``MPJPE`` and ``PA-MPJPE`` of joints, without a reflection, over
      the visible joints of each hand, then over hands; there are no vertices.
    - ``'body'`` (3DPW, EMDB): ``MPJPE`` and ``PVE`` from the pelvis, ``PA-MPJPE``.

    Hands with a field ``pred_translation`` lie around the origin of a body model, and their place in the camera is
    that of an assumed focal length: what is not aligned is then measured from the wrist.

    Args:
        joints: score joints.
        vertices: score vertices.
        protocol: ``'freihand'``, ``'ho3d'``, ``'egoexo4d_hand'`` or ``'body'``.
        root: joints from whose middle poses are measured; default for ``'body'``: the hips of the data set's skeleton,
            of 14 joints (3DPW) or of 24 (SMPL).
        prefix: prefix of the names of the results.
        alignment, reflection, offset: see :class:`.PoseRules`, where they are not those of the protocol.
    """

    default_prefix = 'mesh'
    greater = ('AUC', 'F@')

    def __init__(self, joints: bool = True, vertices: bool = True, protocol: str = 'freihand',
                 root: Sequence[int] | None = None, prefix: str | None = None, *,
                 alignment: Sequence[str] | None = None, reflection: bool | None = None, offset: bool | None = None):
        if protocol not in PROTOCOL_RULES:
            raise ValueError(f'protocol should be one of {list(PROTOCOL_RULES)}, got {protocol!r}')
        if not (joints or vertices):
            raise ValueError('MeshMetric(joints=False, vertices=False) has nothing to score')
        if protocol == 'body' and not joints:
            raise ValueError("protocol 'body' measures vertices from the pelvis, so it needs joints=True")
        if protocol == 'egoexo4d_hand' and vertices:
            raise ValueError("protocol 'egoexo4d_hand' scores joints: set vertices=False")
        fields = dict(pred_joints='joints') if joints else {}
        super().__init__(fields | (dict(pred_vertices='vertices') if vertices else {}), 'visible', prefix)
        given: dict[str, Any] = dict(alignment=alignment and tuple(alignment), root=root and tuple(root),
                                     reflection=reflection, offset=offset)
        self.rules = replace(PROTOCOL_RULES[protocol],
                             **{name: value for name, value in given.items() if value is not None})
        self.joints, self.vertices, self.protocol = joints, vertices, protocol

    def score(self, poses):
        rules, rooted = self._rules(poses), None
        if 'pred_translation' in poses and not rules.root:
            poses, rooted = self._from_wrist(poses)
        scores = {}
        if self.joints:
            if 'scale_translation' in rules.alignment and poses['joints'].shape[-2] != 21:
                raise ValueError(f'protocol {self.protocol!r} is for the 21 joints of a hand, got '
                                 f'{poses["joints"].shape[-2]}')
            scores |= joint_scores(poses['pred_joints'], poses['joints'], poses['visible'], rules)
        if self.vertices:
            scores |= dict(PVE=body_vertex_errors(poses, rules)) if self.protocol == 'body' else \
                hand_vertex_scores(poses['pred_vertices'], poses['vertices'], rules)
        return scores if rooted is None else {name: value if '-' in name else value.where(rooted, torch.nan)
                                              for name, value in scores.items()}

    def _rules(self, poses: dict[str, Tensor]) -> PoseRules:
        """The options, with the root of bodies."""
        if self.protocol != 'body' or self.rules.root:
            return self.rules
        return replace(self.rules, root=tuple(hips_of(poses['joints'].shape[-2],
                                                      (self.dataset_meta or {}).get('skeleton'))))

    def _from_wrist(self, poses: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Poses with the wrist at the origin, and which of them ``(n,)`` show it and something else."""
        lacking = [name for name in ('pred_joints', 'joints') if name not in poses]
        if lacking:
            raise KeyError(f'vertices are measured from the wrist, but a data sample has no {lacking}')
        true_wrist, poses = poses['joints'][:, 0], dict(poses)
        for prefix in ('pred_', ''):
            wrist = poses[f'{prefix}joints'][:, :1]
            poses |= {name: poses[name] - wrist for name in (f'{prefix}joints', f'{prefix}vertices') if name in poses}
        known = true_wrist.isfinite().all(-1) if self.rules.offset else poses['visible'][:, 0]
        return poses, known & (poses['visible'].sum(-1) > 1)

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


@METRICS.register_module()
class AccelerationMetric(SequenceMetric):
    """``ACCEL``: error of the acceleration of joints, in mm/frame² (Kanazawa et al., HMMR, CVPR 2019).

    Over three consecutive frames, pooled over joints, frames and sequences. HMMR, VIBE and WHAM give it for 3DPW beside
    the errors of :class:`.MeshMetric`, from the pelvis.

    Args:
        root: joints from whose middle poses are measured; None: the root of the data set's skeleton, or where it has
            none its hips; ``()``: no root.
        prefix: see :class:`SequenceMetric`.
    """

    default_prefix = 'motion'

    def __init__(self, root: Sequence[int] | None = None, prefix: str | None = None):
        super().__init__(prefix)
        self.root = root

    def table_columns(self):
        return {'acceleration (mm/frame²)': f'{self.prefix}/ACCEL'}

    def score(self, sequence, pred, gt, visible, frame_ids) -> tuple[float, int]:
        """Sum of the errors in millimetres, and how many there are."""
        if root := self._root():
            pred, gt = (joints - joints[:, root].mean(1, keepdim=True) for joints in (pred, gt))
            visible = visible & visible[:, root].all(1, keepdim=True)
        errors, counted = acceleration_errors(pred, gt, visible, frame_ids, fps=1, max_step=2)
        return errors[counted].sum().item() * MM_PER_M, int(counted.sum())

    def compute_metrics(self, results: list[tuple[float, int]]) -> dict[str, float]:
        total, count = np.sum(results, 0)
        if not count:
            print_log('No joint is labelled in three consecutive frames: there is no acceleration to score',
                      logger='current')
            return {}
        error = float(total / count)
        print_log(f'Acceleration error of {int(count)} joints: {error:.2f} mm/frame²', logger='current')
        return dict(ACCEL=error)

    def _root(self) -> list[int]:
        if self.root is not None:
            return list(self.root)
        skeleton = get_skeleton(self.dataset_meta['skeleton'])
        if skeleton.root is not None:
            return [skeleton.root]
        return [skeleton.joints.index(name) for name in ('left-hip', 'right-hip') if name in skeleton.joints]
