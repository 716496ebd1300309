"""Metrics that give the errors of each sequence, rather than means over all."""
import math
import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..evaluation.benchmarks.egoexo4d_body_benchmark import score_sequence
from ..evaluation.benchmarks.lifting_benchmark import MEASURES, score_lifting_sequence
from ..evaluation.functional import joint_errors
from ..evaluation.metrics import BodyPoseMetric, LiftingMetric
from ..evaluation.units import CM_PER_M, MM_PER_M
from ..structures import Skeleton

NUM_SHOWN = 4  # poses of a sequence that are kept for pictures


@dataclass(frozen=True)
class SequenceErrors:
    """Errors of one sequence, in the units of its task.

    Attributes:
        sequence: entry of the data set's ``metainfo['sequences']``.
        num_frames: frames that count.
        sums, counts: of each measure by its name, and of each joint as ``joint/<name>``.
        shown: some poses, in the order of time: dicts of ``frame``, ``error``, and ``pred`` and ``truth (J,3)`` in
            metres rounded to millimetres, None: not visible.
    """
    sequence: dict
    num_frames: int
    sums: dict
    counts: dict
    shown: list


class BodyErrors(BodyPoseMetric):
    """Errors of all labelled frames in the world, centimetres and metres per second; ``evaluate`` returns one entry, a
    list of :class:`SequenceErrors`."""

    def __init__(self):
        super().__init__(clip_filter=False)

    def score(self, sequence, pred, gt, visible, frame_ids) -> SequenceErrors:
        score = score_sequence(sequence['name'], pred, gt, visible, frame_ids, self.clip_filter)
        error, count, body = score.error_sum * CM_PER_M, score.error_count, list(self.skeleton.non_head)
        sums = {f'MPJPE, {len(body)} joints': error[body].sum(), f'MPJPE, {len(error)} joints': error.sum(),
                'MPJVE': score.velocity_sum}
        counts = {f'MPJPE, {len(body)} joints': count[body].sum(), f'MPJPE, {len(error)} joints': count.sum(),
                  'MPJVE': score.velocity_count}
        return _with_joints(self.skeleton, sequence, score.num_frames, sums, counts, error, count,
                            shown_poses(pred, gt, visible, frame_ids, body, CM_PER_M))

    def compute_metrics(self, results: list) -> dict:
        return dict(sequences=results)


class LiftingErrors(LiftingMetric):
    """Errors of root-relative poses by the protocol of the data, millimetres; ``evaluate`` returns one entry, a list of
    :class:`SequenceErrors`. ``limb SD``, centimetres: how much the predicted length of a bone varies in a sequence."""

    def score(self, sequence, pred, gt, visible, frame_ids) -> SequenceErrors | None:
        if self.protocol.excludes(sequence):
            return None
        pred, gt, slots = self.count(sequence, pred, gt, frame_ids)
        visible, frame_ids = visible[slots], frame_ids[slots]
        score = score_lifting_sequence(sequence['action'], pred, gt, visible, frame_ids)
        weights, num_frames = score.weights, int(score.weights[0])
        sums = dict(zip(MEASURES, (score.values * weights).tolist()))
        counts = dict(zip(MEASURES, weights.tolist()))
        bones = torch.tensor(self.skeleton.edges)
        spread = (pred[:, bones[:, 0]] - pred[:, bones[:, 1]]).norm(dim=-1).std(0, correction=0)  # (E,)
        sums['limb SD'], counts['limb SD'] = float(spread.mean()) * CM_PER_M * num_frames, num_frames
        joints = score.values[len(MEASURES):] * weights[len(MEASURES):]
        return _with_joints(self.skeleton, sequence, num_frames, sums, counts, joints, weights[len(MEASURES):],
                            shown_poses(pred, gt, visible, frame_ids, slice(None), MM_PER_M))

    def compute_metrics(self, results: list) -> dict:
        return dict(sequences=[result for result in results if result is not None])


def shown_poses(pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor, joints, factor: float) -> list:
    """The worst pose of a sequence and some that are evenly apart, as :attr:`SequenceErrors.shown` has them."""
    errors = joint_errors(pred, gt).where(visible, math.nan)[:, joints].nanmean(-1)          # (n,)
    known = errors.isfinite().nonzero()[:, 0]
    if not len(known):
        return []
    even = np.linspace(0, len(known) - 1, NUM_SHOWN + 1)[1:-1].round().astype(int)
    rows = sorted({int(errors.nan_to_num(-1).argmax()), *known[even].tolist()})
    points = [np.round(array[rows].double().numpy(), 3).tolist() for array in (pred, gt)]
    return [dict(frame=int(frame_ids[row]), error=float(errors[row] * factor), pred=pose, truth=[
        point if there else None for point, there in zip(truth, visible[row].tolist())])
        for row, pose, truth in zip(rows, *points)]


def joint_group(joint: str, skeleton: Skeleton) -> str:
    """Kind of a joint, whatever side: ``'knee'``; those of the head are one."""
    if skeleton.index(joint) in skeleton.head:
        return 'head'
    return re.sub('^(left|right)-', '', joint)


def _with_joints(skeleton: Skeleton, sequence: dict, num_frames: int, sums: dict, counts: dict, joint_sums,
                 joint_counts, shown: list) -> SequenceErrors:
    for name, total, count in zip(skeleton.joints, joint_sums, joint_counts):
        key = f'joint/{joint_group(name, skeleton)}'
        sums[key], counts[key] = sums.get(key, 0.0) + total, counts.get(key, 0) + count
    return SequenceErrors(sequence, num_frames, {key: float(value) for key, value in sums.items()},
                          {key: int(value) for key, value in counts.items()}, shown)
