"""How Ego-Exo4D scores body poses: score a sequence (a take), pool sequences, name the results.

Follows the last public official evaluator (EGO4D/ego-exo4d-egopose, bodypose/evaluation/evaluate.py): no alignment,
frames in clips of less than four seconds left out, every visible joint weighs the same.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...structures import Skeleton
from ...structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL, SCENARIOS, scenario_of
from ..functional.joint_errors import aligned_errors, joint_errors, velocity_errors
from ..units import CM_PER_M

FPS = 30  # frame numbers per second


NOTHING_LEFT = (
    'the clip filter leaves nothing to score: no labelled joint lies in a run of frames of at least 4 s without a gap '
    'of more than 3 frames. To score all frames: --cfg-options val_evaluator.clip_filter=False '
    'test_evaluator.clip_filter=False, or mmegopose submit --no-clip-filter')


def clip_mask(frame_ids: Tensor, max_gap: int = 3, min_span: int = 120, label_step: int = 3) -> Tensor:
    """Which frames lie in a long enough clip, as the official evaluator defines it.

    A clip ends where the next frame is more than ``max_gap`` away. A clip is kept if ``last - first + label_step`` is
    at least ``min_span``: with the defaults, 40 frames of the 10 Hz annotation (4 s).

    Args:
        frame_ids: ``(n,)`` ascending frame numbers.

    Returns:
        ``(n,)`` bool.
    """
    if not len(frame_ids):
        return frame_ids.bool()
    cut = frame_ids.diff() > max_gap                                         # (n-1,)
    edge = cut.new_ones(1)
    first, last = frame_ids[torch.cat([edge, cut])], frame_ids[torch.cat([cut, edge])]  # (runs,)
    run = torch.cat([~edge, cut]).cumsum(0)                                 # (n,)
    return (last - first + label_step >= min_span)[run]


@dataclass(frozen=True)
class SequenceScore:
    """Sums and counts of one sequence, in metres and seconds.

    Attributes:
        name: name of the sequence, which tells its scenario.
        labelled: whether any joint is visible, in whatever frame.
        num_frames: frames that the clip filter kept.
        error_sum, error_count: ``(J,)`` position errors per joint.
        velocity_sum, velocity_count: velocity errors.
        aligned_sum, aligned_count: position errors after Procrustes; zero where it was not asked for.
    """
    name: str
    labelled: bool
    num_frames: int
    error_sum: np.ndarray
    error_count: np.ndarray
    velocity_sum: float
    velocity_count: int
    aligned_sum: float
    aligned_count: int


def score_sequence(name: str, pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor, clip_filter: bool = True,
               pa_mpjpe: bool = False) -> SequenceScore:
    """Score one sequence.

    Args:
        name: name of the sequence, which tells its scenario.
        pred: ``(n,J,3)`` world coordinates, metres.
        gt: ``(n,J,3)``; may hold anything where invisible.
        visible: ``(n,J)`` bool.
        frame_ids: ``(n,)`` ascending frame numbers, 30 per second.
        clip_filter: leave out frames in clips of less than four seconds.
        pa_mpjpe: also score after Procrustes.
    """
    labelled = bool(visible.any())
    if clip_filter:
        keep = clip_mask(frame_ids)
        pred, gt, visible, frame_ids = pred[keep], gt[keep], visible[keep], frame_ids[keep]
    error_sum, error_count = _sums(joint_errors(pred, gt), visible)
    velocity_sum, velocity_count = _sums(*velocity_errors(pred, gt, visible, frame_ids, FPS))
    aligned_sum, aligned_count = _sums(*aligned_errors(pred, gt, visible)) if pa_mpjpe else (np.zeros(1), np.zeros(1))
    return SequenceScore(name, labelled, len(frame_ids), error_sum, error_count, float(velocity_sum.sum()),
                     int(velocity_count.sum()), float(aligned_sum.sum()), int(aligned_count.sum()))


def _sums(errors: Tensor, mask: Tensor) -> tuple[np.ndarray, np.ndarray]:
    # numpy, because the last bits of a torch sum depend on the number of threads, and processes differ in that.
    return errors.where(mask, 0).numpy().sum(0), mask.numpy().sum(0)


def pool_sequences(scores: Sequence[SequenceScore], joints: Sequence[int] | slice = slice(None)) -> dict[str, float]:
    """Pooled ``MPJPE`` (cm), ``MPJVE`` (m/s) and ``PA-MPJPE`` (cm) of sequences, each only where something counts.

    ``joints`` restricts the MPJPE.
    """
    sums = dict(MPJPE=(sum(s.error_sum[joints].sum() for s in scores) * CM_PER_M,
                       sum(s.error_count[joints].sum() for s in scores)),
                MPJVE=(sum(s.velocity_sum for s in scores), sum(s.velocity_count for s in scores)))
    sums['PA-MPJPE'] = (sum(s.aligned_sum for s in scores) * CM_PER_M, sum(s.aligned_count for s in scores))
    return {key: float(total / count) for key, (total, count) in sums.items() if count}


def scenario_groups(scores: Sequence[SequenceScore]) -> dict[str, list[SequenceScore]]:
    """Sequences by scenario, then ``'physical'`` and ``'procedural'``; only groups in which a joint counts."""
    found = {name: [s for s in scores if scenario_of(s.name) == name] for name in SCENARIOS}
    for name, members in (('physical', PHYSICAL), ('procedural', PROCEDURAL)):
        found[name] = [s for s in scores if scenario_of(s.name) in members]
    return {name: members for name, members in found.items() if sum(s.error_count.sum() for s in members)}


def summarize_body_pose(scores: Sequence[SequenceScore], skeleton: Skeleton) -> dict[str, float]:
    """All results of a data set; the keys are those of :class:`BodyPoseMetric`.

    Raises:
        ValueError: nothing is labelled, or the clip filter left nothing.
    """
    if not any(s.labelled for s in scores):
        raise ValueError(f'none of the {len(scores)} sequences has a labelled joint, so there is nothing to score: '
                         'this split has no labels (as the test split, whose labels are private). Write a submission '
                         'file with --submit FILE instead')
    if not any(s.error_count.sum() for s in scores):
        raise ValueError(NOTHING_LEFT)
    scores = [s for s in scores if s.error_count.sum()]
    metrics: dict[str, float | None] = {**pool_sequences(scores)}
    metrics[f'MPJPE_body{len(skeleton.non_head)}'] = pool_sequences(scores, list(skeleton.non_head)).get('MPJPE')
    metrics['MPJPE_macro'] = float(np.mean([pool_sequences([s])['MPJPE'] for s in scores]))
    for name, members in scenario_groups(scores).items():
        if name in SCENARIOS:
            metrics.update({f'scenario/{name}/{key}': value for key, value in pool_sequences(members).items()})
        else:
            metrics[f'MPJPE_{name}'] = pool_sequences(members)['MPJPE']
    for index, name in enumerate(skeleton.joints):
        metrics[f'joint/{name}/MPJPE'] = pool_sequences(scores, [index]).get('MPJPE')
    return {key: value for key, value in metrics.items() if value is not None}


def format_body_pose_table(scores: Sequence[SequenceScore]) -> str:
    """The results by group of scenarios as lines of text."""
    header = ('MPJPE', 'MPJVE', 'PA-MPJPE') if any(s.aligned_count for s in scores) else ('MPJPE', 'MPJVE')
    lines = [f'{"":12}{"sequences":>10}{"frames":>9}{"joints":>10}' + ''.join(f'{key:>10}' for key in header)]
    for name, members in {**scenario_groups(scores), 'all': [s for s in scores if s.error_count.sum()]}.items():
        frames, joints = sum(s.num_frames for s in members), sum(s.error_count.sum() for s in members)
        values = pool_sequences(members)
        lines.append(f'{name:12}{len(members):10}{frames:9}{joints:10}' +
                     ''.join(f'{values[key]:10.2f}' if key in values else f'{"-":>10}' for key in header))
    return '\n'.join(lines)
