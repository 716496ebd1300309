"""Hands in the official Ego-Exo4D layout: names of labels, and the prepared file of a test split."""
import numpy as np

from .egoexo4d_view import MANUAL_STRIDE, LandscapeView

SIDES = ('right', 'left')
FINGERS = ('thumb', 'index', 'middle', 'ring', 'pinky')
JOINTS = ('wrist', *(f'{finger}_{i}' for finger in FINGERS for i in range(1, 5)))
HANDS = tuple(f'{side}_{joint}' for side in SIDES for joint in JOINTS)
MIN_JOINTS = 10  # that are in the picture; hands with fewer are not scored
_MARGIN = 20     # pixels of a box around its joints
_GROWN = 1.5     # the box of a test hand, as large as that of its joints


def prepared_hands(hands: np.ndarray, view: LandscapeView, take: str, uid: str, test: bool = False) -> dict:
    """Labelled frames of a take as the official preparation writes them, in the axes of the camera.

    Args:
        hands: ``(T,2,21,3)`` right and left, world, metres.
        view: its camera.
        test: boxes are wide, as those of the test split.
    """
    entries = {}
    flat = hands.reshape(len(hands), -1, 3)
    points_of, pixels_of = view.points(flat).reshape(hands.shape), view.pixels(flat).reshape(*hands.shape[:-1], 2)
    for frame in range(0, len(hands), MANUAL_STRIDE):
        entry: dict = dict(metadata=dict(take_uid=uid, take_name=take, frame_number=frame))
        for name, points, pixels in zip(SIDES, points_of[frame], pixels_of[frame]):
            seen = np.isfinite(pixels).all(-1)
            known = seen.sum() >= MIN_JOINTS and seen[0]
            entry |= {f'{name}_hand_3d': np.where(seen[:, None], points, np.nan).tolist() if known else [],
                      f'{name}_hand_2d': pixels.tolist() if known else [],
                      f'{name}_hand_bbox': _box(pixels[seen], 2 * view.center, test) if known else [],
                      f'{name}_hand_valid_3d': seen.tolist() if known else []}
        if any(entry[f'{name}_hand_bbox'] for name in SIDES):
            entries[str(frame)] = entry
    return entries


def hand_template(truth: dict) -> dict:
    """What the challenge gives of a test split: boxes and metadata of ``{uid: frames of prepared_hands}``."""
    return {uid: {frame: {key: entry[key] for key in ('right_hand_bbox', 'left_hand_bbox', 'metadata')}
                  for frame, entry in frames.items()} for uid, frames in truth.items()}


def _box(pixels: np.ndarray, last: float, test: bool) -> list:
    low, high = pixels.min(0), pixels.max(0)
    middle, half = (low + high) / 2, (high - low) / 2
    half = _GROWN * half if test else half + _MARGIN
    return np.clip([*(middle - half), *(middle + half)], 0, last).tolist()
