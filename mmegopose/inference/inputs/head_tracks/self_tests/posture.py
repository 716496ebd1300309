"""Where the world's up lies in the camera of a head, and which axes make it lie there.

The head leans to the sides much less than it nods. The mean log-likelihood of "up" in the camera, less penalties for
moving harder or higher than need be, says how much a convention makes a track look like that of a head. What the likely
mistakes would make of a track (a rolled camera, another axis up, the inverse matrices) is compared with the track as it
is; a mistake is reported if it looks better by a margin that no right recording comes near.
"""
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from .....geometry.conventions import CAMERA_AXES, DIRECTIONS, PRESETS, PoseConvention
from .head_motion import MotionSample, accelerations, sample_motion

MARGIN = 1.0        # of the score; people: 0.23 at most, 0.94 in three seconds of crawling with the face down
QUATERNION_MARGIN = 1.3  # people: 1.0 at most; a fifth of the tracks with a wrong order reach it
NOD = 0.4           # radians that the head looks down on average
NOD_SHARPNESS, LEAN_SPREAD, ODD = 2.0, 0.4, 0.1  # how much it nods and leans, and the share of any posture
EFFORT_WEIGHT = 1.2  # of the log of the squared acceleration
BELOW = -0.3        # metres, median height of a head in its world
BLOCK, HEIGHT = 10.0, 1.4  # seconds, and the metres of height within which a head stays for so long


def find_better_axes(sample: MotionSample, convention: PoseConvention) -> list[PoseConvention]:
    """Conventions, at most three, that look much more like a head than the given one, the best first; usually none."""
    judge = Judge(sample, convention)
    mistakes = _mistakes(convention)
    if max(map(judge, mistakes)) - judge(convention) <= MARGIN:
        return []
    # Now that something is wrong: all that programs have, for a name that helps.
    names = [replace(convention, up=up, camera=camera, direction=direction) for direction in DIRECTIONS
             for up in ('z', 'y', '-y', '-z', convention.up) for camera in (*CAMERA_AXES.values(), convention.camera)]
    handed = np.linalg.det(convention.camera_to_opencv)
    scores = {other: judge(other) for other in (*mistakes, *names)
              if other != convention and np.linalg.det(other.camera_to_opencv) == handed}
    return _simplest(scores, convention, sample)


def other_order_is_better(sample: MotionSample, convention: PoseConvention, order: str,
                          others: list[PoseConvention]) -> bool:
    """Whether the quaternions in the order ``'xyzw'`` or ``'wxyz'`` look much more like a head, and more than with the
    axes of ``others``."""
    judge = Judge(sample, convention)
    again = Judge(sample._replace(poses=reorder_quaternions(sample.poses, order)), convention)
    again.effort, score = judge.effort, judge(convention)
    best = again(convention)
    return best - score > QUATERNION_MARGIN and all(best > judge(other) for other in others)


def reorder_quaternions(poses: np.ndarray, order: str) -> np.ndarray:
    """Poses ``(N,4,4)`` from quaternions that were read as x y z w or w x y z and are in the other order, ``order``."""
    out, good = poses.copy(), np.isfinite(poses).all((1, 2))
    if good.any():
        turn = Rotation.from_matrix(poses[good, :3, :3]).as_quat()
        out[good, :3, :3] = Rotation.from_quat(np.roll(turn, -1 if order == 'wxyz' else 1, axis=1)).as_matrix()
    return out


def likely_conventions(poses: np.ndarray, time: np.ndarray) -> str:
    """Options under which the poses ``(N,4,4)`` of a file are most like those of a head, as text, the likeliest first:
    the presets of :mod:`.geometry.conventions`, other axes that point up, and the inverse matrices."""
    good = np.isfinite(poses).all((1, 2)) & np.isfinite(time)
    if not good.any():
        return 'none: there is no pose'
    order = np.flatnonzero(good)[np.argsort(time[good], kind='stable')]
    sample = sample_motion(poses[order], np.arange(len(order)) / 30, np.zeros(len(order), int))
    plain = PoseConvention()
    judge = Judge(sample, plain)
    known = [replace(preset, unit='m') for preset in PRESETS.values()]
    known += [replace(plain, up=up, camera=CAMERA_AXES[camera]) for up in 'zy' for camera in ('opencv', 'opengl')]
    known += [replace(other, direction='world_to_camera') for other in known]
    found = _simplest({other: judge(other) for other in known}, plain, sample)
    return ', or '.join(_as_options(other, plain) for other in found)


def _simplest(scores: dict, convention: PoseConvention, sample: MotionSample) -> list[PoseConvention]:
    """Of the conventions that score alike, within 0.1 of the best, at most three that need the fewest changes.

    Those that put the head below the origin of the world are left out if others do not: origins lie on the floor, or
    where the recording begins.
    """
    best = max(scores.values())
    alike = sorted((other for other in scores if best - scores[other] < 0.1), key=lambda other: -scores[other])
    heights = [np.median(other.to_standard(sample.poses)[:, 2, 3]) for other in alike]
    above = [other for other, height in zip(alike, heights) if height > BELOW] or alike
    changes = [_num_changes(other, convention) for other in above]
    return [other for other, count in zip(above, changes) if count == min(changes)][:3]


def _num_changes(other: PoseConvention, convention: PoseConvention) -> int:
    """Facts that differ; the axes of a known program are one."""
    axes = sum(getattr(other, key) != getattr(convention, key) for key in ('up', 'camera'))
    named = any((other.up, other.camera) == (preset.up, preset.camera) for preset in PRESETS.values())
    return min(axes, 1) * (1 if named else axes) + (other.direction != convention.direction)


def _as_options(other: PoseConvention, plain: PoseConvention) -> str:
    """The arguments of a convention, the axes by the name of a program if there is one."""
    names = [name for name, preset in PRESETS.items() if (preset.up, preset.camera) == (other.up, other.camera)]
    axes = replace(other, direction=plain.direction)
    turned = '' if other.direction == plain.direction else f', direction={other.direction!r}'
    return (f'preset={names[0]!r}' if names else f"preset='opencv', {axes.options(plain)}") + turned


class Judge:
    """How much a convention makes a track look like that of a head: a mean log-likelihood less penalties."""

    def __init__(self, sample: MotionSample, convention: PoseConvention):
        self.sample, self.efforts, self.known = sample, {}, {}
        self.rows = np.arange(len(sample.time))[::max(1, len(sample.time) // 3000)]
        self.effort = self._effort(convention.to_standard(sample.poses), convention.direction)

    def __call__(self, other: PoseConvention) -> float:
        if other not in self.known:
            standard = other.to_standard(self.sample.poses)
            up = standard[self.rows, 2, :3]
            effort = max(self._effort(standard, other.direction) - self.effort, -3)
            self.known[other] = float(posture(up).mean()) - EFFORT_WEIGHT * effort - min(
                _excess_height(standard, self.sample), 3)
        return self.known[other]

    def _effort(self, standard, direction: str) -> float:
        """Log of the mean squared acceleration, without the hardest hundredth: an inverse track needs much more."""
        if direction not in self.efforts:  # the same for all axes
            hard = np.square(accelerations(standard, self.sample)[0])
            self.efforts[direction] = float(np.log(hard[hard <= np.quantile(hard, 0.99)].mean() + 1e-4)) if len(
                hard) else 0.0
        return self.efforts[direction]


def posture(up: np.ndarray) -> np.ndarray:
    """Log-likelihood, up to a constant, of the world's up in an upright camera, ``(N,3) -> (N,)``.

    A von Mises-Fisher density about the usual nod, which is wide, times a narrow normal one of the lean, mixed with
    some of any posture.
    """
    usual = np.array([0, -np.cos(NOD), -np.sin(NOD)])
    density = 4 * np.exp(NOD_SHARPNESS * (up @ usual - 1) - (up[:, 0] / LEAN_SPREAD) ** 2 / 2)
    return np.log((1 - ODD) * density + ODD)


def _excess_height(standard, sample: MotionSample) -> float:
    """Metres by which the head's height varies beyond 1.4 m within some seconds, on average."""
    block = (sample.time - sample.time[0]) // BLOCK
    starts = np.r_[0, np.flatnonzero((np.diff(block) != 0) | (np.diff(sample.segment) != 0)) + 1]
    height = standard[:, 2, 3]
    span = np.maximum.reduceat(height, starts) - np.minimum.reduceat(height, starts)
    return float(np.maximum(span - HEIGHT, 0).mean())


def _mistakes(convention: PoseConvention) -> list:
    """What the poses may be if the convention is wrong: the same changes, whatever it says."""
    over = np.diag([1., -1, -1])
    rolls = [np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.]]) for c, s in ((0, 1), (-1, 0), (0, -1))]
    forward = np.array([[0, 0, 1.], [-1, 0, 0], [0, -1, 0]])  # x forward in place of z
    y_up = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])
    x_up = np.array([[0, 0, -1.], [0, 1, 0], [1, 0, 0]])
    changes: list[dict] = [dict(camera=camera) for camera in (*rolls, over, forward, forward.T)]
    changes += [dict(world=world, camera=camera) for world in (y_up, y_up.T, x_up, x_up.T) for camera in (None, over)]
    changes += [dict(world=world, invert=True) for world in (None, y_up, y_up.T)]
    return [convention.changed(**change) for change in changes]
