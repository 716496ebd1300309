"""Bones of one length: joints moved as little as need be. Off unless asked for, and told."""
from dataclasses import replace

import numpy as np

from ..motion import Motion
from ..structures import Skeleton, get_skeleton
from .smoothing import noted

TOLERANCE = 1e-5  # of a bone's length


def stiff_bones(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Bones that keep their length whatever the pose: within limbs, between hips and between shoulders, in the head.

    The spine, the neck and the sides of the trunk bend; between COCO's joints they vary by 2 to 15 % in real motion.
    """
    place = {name: (limb, order) for limb, names in skeleton.limbs.items() for order, name in enumerate(names)}

    def stiff(a: int, b: int) -> bool:
        if a in skeleton.head and b in skeleton.head:
            return True
        (first, i), (second, j) = (place.get(skeleton.joints[joint], (None, 0)) for joint in (a, b))
        if first is not None and first == second:
            return True
        if first is not None and second is not None:  # the two hips, the two shoulders
            return i == j == 0 and skeleton.flip[a] == b
        base = b if a == skeleton.root else a if b == skeleton.root else None  # the root and a hip
        return base is not None and skeleton.joints[base].endswith('hip')

    return [edge for edge in skeleton.edges if stiff(*edge)]


def constant_bone_lengths(motion: Motion, bone_lengths: dict | None = None, pinned=None,
                          iterations: int = 200) -> tuple[Motion, dict]:
    """Move joints as little as need be so that each stiff bone has one length.

    The lengths are met one after the other, again and again, each by moving both ends half way along the bone
    (projection of position-based dynamics, Mueller et al. 2007), until all fit to :data:`TOLERANCE`.

    Args:
        motion: in metres, in any frame of reference.
        bone_lengths: ``{(joint, joint): metres}`` by the names of the joints; default: the median of the valid frames.
        pinned: numbers of joints that do not move; default: those of the head, where there is a head track.
        iterations: at most.

    Returns:
        The motion, and a report: ``lengths`` by names, ``variation`` (rms relative deviation before) and ``moved`` (rms
        distance, metres).

    Raises:
        KeyError: a length of joints that the skeleton has not.
    """
    skeleton = get_skeleton(motion.skeleton)
    names = skeleton.joints
    if bone_lengths is None:
        bones = stiff_bones(skeleton)
    else:
        bones = [(skeleton.index(a), skeleton.index(b)) for a, b in bone_lengths]
    if pinned is None:
        pinned = skeleton.head if motion.head_pose is not None else ()
    free = np.array([0.0 if joint in pinned else 1.0 for joint in range(len(names))])
    points = np.where(motion.valid[..., None], motion.joints, 0).astype(np.float64)
    wanted, variation = {}, {}
    for a, b in bones:
        both = motion.valid[:, a] & motion.valid[:, b]
        found = np.linalg.norm(points[both, a] - points[both, b], axis=-1)
        if not len(found):
            continue
        length = float(np.median(found)) if bone_lengths is None else float(bone_lengths[names[a], names[b]])
        wanted[a, b] = length
        variation[f'{names[a]} to {names[b]}'] = float(np.sqrt(np.mean(np.square(found / length - 1))))
    for _ in range(iterations):
        worst = 0.0
        for (a, b), length in wanted.items():
            if free[a] + free[b] == 0:
                continue
            both = (motion.valid[:, a] & motion.valid[:, b])[:, None]
            way = points[:, b] - points[:, a]
            now = np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-9)
            off = np.where(both, (now - length) / now, 0)
            worst = max(worst, float(np.abs(np.where(both, now / length - 1, 0)).max(initial=0)))
            points[:, a] += free[a] / (free[a] + free[b]) * off * way
            points[:, b] -= free[b] / (free[a] + free[b]) * off * way
        if worst < TOLERANCE:
            break
    moved = np.where(motion.valid[..., None], points - motion.joints, 0)
    report = dict(lengths={f'{names[a]} to {names[b]}': length for (a, b), length in wanted.items()},
                  variation=variation, moved=float(np.sqrt(np.square(moved).sum(-1)[motion.valid].mean()))
                  if motion.valid.any() else 0.0, left=worst if wanted else 0.0)
    joints = np.where(motion.valid[..., None], points, motion.joints).astype(motion.joints.dtype)
    return replace(motion, joints=joints, provenance=noted(motion, dict(
        method='constant_bone_lengths', moved=report['moved']))), report
