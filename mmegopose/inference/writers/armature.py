"""A motion as a tree of joints that turn, y up: what BVH and GLB have in common."""
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...motion import Motion
from ...structures.skeleton_tree import skeleton_tree

Y_UP = np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]])  # z up to y up: x stays, what was y looks back


class Armature(NamedTuple):
    """A tree of N joints, parents first. A joint with several children has a helper of length 0 for each of them, so
    that every rotation has one child and places are kept exactly.

    Attributes:
        names: of the joints; helpers: ``thorax-to-left-shoulder``.
        parents: -1: the root.
        directions: ``(N,3)`` unit vectors from the parent in a T pose, y up; 0 at the root and at helpers.
        tips: the joint itself, its child for a helper.
        sources: joints of the skeleton whose mean each joint is.
        is_helper: ``(N,)`` bool.
    """
    names: tuple
    parents: tuple
    directions: np.ndarray
    tips: tuple
    sources: tuple
    is_helper: np.ndarray


class ArmatureMotion(NamedTuple):
    """Where the joints of an armature are, y up, metres; holes are bridged.

    Attributes:
        armature: the tree.
        time: ``(T,)`` seconds.
        points: ``(T,N,3)``, finite everywhere.
        valid: ``(T,N)`` bool: the joint was there.
        bone_lengths: ``(N,)`` median length of the bone to each joint.
        absent: names of joints that never are there; they lie where their parents are.
    """
    armature: Armature
    time: np.ndarray
    points: np.ndarray
    valid: np.ndarray
    bone_lengths: np.ndarray
    absent: tuple


@lru_cache
def armature_of(skeleton: str) -> Armature:
    """The armature of a skeleton."""
    tree = skeleton_tree(skeleton)
    names: list = []
    parents: list = []
    rows: list = []  # (joint of the tree, is a helper)

    def add(joint: int, parent: int) -> None:
        here, children = len(names), tree.children(joint)
        names.append(tree.joints[joint])
        parents.append(parent)
        rows.append((joint, False))
        for child in children:
            if len(children) > 1:
                names.append(f'{tree.joints[joint]}-to-{tree.joints[child]}')
                parents.append(here)
                rows.append((joint, True))
            add(child, len(names) - 1 if len(children) > 1 else here)

    add(0, -1)
    is_helper = np.array([helper for _, helper in rows])
    directions = np.array([np.zeros(3) if helper else tree.directions[joint] for joint, helper in rows])
    return Armature(tuple(names), tuple(parents), directions, tuple(i + 1 if helper else i for i, helper in enumerate(
        is_helper)), tuple(tree.sources[joint] for joint, _ in rows), is_helper)


def armature_motion(motion: Motion) -> ArmatureMotion:
    """The motion, upright, on the armature of its skeleton.

    What is not there lies on the straight line in time between the frames around it, or where it was first or last.

    Raises:
        ValueError: no frame has a valid pose.
    """
    motion = motion.upright()
    armature = armature_of(motion.skeleton)
    if not motion.valid.any():
        raise ValueError(f'the motion of {motion.person or "a person"} has no valid pose to write')
    sources = [list(source) for source in armature.sources]
    valid = np.stack([motion.valid[:, source].all(1) for source in sources], 1)
    places = np.where(motion.valid[..., None], motion.joints, 0)
    points = np.stack([places[:, source].mean(1, dtype=np.float64) for source in sources], 1) @ Y_UP.T
    somewhere, there, absent = np.any(valid, 0), np.any(motion.valid, 1), []
    for joint, parent in enumerate(armature.parents):
        if somewhere[joint]:
            points[:, joint] = bridge(points[:, joint], valid[:, joint], motion.time)
            continue
        if not armature.is_helper[joint]:
            absent.append(armature.names[joint])
        if parent >= 0:
            points[:, joint] = points[:, parent]
        else:  # the middle of what is there
            middle = np.full((len(motion), 3), np.nan)
            middle[there] = places[there].sum(1) / motion.valid[there].sum(1)[:, None]
            points[:, joint] = bridge(middle @ Y_UP.T, there, motion.time)
    return ArmatureMotion(armature, motion.time, points, valid, _median_bones(points, valid, armature), tuple(absent))


def frame_rate(motion: Motion) -> float:
    """Frames a second of a file with one rate, with which it ends when the motion does; 30 for a single frame."""
    return (len(motion) - 1) / motion.duration if len(motion) > 1 else 30.0


def bridge(values: np.ndarray, there: np.ndarray, time: np.ndarray) -> np.ndarray:
    """``values (T,D)``, where ``there (T,)`` is False on the line between their neighbours in time, or the nearest."""
    if there.all():
        return values
    return np.stack([np.interp(time, time[there], column[there]) for column in values.T], -1)


def last_rows(there: np.ndarray) -> np.ndarray:
    """For each of ``there (T,)`` the last row up to it that is True, or the first one."""
    rows = np.maximum.accumulate(np.where(there, np.arange(len(there)), -1))
    return np.where(rows < 0, np.argmax(there), rows)


def rest_offsets(motion: ArmatureMotion) -> np.ndarray:
    """Joints relative to their parents in the T pose, ``(N,3)`` metres."""
    return motion.armature.directions * motion.bone_lengths[:, None]


def hole_notes(motion: ArmatureMotion, person: str, bridged: bool = True) -> list[str]:
    """What is not there and what was done about it, for the user.

    Args:
        bridged: False: the figure is hidden in frames without a pose.
    """
    joints = ~motion.armature.is_helper & motion.valid.any(0)
    empty = ~motion.valid.any(1)
    partly = int((~empty & ~motion.valid[:, joints].all(1)).sum())
    fate = 'bridged by straight lines in time' if bridged else 'hidden'
    counts = [(int(empty.sum()), f'frames without a pose are {fate}'),
              (partly, 'frames have missing joints, bridged by straight lines in time')]
    notes = [f'{person}: {count} {told}' for count, told in counts if count]
    if motion.absent:
        notes.append(f'{person}: {", ".join(motion.absent)} never seen, drawn where the joint before it is')
    return notes


def _median_bones(points: np.ndarray, valid: np.ndarray, armature: Armature) -> np.ndarray:
    out = np.zeros(len(armature.names))
    for joint, parent in enumerate(armature.parents):
        if parent >= 0 and not armature.is_helper[joint]:
            both = valid[:, joint] & valid[:, parent]
            if both.any():
                out[joint] = np.median(np.linalg.norm(points[both, joint] - points[both, parent], axis=-1))
    return out
