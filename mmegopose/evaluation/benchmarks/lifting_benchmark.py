"""How papers score lifting on Human3.6M and HumanEva: score a sequence, average over actions, name the results.

Metres go in and millimetres come out; velocities are per frame (mm/frame), accelerations per frame squared. Follows the
evaluation of VideoPose3D (Pavllo et al., CVPR 2019), from which those of MixSTE, STCFormer and MotionBERT derive.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...geometry.alignment import root_align
from ...structures import Skeleton
from ...structures.protocols import LiftingProtocol
from ..functional.joint_errors import aligned_errors, norms, scaled_errors
from ..units import MM_PER_M

MEASURES = ('MPJPE', 'PA-MPJPE', 'N-MPJPE', 'MPJVE', 'MPJVE_sequence', 'ACCEL')


@dataclass(frozen=True)
class ActionScore:
    """Mean errors of one sequence, or of several.

    Attributes:
        action: name of the action.
        values: ``(6+J,)`` millimetres: :data:`MEASURES`, then the MPJPE of each joint; 0 where nothing counts.
        weights: ``(6+J,)`` number of frames; 0 where nothing counts.
    """
    action: str
    values: np.ndarray
    weights: np.ndarray


def apply_root(pred: Tensor, gt: Tensor, rule: str, root: int | None) -> tuple[Tensor, Tensor]:
    """Predicted and true joints ``(...,J,3)`` under the root rule of :class:`LiftingProtocol`.

    Raises:
        ValueError: the rule needs a root joint and the skeleton has none.
    """
    if rule == 'keep':
        return pred, gt
    if root is None:
        raise ValueError(f"root rule {rule!r} needs a skeleton with a root joint, Skeleton(root=...); or use "
                         "root='keep'")
    if rule == 'zero':
        return pred.index_fill(-2, torch.tensor(root), 0), gt
    return root_align(pred, root), root_align(gt, root)


def blend_frames(pred: Tensor, frame_ids: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean of all predictions of a frame.

    Args:
        pred: ``(n,J,3)``.
        frame_ids: ``(n,)`` int64, in any order.
        weights: ``(n,)``, positive.

    Returns:
        ``(frames (m,J,3), ids (m,))``: ids ascending, each once.
    """
    order = frame_ids.argsort(stable=True)
    ids, first = np.unique(frame_ids[order].numpy(), return_index=True)
    weights = weights[order].to(pred.dtype).numpy()
    weighted = pred[order].numpy() * weights[:, None, None]
    frames = np.add.reduceat(weighted, first) / np.add.reduceat(weights, first)[:, None, None]
    return torch.from_numpy(frames), torch.from_numpy(ids)


def count_frames(pred: Tensor, frame_ids: Tensor, weights: Tensor, rule: str) -> tuple[Tensor, Tensor]:
    """Poses that count under the frame rule of :class:`LiftingProtocol`; slots without weight never count.

    Takes what :func:`blend_frames` takes, one row per slot, and returns ``(pred (m,J,3), slots (m,))``: the poses, and
    the slot from which to take the truth of each.
    """
    slots = weights.nonzero()[:, 0]
    if rule == 'twice':
        return pred[slots], slots
    first = np.unique(frame_ids[slots].numpy(), return_index=True)[1]
    return blend_frames(pred[slots], frame_ids[slots], weights[slots])[0], slots[first]


def score_lifting_sequence(action: str, pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor) -> ActionScore:
    """Score one sequence.

    ``MPJVE`` takes the difference of poses that follow one another in the arrays, as the published numbers do, jumps
    between windows included; ``MPJVE_sequence`` and ``ACCEL`` only look at consecutive frames.

    Args:
        action: name of the action.
        pred: ``(n,J,3)`` metres, relative to the root; the poses that count, in the order of their windows.
        gt: ``(n,J,3)``; may hold anything where invisible.
        visible: ``(n,J)`` bool.
        frame_ids: ``(n,)`` frame in the sequence of each pose.
    """
    parts = []
    for begin in range(0, max(len(pred), 1), CHUNK):
        rows = slice(max(begin - 2, 0), begin + CHUNK)
        parts.append(_sums(pred[rows], gt[rows], visible[rows], frame_ids[rows], fresh=min(begin, 2)))
    sums, counts = np.sum([part for part, _ in parts], 0), np.sum([part for _, part in parts], 0)
    num_frames = int(visible.any(-1).sum())
    return ActionScore(action, sums * MM_PER_M / counts.clip(min=1), num_frames * (counts > 0))


CHUNK = 4096  # poses whose coordinates stay in the cache of a processor


def _sums(pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor, fresh: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the errors of :data:`MEASURES` and of each joint, and how many they are, both ``(6+J,)``.

    Of the poses before ``fresh`` only the motion to those that follow counts.
    """
    # One coordinate of one joint after the other in memory: each step of the measures is one run through numbers that
    # stand side by side.
    pred, gt, visible = (x.flatten(1).t().contiguous().t().view(x.shape) for x in (pred, gt, visible))
    offsets = pred - gt
    velocity = offsets.diff(dim=0)
    speed, both = norms(velocity), visible[1:] & visible[:-1]
    near = both & (frame_ids.diff() == 1)[:, None]
    first = max(fresh - 1, 0)  # of the steps
    moving = [(speed[first:], both[first:]), (speed[first:], near[first:]),
              (norms(velocity.diff(dim=0)), near[1:] & near[:-1])]
    pred, gt, visible, offsets = pred[fresh:], gt[fresh:], visible[fresh:], offsets[fresh:]
    shown = None if visible.all() else visible
    pairs = [(norms(offsets), visible), aligned_errors(pred, gt, shown), scaled_errors(pred, gt, shown), *moving]
    # numpy, because the last bits of a torch sum depend on the number of threads, and processes differ in that.
    pairs = [((error if mask.all() else error.where(mask, 0)).numpy(), mask.numpy()) for error, mask in pairs]
    errors, seen = pairs[0]
    return (np.array([error.sum() for error, _ in pairs] + [*errors.sum(0)]),
            np.array([mask.sum() for _, mask in pairs] + [*seen.sum(0)]))


def pool_actions(action: str, scores: Sequence[ActionScore], equal: bool = False) -> ActionScore:
    """Mean over the frames of all scores; with ``equal`` every score weighs the same, however many frames it has."""
    weights = np.stack([s.weights for s in scores])                          # (scores,6+J)
    if equal:
        weights = (weights > 0).astype(int)
    total = weights.sum(0)
    # A value that is not finite stays: hiding it would hide a broken model.
    return ActionScore(action, (np.stack([s.values for s in scores]) * weights).sum(0) / total.clip(min=1), total)


def scores_by_action(scores: Sequence[ActionScore]) -> list[ActionScore]:
    """One score per action, by name, each a mean over the frames of its sequences; only those in which some count.

    Raises:
        ValueError: nothing counts.
    """
    scores = [s for s in scores if s.weights.any()]
    if not scores:
        raise ValueError('nothing to score: no sequence that counts has a visible joint. Evaluate on a split that '
                         'has labels and holds more than excluded sequences')
    return [pool_actions(name, [s for s in scores if s.action == name]) for name in sorted({s.action for s in scores})]


def summarize_lifting(scores: Sequence[ActionScore], skeleton: Skeleton) -> dict[str, float]:
    """All results of a data set; the keys are those of :class:`LiftingMetric`.

    Raises:
        ValueError: nothing counts.
    """
    by_action = scores_by_action(scores)
    final = pool_actions('mean', by_action, equal=True)
    metrics = _named(final)
    metrics['MPJPE_frames'] = float(pool_actions('frames', scores).values[0])
    for score in by_action:
        metrics.update({f'action/{score.action}/{name}': value for name, value in _named(score).items()})
    joints = zip(skeleton.joints, final.values[len(MEASURES):], final.weights[len(MEASURES):])
    return metrics | {f'joint/{name}/MPJPE': float(value) for name, value, weight in joints if weight}


def _named(score: ActionScore) -> dict[str, float]:
    return {name: float(value) for name, value, weight in zip(MEASURES, score.values, score.weights) if weight}


def describe_protocol(protocol: LiftingProtocol) -> str:
    """One line that tells how the numbers were measured."""
    excluded = ', '.join('/'.join(names) for names in protocol.exclude) or 'none'
    return f'protocol {protocol.name}: root {protocol.root}, frames {protocol.frames}, excluded clips: {excluded}'


def format_lifting_table(scores: Sequence[ActionScore]) -> str:
    """The results by action as lines of text, the mean over actions last."""
    by_action = scores_by_action(scores)
    lines = [f'{"":14}{"frames":>9}' + ''.join(f'{name:>16}' for name in MEASURES)]
    frames = [score.weights[0] for score in by_action]
    for score, count in zip([*by_action, pool_actions('mean', by_action, equal=True)], [*frames, sum(frames)]):
        values = _named(score)
        lines.append(f'{score.action:14}{count:9}' +
                     ''.join(f'{values[name]:16.2f}' if name in values else f'{"-":>16}' for name in MEASURES))
    return '\n'.join(lines)
