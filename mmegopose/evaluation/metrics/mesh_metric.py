"""Metrics of hand and body mesh recovery and of 2D keypoints."""
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from ...registry import METRICS
from ...structures import get_skeleton
from ..functional.keypoint_errors import keypoint_pck, normalized_distances
from ..functional.mesh_errors import body_scores, hand_joint_scores, hand_vertex_scores

MILLIMETRES = 1000
PERCENT = 100


class PoseWiseMetric(BaseMetric):
    """Scores each pose on its own and keeps a row of numbers per pose.

    Data samples are batched: tensors ``(B,...)`` or, of windows, ``(B,T,...)``, of which with a field ``scored (B,T)``
    only these frames count. With a field ``index (B,)``, the number of the sample in the data set, a sample that
    arrives twice (as where a sampler pads by repetition) counts once. A pose without any visible joint does not count.

    Args:
        fields: truth by prediction, e.g. ``{'pred_joints': 'joints'}``, each ``(B,P,D)``.
        mask: field that tells the visible joints ``(B,J)``; all are, if a sample does not have it.
        prefix: prefix of the names of the results; ``default_prefix`` without it.
    """

    def __init__(self, fields: dict[str, str], mask: str, prefix: str | None = None):
        super().__init__(prefix=prefix)
        self.fields = fields
        self.mask = mask

    @abstractmethod
    def score(self, poses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Columns ``(n,...)`` of the fields of n poses, numbers in float64, ``poses['visible']`` bool."""

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score batched samples.

        Raises:
            KeyError: a sample lacks a field.
            ValueError: truth and prediction differ in shape, or hold numbers that are not finite where they count.
        """
        for sample in data_samples:
            lacking = [name for pair in self.fields.items() for name in pair if name not in sample]
            if lacking:
                raise KeyError(f'{type(self).__name__} needs the fields {lacking}, but a data sample has only '
                               f'{sorted(sample)}. Let the model predict and the data set provide them, or choose what '
                               'to score by the arguments of the metric')
            poses = self._rows(sample)
            for pred, truth in self.fields.items():
                self._check(pred, poses[pred], truth, poses[truth], poses['visible'])
            columns = self.score(poses)
            if 'index' in poses:
                columns['index'] = poses['index']
            self.results.append({name: value.cpu().numpy() for name, value in columns.items()})

    def _rows(self, sample: dict) -> dict[str, Tensor]:
        """The tensors of a sample with one row per pose that counts."""
        first = sample[next(iter(self.fields))]
        lead, device = first.shape[:-2], first.device                        # (B,) or (B,T)
        poses = {name: value.detach().to(device).reshape(lead.numel(), *value.shape[len(lead):])
                 for name, value in sample.items()
                 if isinstance(value, Tensor) and value.shape[:len(lead)] == lead}
        poses = {name: value.double() if value.is_floating_point() else value for name, value in poses.items()}
        wrong = [name for name in (*self.fields, *self.fields.values(), self.mask, 'scored')
                 if name in sample and name not in poses]
        if wrong:
            raise ValueError(f'{wrong[0]} should begin with the batch shape {tuple(lead)} of '
                             f'{next(iter(self.fields))}, got the shape {tuple(sample[wrong[0]].shape)}')
        if self.mask in poses:
            poses['visible'] = poses[self.mask] > 0.5  # a mask, or a confidence
        else:
            poses['visible'] = torch.ones(lead.numel(), first.shape[-2], dtype=torch.bool, device=device)
        if 'index' in sample:
            row, num_frames = torch.arange(lead.numel(), device=device), max(1, lead[1:].numel())
            poses['index'] = torch.stack([sample['index'].to(device)[row // num_frames], row % num_frames], -1)
        kept = poses['visible'].any(-1)
        if 'scored' in poses:
            kept &= poses['scored'].bool()
        return {name: value[kept] for name, value in poses.items()}

    @staticmethod
    def _check(pred_name: str, pred: Tensor, name: str, truth: Tensor, visible: Tensor):
        if pred.shape != truth.shape:
            raise ValueError(f'{pred_name} and {name} should have one shape per pose, got {tuple(pred.shape[1:])} and '
                             f'{tuple(truth.shape[1:])}')
        for label, points in ((pred_name, pred), (name, truth)):
            broken = ~points.isfinite().all(-1)                              # (n,P)
            if visible.shape == broken.shape:
                broken &= visible
            broken = broken.any(-1)
            if broken.any():
                raise ValueError(f'{label} is not finite in {int(broken.sum())} of {len(points)} poses of a batch (the '
                                 f'first is pose {int(broken.nonzero()[0])}); has the model diverged, or should these '
                                 'joints be invisible?')

    def evaluate(self, size: int) -> dict[str, float]:
        """Bring the rows of all processes together and compute the results. Every process gets them.

        Raises:
            ValueError: there are no poses.
        """
        # Not mmengine's collect_results, which would cut the results to ``size`` as if they were samples.
        results = [result for part in all_gather_object(self.results) for result in part]
        self.results.clear()
        columns = {name: np.concatenate([result[name] for result in results]) for name in results[0]} if results else {}
        if not columns or not len(next(iter(columns.values()))):
            raise ValueError(f'{type(self).__name__} has no poses to score: the data loader was empty, or the data has '
                             'no labels (no joint is visible)')
        if 'index' in columns:
            first = np.unique(columns.pop('index'), axis=0, return_index=True)[1]
            columns = {name: value[first] for name, value in columns.items()}
        metrics = self.compute_metrics(columns)
        return {f'{self.prefix}/{name}' if self.prefix else name: value for name, value in metrics.items()}


@METRICS.register_module()
class MeshMetric(PoseWiseMetric):
    """Errors of joints and vertices in millimetres; means over points, then over poses.

    Reads ``pred_joints, joints (B,J,3)``, ``pred_vertices, vertices (B,V,3)`` in metres and ``visible (B,J)``. Names of
    the results, by convention:

    - ``'freihand'`` (Zimmermann et al., ICCV 2019): ``MPJPE``, ``AUC_J`` of joints and ``MPVPE``, ``AUC_V``, ``F@5``,
      ``F@15`` of vertices, in the camera frame, and all of these as ``PA-...``, aligned by
      :func:`~mmegopose.evaluation.functional.mesh_errors.orthogonal_align`. What papers call F@5 is ``PA-F@5``.
    - ``'ho3d'`` (Hampali et al., CVPR 2020): the same, and ``ST-MPJPE``, ``ST-AUC_J`` after alignment of scale and
      translation. The server prints centimetres. Joints are in the order of FreiHAND.
    - ``'body'`` (3DPW, EMDB): ``MPJPE`` and ``PVE`` from the pelvis, ``PA-MPJPE``.

    Hands with a field ``pred_translation`` lie around the origin of a body model, and their place in the camera is
    that of an assumed focal length: what is not aligned is then measured from the wrist.

    Args:
        joints: score joints.
        vertices: score vertices.
        convention: ``'freihand'``, ``'ho3d'`` or ``'body'``.
        root: joints whose middle is the pelvis, for ``'body'``; the hips of the data set's skeleton, of 14 joints
            (3DPW) and of 24 (SMPL) are known.
        prefix: prefix of the names of the results.
    """

    default_prefix = 'mesh'

    def __init__(self, joints: bool = True, vertices: bool = True, convention: str = 'freihand',
                 root: Sequence[int] | None = None, prefix: str | None = None):
        if convention not in ('freihand', 'ho3d', 'body'):
            raise ValueError(f"convention should be 'freihand', 'ho3d' or 'body', got {convention!r}")
        if not (joints or vertices):
            raise ValueError('MeshMetric(joints=False, vertices=False) has nothing to score')
        if convention == 'body' and not joints:
            raise ValueError("convention 'body' measures vertices from the pelvis, so it needs joints=True")
        fields = dict(pred_joints='joints') if joints else {}
        super().__init__(fields | (dict(pred_vertices='vertices') if vertices else {}), 'visible', prefix)
        self.joints, self.vertices, self.convention, self.root = joints, vertices, convention, root

    def score(self, poses):
        if self.convention == 'body':
            meshes = [poses[name] if self.vertices else None for name in ('pred_vertices', 'vertices')]
            return body_scores(poses['pred_joints'], poses['joints'], self._root(poses['joints'].shape[-2]),
                               poses['visible'], *meshes)
        placed = 'pred_translation' not in poses
        if not placed:
            poses, rooted = self._from_wrist(poses)
        scores = {}
        if self.joints:
            if self.convention == 'ho3d' and poses['joints'].shape[-2] != 21:
                raise ValueError(f"convention 'ho3d' is for the 21 joints of a hand, got {poses['joints'].shape[-2]}")
            scores |= hand_joint_scores(poses['pred_joints'], poses['joints'], poses['visible'],
                                        scale_translation=self.convention == 'ho3d')
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
        if self.root is not None:
            return self.root
        # The skeleton of the data set where the joints are its own, else one of those in which papers score bodies.
        own = (self.dataset_meta or {}).get('skeleton')
        for skeleton in map(get_skeleton, [own, 'lsp14', 'smpl24'] if own else ['lsp14', 'smpl24']):
            hips = [joint for joint, name in enumerate(skeleton.joints) if name in ('left-hip', 'right-hip')]
            if skeleton.num_joints == num_joints and hips:
                return hips
        raise ValueError(f'the hips among {num_joints} joints are not known: set MeshMetric(root=(right, left))')

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        metrics = {}
        for name, values in results.items():
            counted = values[~np.isnan(values)]
            if len(counted):
                metrics[name] = float(counted.mean()) * (MILLIMETRES if name.endswith('E') else 1)
        lines = [f'{name:10}{value:10.{2 if name.endswith("E") else 4}f}{" mm" if name.endswith("E") else ""}'
                 for name, value in metrics.items()]
        num_poses = len(next(iter(results.values())))
        print_log('\n'.join([f'Mesh errors of {num_poses} poses ({self.convention})', *lines]), logger='current')
        return metrics


@METRICS.register_module()
class KeypointPCKMetric(PoseWiseMetric):
    """Percentage of correct 2D keypoints: per joint, then the mean over joints (HInt; Pavlakos et al., CVPR 2024).

    Reads ``pred_keypoints, keypoints (B,J,2)`` in units of the square crop, whose side is 1, and ``keypoint_conf
    (B,J)``: keypoints with a confidence above 0.5 count (a mask will do). Results are ``PCK@0.05`` and so on in percent
    and, with a field ``keypoint_visible (B,J)``, ``visible/PCK@0.05`` and ``occluded/PCK@0.05`` of the labelled
    keypoints that are not occluded and that are.

    Args:
        thresholds: distances, in sides of the tight box.
        expand: side of the crop over the larger side of the tight box, ``crop.rescale`` of the data set.
        strict: see :func:`~mmegopose.evaluation.functional.keypoint_errors.keypoint_pck_per_joint`.
        prefix: prefix of the names of the results.
    """

    default_prefix = 'keypoints'

    def __init__(self, thresholds: Sequence[float] = (0.05, 0.1, 0.15), expand: float = 2.0, strict: bool = False,
                 prefix: str | None = None):
        super().__init__(dict(pred_keypoints='keypoints'), 'keypoint_conf', prefix)
        self.thresholds, self.expand, self.strict = tuple(thresholds), expand, strict

    def score(self, poses):
        # In pixels the crop's side would be a factor of the distances and of the tight box alike.
        distances = self.expand * normalized_distances(poses['pred_keypoints'], poses['keypoints'])
        columns = dict(distance=distances, all=poses['visible'])
        if 'keypoint_visible' in poses:
            occluded = ~(poses['keypoint_visible'] > 0.5)
            columns |= dict(visible=poses['visible'] & ~occluded, occluded=poses['visible'] & occluded)
        return columns

    def compute_metrics(self, results: dict[str, np.ndarray]) -> dict[str, float]:
        distances = torch.from_numpy(results.pop('distance'))
        metrics, lines = {}, [f'{"PCK (%)":10}{"keypoints":>10}' + ''.join(f'{t:>8g}' for t in self.thresholds)]
        for subset, mask in results.items():
            if mask.any():
                ratios = keypoint_pck(distances, torch.from_numpy(mask), self.thresholds, self.strict)
                values = (ratios * PERCENT).tolist()
                prefix = '' if subset == 'all' else f'{subset}/'
                metrics |= {f'{prefix}PCK@{t:g}': value for t, value in zip(self.thresholds, values)}
                lines.append(f'{subset:10}{mask.sum():10}' + ''.join(f'{value:8.2f}' for value in values))
        print_log('\n'.join(lines), logger='current')
        return metrics
