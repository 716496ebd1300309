"""Rotations of bones from the places of their ends: numpy, float64. Places carry no twist, so none is made up."""
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

PRIOR = 1e-3  # weight of the parent's rotation in a fit to several bones, which decides what they leave open


def swing(rest: np.ndarray, direction: np.ndarray, base: np.ndarray) -> np.ndarray:
    """``base (T,3,3)`` turned on by the smallest rotation that brings ``base @ rest`` to ``direction``, ``(T,3,3)``.

    Args:
        rest: ``(3,)`` unit vector.
        direction: ``(T,3)`` of any length; where it is 0, nothing is turned.
    """
    norm = np.linalg.norm(direction, axis=-1, keepdims=True)
    start = base @ rest                                                                          # (T,3)
    end = np.where(norm > 1e-9, direction / np.maximum(norm, 1e-9), start)
    cosine = (start * end).sum(-1)
    axis = np.cross(start, end)
    back = cosine < -1 + 1e-9  # half a turn, about any axis across
    if back.any():
        across = np.cross(start[back], np.eye(3)[np.abs(start[back]).argmin(-1)])
        axis[back] = across / np.linalg.norm(across, axis=-1, keepdims=True)
    skew = np.zeros((len(axis), 3, 3))
    skew[:, [2, 0, 1], [1, 2, 0]], skew[:, [1, 2, 0], [2, 0, 1]] = axis, -axis
    factor = np.where(back, 2.0, 1 / np.maximum(1 + cosine, 1e-12))
    turn = np.eye(3) + np.where(back, 0.0, 1.0)[:, None, None] * skew + factor[:, None, None] * (skew @ skew)
    return turn @ base


def fit_rotation(rest: np.ndarray, directions: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
    """Rotations ``(T,3,3)`` that bring ``rest (K,3)`` nearest to ``directions (T,K,3)`` (Kabsch 1976).

    Args:
        base: ``(T,3,3)``: the rotation where these leave it open; None: they decide.
    """
    covariance = np.einsum('tki,kj->tij', directions, rest)
    if base is not None:
        covariance = covariance + PRIOR * base
    left, _, right = np.linalg.svd(covariance)
    mirrored = np.linalg.det(left @ right) < 0
    left[mirrored, :, 2] *= -1
    return left @ right


def continuous_angles(rotation: np.ndarray, order: str = 'ZXY') -> np.ndarray:
    """Angles ``(T,3)`` in degrees about the axes of ``order``, one after the other, without jumps in time.

    Every rotation has two triples of angles, and each angle any number of full turns: those nearest to the frame before
    are taken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # where two axes fall together: the answer is right there, too
        angles = Rotation.from_matrix(rotation).as_euler(order, degrees=True)
    other = angles * (1, -1, 1) + 180
    if len(angles) > 1:
        change = _wrapped(angles[1:] - angles[:-1])
        crossed = _wrapped(other[1:] - angles[:-1])
        flip = np.abs(crossed).sum(-1) < np.abs(change).sum(-1)  # the same for either triple of the frame before
        turned = np.concatenate([[False], np.logical_xor.accumulate(flip)])
        angles = np.where(turned[:, None], other, angles)
    return np.unwrap(angles, axis=0, period=360)


def _wrapped(degrees: np.ndarray) -> np.ndarray:
    return (degrees + 180) % 360 - 180


def tree_rotations(points: np.ndarray, parents: Sequence[int], directions: np.ndarray,
                   tips: Sequence[int]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Rotations in space of the joints of a tree, whose bones then point where they should.

    A joint with one child turns on from its parent as little as may be; one with several is fitted to them; one
    without any turns with its parent.

    Args:
        points: ``(T,N,3)``, parents first.
        parents: of each joint, -1: the root.
        directions: ``(N,3)`` unit vectors from the parent at rest.
        tips: where the bone to each joint ends: itself, or its child if the joint lies where its parent is.

    Yields:
        ``(joint, rotation (T,3,3), rotation of its parent (T,3,3))``, parents first.
    """
    known = {-1: np.tile(np.eye(3), (len(points), 1, 1))}
    for joint, parent in enumerate(parents):
        base = known[parent]
        ends = [tips[child] for child, inner in enumerate(parents) if inner == joint]
        bones = points[:, ends] - points[:, joint:joint + 1]
        if len(ends) == 1:
            known[joint] = swing(directions[ends[0]], bones[:, 0], base)
        elif ends:
            norm = np.linalg.norm(bones, axis=-1, keepdims=True)
            known[joint] = fit_rotation(directions[ends], bones / np.maximum(norm, 1e-9), base)
        else:
            known[joint] = base
        yield joint, known[joint], base
        for done in [key for key in known if key >= 0 and key not in parents[joint + 1:]]:
            del known[done]  # an hour of rotations is large
