"""Is this how a head moves? Self-tests of an imported track, and the option that most likely mends what is wrong.

Five questions, each with limits far from what 249 recordings of people show, who also lie, climb and stand on their
hands:

* **time**: are there between 2 and 2000 poses a second?
* **unit**: a head turns about the neck, so how fast its place changes is tied to how fast it turns. The median
  acceleration over the median angular acceleration is 0.11 to 1.4 m/rad in those recordings; it is the same number for
  sitting and running people, and hundred times too large in centimetres.
* **axes and direction**: would other axes, or the inverse matrices, make this much more like a head? See
  :mod:`.posture`.
* **rotation**: who walks some metres and comes round, turns the head: by 19 degrees in those of the sample that walk
  one metre, by 59 in those that walk three. With less than 4 degrees there is a warning, without any the track is
  refused.
* **mirror image**: people walk forwards. Who walks backwards most of the way, is in a mirrored world.
"""
from typing import NamedTuple

import numpy as np

from .....geometry.conventions import PRESETS, UNITS, PoseConvention
from ...times import TIME_UNITS
from .head_motion import MotionSample, accelerations, rotation_spread, sample_motion, speeds, travel, way
from .posture import find_better_axes, other_order_is_better

MIN_RATE, MAX_RATE = 2.0, 2000.0           # poses a second
LEVER = 0.04, 4.0                          # m/rad; people: 0.11 to 1.4
MIN_TURN = 0.3                             # rad/s^2: with less, nothing is said about the unit
UNIT_RANGE = 4.0                           # times more or less than usual: a unit that explains it
MAX_SPEED = 15.0                           # m/s, median: nobody's head
STIFF, FIXED = 4.0, 0.05                   # degrees about the mean in 19 of 20 poses
ROUND = 3.0, 0.7                           # metres walked, and how straight at most: nobody's head is stiff all the way
BACKWARDS = 6.0, -0.5                      # metres walked, mean of the forward share of the velocity


DOUBTS = 'stiff', 'mirror'
"""Kinds of problem that somebody might really make: no track is refused for them."""


class Problem(NamedTuple):
    """What is wrong with a track.

    Attributes:
        kind: ``'time unit'``, ``'unit'``, ``'axes'``, ``'direction'``, ``'quaternion'``, ``'places'``, ``'rotation'``,
            or, in :data:`DOUBTS`, ``'stiff'`` or ``'mirror'``.
        text: what was seen and the likely cause.
        options: arguments that mend it, e.g. ``"up='y'"``; empty if not known.
    """
    kind: str
    text: str
    options: str = ''

    def __str__(self) -> str:
        return self.text + (f': pass {self.options}' if self.options else '')


def find_problems(poses: np.ndarray, time: np.ndarray, segment: np.ndarray, convention: PoseConvention,
                  time_unit: str = 's', other_order: str | None = None) -> list:
    """Problems of a track, the surest first; usually none.

    Args:
        poses: ``(N,4,4)`` as in the file, valid ones only.
        time: ``(N,)`` seconds, ascending.
        segment: ``(N,)`` steps between rows of different segments do not count.
        convention: that the poses are said to have.
        time_unit: of the file, that the times are said to have had.
        other_order: ``'xyzw'`` or ``'wxyz'``, in which quaternions of the file were not read; None: it has none.
    """
    if len(poses) >= 10 and not poses[:, :3, 3].any():
        return [Problem('places', 'all places are 0 0 0: a device that tracks only turns, or other columns')]
    if len(time) > 1 and (problem := check_rate(time, time_unit)):
        return [problem]
    sample = sample_motion(poses, time, segment)
    standard = convention.to_standard(sample.poses)
    problem, stiff = _check_unit(standard, sample, convention), _check_rotation(standard, sample)
    if stiff and stiff.kind == 'stiff' and problem:  # the unit is told from turns that may be none
        return [problem._replace(text=f'{stiff.text} Or: {problem.text}')]
    if stiff or problem:
        return [stiff or problem]
    problems = [_check_axes(sample, convention, other_order), _check_mirror(standard, sample, convention)]
    return [problem for problem in problems if problem]


def check_rate(time: np.ndarray, time_unit: str = 's') -> Problem | None:
    """The time unit, by the number of poses a second; ``time`` in seconds was read as being in ``time_unit``."""
    step = float(np.median(np.diff(time)))
    if 1 / MAX_RATE <= step <= 1 / MIN_RATE:
        return None
    text = f'there is one pose every {step:.3g} s'
    for unit, seconds in TIME_UNITS.items():
        if 1 / 300 <= step / TIME_UNITS[time_unit] * seconds <= 1 / 10:
            return Problem('time unit', f'{text}: times in {unit} read as {time_unit}?', f'time_unit={unit!r}')
    return Problem('time unit', f'{text}: frame numbers in place of times?', 'fps=<frames per second>')


def _check_unit(standard, sample: MotionSample, convention) -> Problem | None:
    velocity, _, step = speeds(standard, sample)
    if not len(step):
        return None
    speed = float(np.median(np.linalg.norm(velocity, axis=1)))
    acceleration, twist = accelerations(standard, sample)
    lever = float('nan')
    if len(twist) >= 5 and np.median(twist) > MIN_TURN:
        lever = float(np.median(acceleration) / np.median(twist))
    if not (lever < LEVER[0] or lever > LEVER[1] or speed > MAX_SPEED):
        return None
    found, usual = (lever, .35) if np.isfinite(lever) else (speed, .8)
    off = {unit: abs(np.log(found * scale / UNITS[convention.unit] / usual)) for unit, scale in UNITS.items()
           if unit != convention.unit}
    likely = [unit for unit in sorted(off, key=off.__getitem__) if off[unit] < np.log(UNIT_RANGE)]
    text = f'the head moves at {speed:.3g} m/s'
    if np.isfinite(lever):
        text += f' and {lever:.2g} m for each radian that it turns (a head: 0.1 to 1.5)'
    if not likely:
        return Problem('unit', f'{text}; with no unit of {list(UNITS)} would it move like a head: other '
                               'columns, or places at another scale')
    return Problem('unit', f'{text}: lengths in {" or ".join(likely)} read as {convention.unit}?',
                   ', or '.join(f'unit={unit!r}' for unit in likely))


def _check_rotation(standard, sample: MotionSample) -> Problem | None:
    """A head that does not turn on a way that does; its rotation tells nothing, and so do axes."""
    distance, straight = way(standard, sample) if len(sample.first) else (0.0, 1.0)
    spread = rotation_spread(standard) if distance > ROUND[0] and straight < ROUND[1] else STIFF
    if spread >= STIFF:
        return None
    walk = f'the wearer walks {distance:.0f} m and not straight on, but'
    if spread < FIXED:
        return Problem('rotation', f'{walk} the rotation is always the same: a device that gives places only, or other '
                                   'columns')
    return Problem('stiff', f'{walk} the head hardly turns, by {spread:.1f} degrees: angles in radians read as '
                            'degrees, or a rotation that is not that of the head?')


def _check_axes(sample: MotionSample, convention, other_order: str | None) -> Problem | None:
    better = find_better_axes(sample, convention)
    if other_order and other_order_is_better(sample, convention, other_order, better):
        return Problem('quaternion', 'up sways in the camera as in no head: quaternions in another order?',
                       f'quaternion={other_order!r}')
    if not better:
        return None
    up = convention.to_standard(sample.poses)[:, 2, :3].mean(0)
    seen = f'up lies at ({up[0]:.2f}, {up[1]:.2f}, {up[2]:.2f}) in the camera on average, not at about (0, -0.9, -0.3)'
    kind = 'direction' if better[0].direction != convention.direction else 'axes'
    cause = dict(direction='these look like the inverse matrices', axes='these look like other axes')[kind]
    return Problem(kind, f'{seen}; {cause}', ', or '.join(_named(other, convention) for other in better))


def _named(other: PoseConvention, convention: PoseConvention) -> str:
    preset = next((name for name, known in PRESETS.items() if known == other), None)
    return (f'preset={preset!r} or ' if preset else '') + other.options(convention)


def _check_mirror(standard, sample: MotionSample, convention) -> Problem | None:
    distance, direction, steady = travel(standard, sample)
    if distance < BACKWARDS[0] or steady * np.cos(direction) > BACKWARDS[1]:
        return None
    mirrored = [name for name, preset in PRESETS.items() if preset.up == convention.up and
                np.linalg.det(preset.camera_to_opencv) * np.linalg.det(convention.camera_to_opencv) < 0]
    return Problem('mirror', f'the wearer walks backwards for most of {distance:.0f} m; so does who is recorded in a '
                             'mirrored (left-handed) world', ' or '.join(f'preset={name!r}' for name in mirrored))
