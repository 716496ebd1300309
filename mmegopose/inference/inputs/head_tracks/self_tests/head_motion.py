"""How a head moves in a track: velocities and accelerations over steps that do not depend on the rate of the track."""
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

MAX_POSES = 20000  # that are looked at
SPEED_SPAN = 1 / 15      # seconds over which speeds are taken


class MotionSample(NamedTuple):
    """The poses of a track that are looked at: as in the file, and steps of about :data:`SPEED_SPAN` between them."""
    poses: np.ndarray    # (N,4,4) in the convention of the file
    time: np.ndarray     # (N,) s
    segment: np.ndarray  # (N,)
    first: np.ndarray    # (S,) rows at which a step begins
    last: np.ndarray     # (S,) and ends


def sample_motion(poses: np.ndarray, time: np.ndarray, segment: np.ndarray) -> MotionSample:
    """Rows about 1/30 s apart, in blocks if there are too many."""
    if len(time) < 2:
        return MotionSample(poses, time, segment, *np.zeros((2, 0), int))
    stride = max(1, int(round(1 / 30 / np.median(np.diff(time)))))
    rows = np.arange(0, len(time), stride)
    if len(rows) > MAX_POSES:
        block = 500
        starts = np.linspace(0, len(rows) - block, MAX_POSES // block).astype(int)
        rows = rows[np.unique((starts[:, None] + np.arange(block)).ravel())]
    time, segment = time[rows], segment[rows]
    last = np.searchsorted(time, time + SPEED_SPAN - 1e-6)
    first = np.flatnonzero(last < len(time))
    last = last[first]
    near = (segment[first] == segment[last]) & (time[last] - time[first] < 4 * SPEED_SPAN + 0.5)
    return MotionSample(poses[rows], time, segment, first[near], last[near])


def speeds(standard: np.ndarray, sample: MotionSample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Velocity and angular velocity ``(S,3)`` of the steps, world, and their length ``(S,)`` in s."""
    first, last = standard[sample.first], standard[sample.last]
    step = (sample.time[sample.last] - sample.time[sample.first])[:, None]
    turn = Rotation.from_matrix(last[:, :3, :3] @ first[:, :3, :3].swapaxes(1, 2)).as_rotvec()
    return (last[:, :3, 3] - first[:, :3, 3]) / step, turn / step, step[:, 0]


def accelerations(standard: np.ndarray, sample: MotionSample) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of acceleration (m/s^2) and angular acceleration (rad/s^2), from one step to the next, ``(P,)``."""
    velocity, turn, step = speeds(standard, sample)
    follows = np.searchsorted(sample.first, sample.last)  # the step that begins where this one ends
    pairs = np.flatnonzero(follows < len(step))
    pairs = pairs[sample.first[follows[pairs]] == sample.last[pairs]]
    follows = follows[pairs]
    return tuple(np.linalg.norm(rate[follows] - rate[pairs], axis=1) / step[pairs] for rate in (velocity, turn))


def rotation_spread(standard: np.ndarray) -> float:
    """Degrees from the mean rotation within which the head stays in 19 of 20 poses."""
    turns = Rotation.from_matrix(standard[:, :3, :3])
    return float(np.degrees(np.quantile((turns.mean().inv() * turns).magnitude(), 0.95)))


def way(standard: np.ndarray, sample: MotionSample) -> tuple[float, float]:
    """Metres walked on the level (faster than 0.4 m/s), and how straight, in [0,1]: 0 for who comes back."""
    velocity = speeds(standard, sample)[0][:, :2]
    speed = np.linalg.norm(velocity, axis=1)
    walks = speed > 0.4
    if not walks.any():
        return 0.0, 1.0
    row = np.median(np.diff(sample.time))
    return float(speed[walks].sum() * row), float(np.linalg.norm(velocity[walks].sum(0)) / speed[walks].sum())


def travel(standard: np.ndarray, sample: MotionSample) -> tuple[float, float, float]:
    """How the head travels on the level, where it walks (faster than 0.4 m/s).

    Returns:
        metres walked; the mean direction relative to where the head faces, radians, positive to the left; and how
        steady that is, in [0,1].
    """
    velocity, _, _ = speeds(standard, sample)
    left = -standard[sample.first, :2, 0]
    level, speed = np.linalg.norm(left, axis=1), np.linalg.norm(velocity[:, :2], axis=1)
    walks = (speed > 0.4) & (level > 0.5)
    if not walks.any():
        return 0.0, 0.0, 0.0
    left, velocity, total = left[walks] / level[walks, None], velocity[walks, :2], speed[walks].sum()
    forward = (velocity[:, 0] * left[:, 1] - velocity[:, 1] * left[:, 0]).sum()
    aside = (velocity * left).sum()
    row = np.median(np.diff(sample.time))  # steps overlap: each counts for the time to the next row
    return float(total * row), float(np.arctan2(aside, forward)), float(np.hypot(forward, aside) / total)
