"""Motions beside their truth: what belongs together, and how far apart it is."""
from collections.abc import Sequence

import numpy as np

from ..motion import Motion


def paired(motions: Motion | Sequence[Motion],
           truth: Motion | Sequence[Motion | None] | None = None) -> tuple[list, list]:
    """Motions as a list, and the truth of each, None where there is none, with its skeleton and times.

    Raises ``ValueError`` if there is no motion, if numbers or frames of reference differ, or for a truth that is none.
    """
    motions = [motions] if isinstance(motions, Motion) else list(motions)
    truths = list(truth) if isinstance(truth, (list, tuple)) else [truth]
    truths = truths * len(motions) if truth is None else truths
    if not motions:
        raise ValueError('there is no motion to show')
    if len(truths) != len(motions):
        raise ValueError(f'there are {len(motions)} motions, but the truth of {len(truths)}')
    frames = {motion.frame for motion in motions}
    if len(frames) > 1:
        raise ValueError(f'motions relative to {" and ".join(sorted(frames))} cannot be shown in one picture: move '
                         'them into one frame of reference')
    return motions, [None if one is None else truth_at(one, motion) for motion, one in zip(motions, truths)]


def truth_at(truth: Motion, motion: Motion) -> Motion:
    """The truth with the skeleton and at the times of a motion.

    Raises ``ValueError`` for a truth that is no motion, in another frame of reference, or of another time.
    """
    if not isinstance(truth, Motion):
        raise ValueError(f'the truth beside a motion should be a Motion, which knows its times, not a '
                         f'{type(truth).__name__}')
    if truth.frame != motion.frame:
        raise ValueError(f'the truth is in the frame {truth.frame!r}, the motion in {motion.frame!r}: move one of them')
    if len(motion) and (not len(truth) or truth.time[0] > motion.time[-1] or truth.time[-1] < motion.time[0]):
        span = f'from {truth.time[0]:.10g} to {truth.time[-1]:.10g} s' if len(truth) else 'empty'
        raise ValueError(f'the truth is {span}, {motion.person or "the motion"} from {motion.time[0]:.10g} to '
                         f'{motion.time[-1]:.10g} s: they have no time in common')
    truth = truth.convert(motion.skeleton)
    return truth if np.array_equal(truth.time, motion.time) else truth.resample(time=motion.time)


def in_one_place(motions: Sequence[Motion], truths: Sequence[Motion | None]) -> tuple[list, list, bool]:
    """Motions and truths with z up; several people whose places are not known, relative to their roots, are moved
    apart, which the last value tells."""
    motions = [motion.upright() for motion in motions]
    truths = [None if one is None else one.upright() for one in truths]
    if len(motions) == 1 or motions[0].frame != 'root':
        return motions, truths, False
    reach = max((float(np.abs(motion.joints[motion.valid]).max()) for motion in motions if motion.valid.any()),
                default=1.0)
    moved = []
    for number, pair in enumerate(zip(motions, truths)):
        shift = np.eye(4)
        shift[0, 3] = 1.3 * reach * (number - (len(motions) - 1) / 2)
        moved.append([None if one is None else one.moved(shift, 'root') for one in pair])
    return [pair[0] for pair in moved], [pair[1] for pair in moved], True


def distances_from(motion: Motion, truth: Motion) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each joint from its truth in the same frame ``(T,J)`` metres, and where both are there."""
    known = motion.valid & truth.valid
    return np.linalg.norm(motion.joints.astype(np.float64) - truth.joints, axis=-1), known


def errors_in_time(motions: Sequence[Motion], truths: Sequence[Motion | None],
                   rows: Sequence[np.ndarray]) -> np.ndarray:
    """Mean distance of the joints from their truth ``(F,)`` metres, over all people; NaN where it is not known.

    Args:
        motions: P of them.
        truths: see :func:`paired`.
        rows: ``(F,)`` of each motion: its row in each frame, -1 where it has none.
    """
    total, count = np.zeros(len(rows[0])), np.zeros(len(rows[0]), int)
    for motion, truth, at in zip(motions, truths, rows):
        if truth is not None:
            errors, known = distances_from(motion, truth)
            total += np.where(at >= 0, np.where(known, errors, 0).sum(1)[at], 0)
            count += np.where(at >= 0, known.sum(1)[at], 0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
