"""Left and right limbs that a detector exchanges for a while, put back."""
from dataclasses import replace

import numpy as np

from ....structures import Skeleton, get_skeleton
from ..times import DEFAULT_FPS

RELUCTANCE = 0.1  # cost of a second of exchanged limbs; costs are mean steps of joints, shares of the person's size
EXCHANGE = 0.02  # cost of each exchange, so that limbs that are in one place keep their sides, whatever the noise
LARGEST_STEP = 0.3  # a joint that jumps farther tells no more


def mend_sides(track):
    """A :class:`.PersonTrack` whose exchanged limbs are put back; its ``facts['exchanged_sides']`` counts the frames of
    each kind of limb, if there are any.
    """
    skeleton = get_skeleton(track.skeleton)
    found = exchanged_sides(track.keypoints, track.detected & ~track.filled, skeleton, track.fps or DEFAULT_FPS)
    counts = {kind: int(exchanged.sum()) for kind, exchanged in found.items() if exchanged.any()}
    if not counts:
        return track
    arrays = {name: getattr(track, name).copy() for name in ('keypoints', 'confidence', 'detected', 'filled')}
    for kind in counts:
        for values in arrays.values():
            values[found[kind]] = values[found[kind]][:, list(skeleton.limb_flips[kind])]
    return replace(track, **arrays, facts=dict(track.facts, exchanged_sides=counts))


def exchanged_sides(points: np.ndarray, seen: np.ndarray, skeleton: Skeleton, fps: float) -> dict[str, np.ndarray]:
    """In which frames left and right of each kind of limb are exchanged.

    Exchanged limbs jump, and jump back, where limbs that cross each other go on as they went: so of all ways to call
    the two sides by the right name, that one is taken whose joints change their velocity least (a shortest path over
    the frames). What does not jump twice stays: limbs that are exchanged when a recording begins or ends, or when they
    come into view, at least until they are close to each other.

    Args:
        points: ``(F,J,2)`` image coordinates.
        seen: ``(F,J)`` bool.
        skeleton: of the joints.
        fps: frames per second.

    Returns:
        ``(F,)`` bool for each kind of limb, ``{'arm': ..., 'leg': ...}``.
    """
    known = np.where(seen[..., None], points, np.nan).astype(float)
    low, high = (pick(known, axis=1, initial=start, where=seen[..., None])
                 for pick, start in ((np.min, np.inf), (np.max, -np.inf)))
    sizes = np.linalg.norm((high - low)[seen.any(1)], axis=-1)
    size = max(np.median(sizes), 1e-6) if len(sizes) else 1.0
    found = {}
    for kind, flip in skeleton.limb_flips.items():
        joints = [joint for joint, other in enumerate(flip) if joint != other]
        sides = np.stack([known[:, joints], known[:, [flip[joint] for joint in joints]]], 1) / size  # (F,2,n,2)
        found[kind] = _cheapest_names(sides, RELUCTANCE / fps)
    return found


def _cheapest_names(sides: np.ndarray, reluctance: float) -> np.ndarray:
    """``(F,)`` bool: frames in which the second way of ``sides (F,2,n,2)`` is the better one.

    A state is how the sides are called in a frame and in the one before, ``2 * before + now``.
    """
    num_frames = len(sides)
    if num_frames < 4:
        return np.zeros(num_frames, bool)
    both = np.isfinite(sides).all((1, 3))  # (F,n) joints of which both sides are seen
    told = both[2:] & both[1:-1] & both[:-2]
    told_of_change = told.any(1) & np.append(told[1:].any(1), False)  # it is in the three frames to it and from it on
    steps = np.full((num_frames - 2, 4, 4), np.inf)  # from a state to the next one
    for before, now, then in np.ndindex(2, 2, 2):
        change = np.linalg.norm(sides[2:, then] - 2 * sides[1:-1, now] + sides[:-2, before], axis=-1)  # (F-2,n)
        total = np.minimum(change, LARGEST_STEP).sum(1, where=told)
        if now != then:  # it has to be seen
            total[~told_of_change] = np.inf
        steps[:, 2 * before + now, 2 * now + then] = total / told.sum(1).clip(min=1) + EXCHANGE * (now != then)
    own = np.tile([0, reluctance, 0, reluctance], (num_frames - 1, 1))
    own[[0, -1], 1:] = np.inf
    steps += own[1:, None]
    # The cheapest way through each state: that to it, and that from it to the end.
    to = np.concatenate([own[:1], (own[0][:, None] + _cheapest_ways(steps)).min(1)])
    onwards = np.concatenate([np.zeros((1, 4)), _cheapest_ways(steps[::-1].swapaxes(1, 2)).min(1)])[::-1]
    return np.append(False, (to + onwards).argmin(1) % 2 == 1)


def _cheapest_ways(costs: np.ndarray) -> np.ndarray:
    """Costs ``(F,S,S)`` of the cheapest way from each first state to each state of a frame, of those of single steps;
    each pass doubles how far ways go back.
    """
    ways, reach = costs.copy(), 1
    while reach < len(ways):
        ways[reach:] = (ways[:-reach, :, :, None] + ways[reach:, None]).min(2)
        reach *= 2
    return ways
