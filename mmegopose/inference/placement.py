"""Where a lifted person is: in front of the camera, and on a level floor. Both are told with what they rest on."""
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..geometry.conventions import level
from ..geometry.root_translation import root_translation
from ..motion import Motion
from ..structures import get_skeleton
from .contacts import STANDING, foot_contacts
from .smoothing import smooth

TILT_SPREAD = 0.14    # radians: how far the mean direction of a standing body is from the vertical
HEIGHT_SPREAD = 0.06  # metres: how far still feet are off one plane
SMOOTHING = 0.1       # seconds
MIN_FEET = 20         # frames of still feet


def place_in_camera(motion: Motion, points: np.ndarray, camera: np.ndarray, weight: np.ndarray) -> Motion:
    """A motion relative to its root where the camera sees it.

    Its size is taken as it is: a person who is 5 % taller than the model says is 5 % farther away.

    Args:
        motion: relative to its root, in camera axes.
        points: ``(T,J,2)`` pixels, in the skeleton of the motion.
        camera: ``fx, fy, cx, cy``, see :func:`.pinhole`.
        weight: ``(T,J)``, 0 where a joint was not seen.

    Returns:
        The motion in camera axes. ``spread`` is the standard deviation of the place, from the fit alone; frames
        without a place are not valid; ``provenance['placement']`` tells depth, spread and residual.
    """
    translation, covariance, residual = root_translation(
        motion.joints, points, camera, np.where(motion.valid, weight, 0))
    known = np.isfinite(residual)
    shift = np.tile(np.eye(4), (len(motion), 1, 1))
    shift[known, :3, 3] = translation[known]
    spread = np.sqrt(np.trace(covariance, axis1=1, axis2=2))
    told = dict(camera=[float(value) for value in camera], num_frames=int(known.sum()))
    if known.any():
        told |= dict(depth=float(np.median(translation[known, 2])), spread=float(np.median(spread[known])),
                     depth_spread=float(np.median(np.sqrt(covariance[known, 2, 2]))),
                     residual_pixels=float(np.median(residual[known])))
    placed = motion.moved(shift, 'camera')
    return replace(placed, valid=placed.valid & known[:, None],
                   spread=np.repeat(spread[:, None], motion.num_joints, 1),
                   provenance=motion.provenance | dict(placement=told))


def stand_upright(motions: Sequence[Motion]) -> list[Motion]:
    """Motions of one camera that stands still, in a world with z up whose floor is at z = 0.

    Up is where the bodies point on average (from hips to shoulders), corrected by the plane of the feet that stand
    still as far as they spread over the floor. The camera is above the origin.

    Args:
        motions: in camera axes.

    Returns:
        The motions in the world; ``provenance['upright']`` tells ``camera_pitch`` (down) and ``camera_roll`` (up leans
        to the right in the image) in degrees, ``camera_height``, and by how many degrees the feet corrected the bodies,
        ``correction``: None where no foot stands still; then the floor is at the lowest joint of most frames.

    Raises:
        ValueError: no motion in camera axes with a valid trunk.
    """
    quiet = [smooth(motion, 'gaussian', sigma=SMOOTHING) for motion in motions]  # to find still feet in noise
    trunks = [trunk for motion in motions for trunk in _trunks(motion)]
    if not trunks:
        raise ValueError('the vertical is not known: no frame shows both the hips and the shoulders')
    up = np.sum(trunks, 0)
    up /= np.linalg.norm(up)
    feet = _still_feet([motion.moved(_rotated(up), 'world') for motion in quiet])
    correction, floor = None, None
    if len(feet) >= MIN_FEET:
        slope, floor = _plane(feet)
        correction = float(np.degrees(np.arctan(np.linalg.norm(slope))))
        tilt = np.array([-slope[0], -slope[1], 1.0])
        up = _rotated(up)[:3, :3].T @ (tilt / np.linalg.norm(tilt))
        feet = _still_feet([motion.moved(_rotated(up), 'world') for motion in quiet])
        floor = float(np.median(feet[:, 2])) if len(feet) else floor
    if floor is None:
        lowest = [np.where(motion.valid, motion.moved(_rotated(up), 'world').joints[..., 2], np.inf).min(1)
                  for motion in motions]
        heights = np.concatenate(lowest)
        floor = float(np.quantile(heights[np.isfinite(heights)], 0.05))
    transform = _rotated(up)
    transform[2, 3] = -floor
    told = dict(camera_pitch=float(np.degrees(np.arcsin(np.clip(-up[2], -1, 1)))),
                camera_roll=float(np.degrees(np.arctan2(up[0], -up[1]))), camera_height=-floor, correction=correction,
                still_feet=len(feet))
    return [replace(motion.moved(transform, 'world'), provenance=motion.provenance | dict(upright=told))
            for motion in motions]


def _rotated(up: np.ndarray) -> np.ndarray:
    """Camera axes to a level world: z along ``up (3,)``, y where the camera looks."""
    out = np.eye(4)
    turn = level(-up)
    ahead = turn @ np.array([0, 0, 1.0])
    angle = np.pi / 2 - np.arctan2(ahead[1], ahead[0])
    c, s = np.cos(angle), np.sin(angle)
    out[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ turn
    return out


def _trunks(motion: Motion) -> np.ndarray:
    """Directions ``(n,3)`` from the hips to the shoulders of the valid frames."""
    if motion.frame != 'camera':
        raise ValueError(f'the joints are relative to the {motion.frame}, not the camera: their place is not known')
    names = get_skeleton(motion.skeleton)
    hips, shoulders = ([names.index(f'{side}-{part}') for side in ('left', 'right')] for part in ('hip', 'shoulder'))
    there = motion.valid[:, hips + shoulders].all(1)
    trunk = (motion.joints[:, shoulders].mean(1) - motion.joints[:, hips].mean(1))[there].astype(float)
    return trunk / np.maximum(np.linalg.norm(trunk, axis=1, keepdims=True), 1e-9)


def _still_feet(motions: Sequence[Motion]) -> np.ndarray:
    """Places ``(n,3)`` under the feet that stand still."""
    found = []
    for motion in motions:
        contacts = foot_contacts(motion, still=0.3)
        names = get_skeleton(motion.skeleton).joints
        for number, name in enumerate(contacts.joints):
            kind = next(kind for kind in STANDING if name.endswith(kind))
            places = motion.joints[contacts.contact[:, number], names.index(name)].astype(float)
            found.append(places - np.array([0, 0, STANDING[kind][0]]))
    return np.concatenate(found) if found else np.zeros((0, 3))


def _plane(places: np.ndarray) -> tuple[np.ndarray, float]:
    """Slope ``(2,)`` and height of the floor under places ``(n,3)``; a slope is believed as far as they spread."""
    center = places.mean(0)
    level_part = places[:, :2] - center[:2]
    information = level_part.T @ level_part / HEIGHT_SPREAD ** 2 * min(1.0, 100 / len(places))
    right = level_part.T @ (places[:, 2] - center[2]) / HEIGHT_SPREAD ** 2 * min(1.0, 100 / len(places))
    slope = np.linalg.solve(information + np.eye(2) / TILT_SPREAD ** 2, right)
    return slope, float(center[2])
