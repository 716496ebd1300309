"""Hands of the hand pose task, as annotated or as predicted, in the world of the head track."""
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile, as_floats, read_json
from ..units import MAX_COORDINATE_M
from .egoexo4d_files import frame_number

SIDES = ('left', 'right')
MAX_DISTANCE_M = 3.0   # of the wearer's own wrist from the camera
MIN_DISTANCE_M = 0.1  # of a wrist from the camera; what is nearer is told from the wrist


def read_hands_in_camera(path: str | Path) -> dict:
    """Hands of a submission or an annotation file of the hand pose task.

    Args:
        path: JSON ``{take_uid: {frame: {'left_hand_3d': 21 x [x, y, z], 'right_hand_3d': ...}}}``, metres, in the axes
            of the undistorted landscape camera; what is empty, or no number, is not there.

    Returns:
        ``{take_uid: (frames (n,) int64, joints (n,2,21,3) float64)}``, frames ascending, NaN where no joint is.

    Raises:
        BadFile: another form, or hands that are told from the wrist, whose place in the world is not known.
    """
    found = {}
    for uid, frames in read_json(path).items():
        try:
            if odd := [key for key in frames if str(frame_number(key)) != key]:
                raise ValueError(f'{odd[0]!r} is no number of a frame')
            numbers = sorted(map(int, frames))
            joints = np.full((len(numbers), 2, 21, 3), np.nan)
            for row, number in enumerate(numbers):
                for side, name in enumerate(SIDES):
                    if hand := frames[str(number)].get(f'{name}_hand_3d'):
                        joints[row, side] = as_floats(hand).reshape(21, 3)
            numbers = np.array(numbers, np.int64)
        except DAMAGE as error:
            raise BadFile(f'{path}: {uid!r} is not of the form {{take_uid: {{frame: {{"left_hand_3d": 21 x [x, y, z], '
                          f'"right_hand_3d": ...}}}}}} ({type(error).__name__}: {error})') from None
        found[uid] = numbers, np.where(np.abs(joints) < 1000 * MAX_COORDINATE_M, joints, np.nan)
    wrists = np.concatenate([np.zeros((0, 3)), *(joints[:, :, 0].reshape(-1, 3) for _, joints in found.values())])
    wrists = wrists[np.isfinite(wrists).all(-1)]
    distance, in_front = np.linalg.norm(wrists, axis=-1), wrists[:, 2] > 0
    if len(wrists) and np.median(distance) > MAX_DISTANCE_M:
        told = ('which looks like millimetres; the file must be in metres: divide by 1000'
                if np.median(distance) > MIN_DISTANCE_M * 1000 else
                'farther than arms reach: another focal length, or hands that the model does not know')
        raise BadFile(f'{path}: wrists are typically {np.median(distance):.4g} from the camera, {told}')
    if len(wrists) and (np.median(distance) < MIN_DISTANCE_M or in_front.mean() < 0.5):
        raise BadFile(f'{path}: wrists are typically {1000 * np.median(distance):.0f} mm from the origin, and '
                      f'{in_front.mean():.0%} of them in front of the camera, so hands are told from the wrist; where '
                      'they are in the world, only those told from the camera tell')
    return found


def interpolated_hands(frames: np.ndarray, joints: np.ndarray, wanted: np.ndarray, max_gap: int) -> np.ndarray:
    """Joints ``(n,...,3)`` of frames at the frames ``wanted (m,)``, ``(m,...,3)``, NaN where they are not known.

    Args:
        frames: ``(n,)`` ascending.
        joints: NaN where a joint is not there.
        wanted: numbers of frames.
        max_gap: longest distance in frames of two neighbours between which is interpolated.
    """
    out = np.full((len(wanted), *joints.shape[1:]), np.nan)
    if not len(frames):
        return out
    after = np.searchsorted(frames, wanted).clip(max=len(frames) - 1)
    exact = frames[after] == wanted
    before = np.where(exact, after, (after - 1).clip(min=0))
    near = exact | ((frames[before] < wanted) & (wanted < frames[after]) & (frames[after] - frames[before] <= max_gap))
    weight = ((wanted - frames[before]) / np.maximum(frames[after] - frames[before], 1))[near]
    weight = weight.reshape(-1, *[1] * (joints.ndim - 1))
    out[near] = (1 - weight) * joints[before][near] + weight * joints[after][near]
    return out
