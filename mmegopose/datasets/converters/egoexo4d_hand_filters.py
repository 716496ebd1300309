"""Which joints of a hand label the Ego-Exo4D benchmark keeps, and the box around them: the official rules, on arrays.

The rules and their order are those of handpose/data_preparation of https://github.com/EGO4D/ego-exo4d-egopose.
Arrays of ``F`` frames hold the right hand, then the left one, 21 joints each: ``(F, 2, 21, D)``. NaN is not there.
"""
import zlib
from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from ..readers.hand_pose.egoexo4d_hand import SIDE

PARENTS = np.array([-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19])
BONE_LENGTHS = np.array([[0.005, 0.08]] * 21)  # metres, of the bone to the parent
BONE_LENGTHS[[5, 9, 13, 17]] = 0.06, 0.12      # from the wrist to the four fingers
BENT = np.array([1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19])  # joints with a bone on either side
MIN_ANGLES = np.array([100, 90, 90] + 4 * [60, 70, 80])  # degrees between the two


@dataclass(frozen=True)
class HandRules:
    """Options of the official tool, with its defaults.

    Attributes:
        min_views: cameras that a joint of a manual label is triangulated from.
        min_joints: joints that a hand keeps, or it is left out.
        box_padding: pixels around the joints, in training and validation.
        max_reprojection: pixels between a joint and its label in the picture.
        portrait: pictures and keypoints stand upright; joints stay in the axes of the camera, which lies on its side.
        seed: of the boxes for testing.
    """
    min_views: int = 3
    min_joints: int = 10
    box_padding: float = 20.0
    max_reprojection: float = 30.0
    portrait: bool = False
    seed: int = 0

    def __post_init__(self):
        for name, value in asdict(self).items():
            if not (name == 'min_joints') <= value < 1e6:
                raise ValueError(f'{name}={value} should be at least {int(name == "min_joints")}')


def filter_hands(world: np.ndarray, labelled: np.ndarray, extrinsics: np.ndarray, intrinsics: np.ndarray,
                 seen: np.ndarray, rules: HandRules, counts: Counter) -> dict[str, np.ndarray]:
    """Joints that pass all checks, in the axes of the camera.

    Args:
        world: ``(F,2,21,3)`` float32, metres.
        labelled: ``(F,2,21,2)`` float32, keypoints that were labelled in the undistorted picture on its side, pixels.
        extrinsics, intrinsics: world to camera ``(F,3,4)``, and ``(3,3)``, float32 as in the official tool.
        seen: ``(512,512)`` bool, pixels of that picture that the lens shows.
        counts: receives how many each check removed.

    Returns:
        ``joints (F,2,21,3)`` metres, ``projected`` and ``labelled (F,2,21,2)`` pixels of the picture as it is to stand,
        ``visible (F,2,21)`` and ``kept (F,2)`` bool.
    """
    world = world.copy()
    some = ~np.isnan(world).any(-1)
    rootless = np.isnan(world[:, :, 0]).any(-1)
    counts['joints of a hand without its wrist'] += int(some[rootless].sum())
    world[rootless] = np.nan
    some &= ~rootless[..., None]
    long, bent = wrong_lengths(world), wrong_angles(world)
    counts['joints at a bone too short or too long'] += int(long.sum())
    counts['joints bent too far'] += int((bent & ~long).sum())
    world[long | bent] = np.nan
    some &= ~(long | bent)
    extrinsics = extrinsics.astype(float)[:, None]  # (F,1,3,4)
    joints = world.astype(float) @ extrinsics[..., :3].swapaxes(-1, -2) + extrinsics[..., None, :, 3]
    with np.errstate(all='ignore'):
        image = joints @ intrinsics.astype(float).T
        projected = image[..., :2] / image[..., 2:]
    if rules.portrait:
        projected, labelled, seen = to_portrait(projected), to_portrait(labelled), np.rot90(seen, -1)
    inside, shown = _inside(projected), _shown(projected, seen)
    counts['joints outside of the picture'] += int((some & ~inside).sum())
    counts['joints that the lens does not show'] += int((inside & ~shown).sum())
    labelled = np.where(_shown(labelled, seen)[..., None], labelled, np.float32(np.nan))
    with np.errstate(invalid='ignore'):
        distance = np.linalg.norm(np.where(shown[..., None], projected, np.nan) - labelled, axis=-1)
    distance[..., 0] = 0  # what a wrist is in a picture is too vague to be checked
    near = distance <= rules.max_reprojection
    counts['joints without a 2D label'] += int((shown & np.isnan(distance)).sum())
    counts['joints far from their 2D label'] += int((shown & ~near & ~np.isnan(distance)).sum())
    visible = shown & near
    kept = visible.sum(-1) >= rules.min_joints
    counts['joints of hands with too few'] += int(visible[~kept].sum())
    counts['hands with too few joints'] += int((~np.isnan(world).all((-2, -1)) & ~kept).sum())
    return dict(joints=joints, projected=projected, labelled=labelled, visible=visible, kept=kept)


def wrong_lengths(joints: np.ndarray) -> np.ndarray:
    """Joints ``(..., 21)`` whose bone to the parent no hand has; where either is NaN, nothing is wrong."""
    length = np.linalg.norm(joints[..., 1:, :] - joints[..., PARENTS[1:], :], axis=-1)
    wrong = np.zeros(joints.shape[:-1], bool)
    wrong[..., 1:] = (length < BONE_LENGTHS[1:, 0]) | (length > BONE_LENGTHS[1:, 1])
    return wrong


def wrong_angles(joints: np.ndarray) -> np.ndarray:
    """Joints ``(..., 21)`` that are bent too far; where one of the three is NaN, nothing is wrong."""
    back = joints[..., PARENTS[BENT], :] - joints[..., BENT, :]
    on = joints[..., BENT + 1, :] - joints[..., BENT, :]
    back, on = (side / (np.linalg.norm(side, axis=-1, keepdims=True) + 1e-8) for side in (back, on))
    angle = np.degrees(np.arccos(np.clip((back * on).sum(-1), -1, 1)))
    wrong = np.zeros(joints.shape[:-1], bool)
    wrong[..., BENT] = angle < MIN_ANGLES
    return wrong


def to_portrait(pixels: np.ndarray) -> np.ndarray:
    """Pixels ``(..., 2)`` of a picture on its side, in the picture that stands upright."""
    return np.stack([SIDE - pixels[..., 1] - 1, pixels[..., 0]], -1)


def box_around(keypoints: np.ndarray, padding: float) -> np.ndarray:
    """Box x1 y1 x2 y2 around ``(N, 2)`` and a margin, within the picture."""
    low, high = keypoints.min(0) - padding, keypoints.max(0) + padding
    return np.clip(np.concatenate([low, high]), 0, SIDE - 1)


def random_box(keypoints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Box around ``(N, 2)`` as a detector finds it: 1.5 times as large, then up to 10 % larger and off, float32."""
    low, high = keypoints.min(0), keypoints.max(0)
    size, (scale, shift) = 1.5 * (high - low), rng.uniform([[0.9] * 2, [-0.1] * 2], [[1.1] * 2, [0.1] * 2])
    center, half = (low + high) / 2 + shift * size, scale * size / 2
    return np.clip(np.concatenate([center - half, center + half]), 0, SIDE - 1).astype(np.float32)


def box_generator(seed: int, uid: str, frame: int, side: int) -> np.random.Generator:
    """Random numbers of one hand, the same in whatever order and by however many processes hands are prepared."""
    return np.random.default_rng([seed, zlib.crc32(uid.encode()), frame, side])


def _inside(pixels: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore'):
        return np.asarray(((pixels >= 0) & (pixels < SIDE)).all(-1))  # NaN is not


def _shown(pixels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Whether pixels ``(..., 2)`` lie where the picture shows something."""
    inside = _inside(pixels)
    column, row = np.moveaxis(np.where(inside[..., None], pixels, 0).astype(np.int64), -1, 0)
    return inside & seen[row, column]
