"""Metric of the Ego-Exo4D body pose challenge."""
from typing import Any, ClassVar

import torch
from mmengine.logging import print_log

from ...registry import METRICS
from ...structures import Skeleton, get_skeleton
from ..baselines.head_pose_baselines import evaluate_head_pose_baselines
from ..benchmarks.egoexo4d_body_benchmark import (
    NOTHING_LEFT,
    SequenceScore,
    clip_mask,
    format_body_pose_table,
    score_sequence,
    summarize_body_pose,
)
from .sequence_metric import SequenceMetric


@METRICS.register_module()
class BodyPoseMetric(SequenceMetric):
    """MPJPE in centimetres and MPJVE in metres per second in the world frame (Grauman et al., Ego-Exo4D, CVPR 2024).

    Names of the results (a group without a visible joint is left out):

    - ``MPJPE``, ``MPJVE``, with ``pa_mpjpe`` also ``PA-MPJPE``: pooled over joints, frames and sequences;
    - ``MPJPE_physical``, ``MPJPE_procedural``: over the sequences of these scenarios;
    - ``MPJPE_body12``: over the joints that do not belong to the head;
    - ``MPJPE_macro``: mean over sequences of each one's MPJPE;
    - ``scenario/<name>/MPJPE``, ``.../MPJVE``, ``.../PA-MPJPE`` and ``joint/<name>/MPJPE``.

    Args:
        clip_filter: leave out frames in clips of less than four seconds, as the official evaluator does.
        pa_mpjpe: also compute the MPJPE after a similarity transform per pose, which is not part of the challenge.
        prefix: see :class:`SequenceMetric`.
    """

    default_prefix = 'body'
    baselines: ClassVar = staticmethod(evaluate_head_pose_baselines)

    def __init__(self, clip_filter: bool = True, pa_mpjpe: bool = False, prefix: str | None = None):
        super().__init__(prefix)
        self.clip_filter = clip_filter
        self.pa_mpjpe = pa_mpjpe

    @property
    def dataset_meta(self) -> Any:
        """Facts of the data set. Setting them raises ``ValueError`` if the clip filter leaves nothing to score."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, facts: dict) -> None:
        self._dataset_meta = facts
        sequences = facts.get('sequences', ())
        if self.clip_filter and len(sequences) and not any(
                clip_mask(torch.as_tensor(sequence['frame_ids'])).any() for sequence in sequences):
            raise ValueError(NOTHING_LEFT)

    @property
    def skeleton(self) -> Skeleton:
        return get_skeleton(self.dataset_meta['skeleton'])

    def table_columns(self) -> dict[str, str]:
        joints, body = self.skeleton.num_joints, len(self.skeleton.non_head)
        columns = {f'MPJPE, {joints} joints (cm)': 'MPJPE', f'MPJPE, {body} body joints (cm)': f'MPJPE_body{body}',
                   'MPJVE (m/s)': 'MPJVE'}
        if self.pa_mpjpe:
            columns['PA-MPJPE (cm)'] = 'PA-MPJPE'
        return {heading: f'{self.prefix}/{name}' for heading, name in columns.items()}

    def score(self, sequence, pred, gt, visible, frame_ids) -> SequenceScore:
        return score_sequence(sequence['name'], pred, gt, visible, frame_ids, self.clip_filter, self.pa_mpjpe)

    def compute_metrics(self, results: list[SequenceScore]) -> dict[str, float]:
        metrics = summarize_body_pose(results, self.skeleton)
        print_log(f'Body pose (MPJPE cm, MPJVE m/s)\n{format_body_pose_table(results)}', logger='current')
        return metrics
