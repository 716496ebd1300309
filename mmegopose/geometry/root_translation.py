"""Where a body stands in front of a camera, from its pose and its image: least squares, all frames at once."""
import math

import numpy as np

MIN_JOINTS = 3
MIN_DEPTH = 0.1  # metres in front of the camera
PASSES = 2


def pinhole(image_size: tuple, field_of_view: float | None = None, intrinsics=None) -> np.ndarray:
    """``fx, fy, cx, cy`` in pixels, ``(4,)``.

    Args:
        image_size: width and height, pixels.
        field_of_view: angle between the left and the right edge of the image, degrees; the centre is that of the image.
        intrinsics: ``fx, fy, cx, cy`` or a matrix ``(3,3)``, pixels.

    Raises:
        ValueError: neither or both, or numbers that are no camera.
    """
    if (field_of_view is None) == (intrinsics is None):
        raise ValueError('give either intrinsics (fx, fy, cx, cy) or field_of_view, degrees from the left to the right '
                         'edge')
    width, height = image_size
    if field_of_view is not None:
        if not isinstance(field_of_view, (int, float, np.number)) or not 1 <= field_of_view < 179:
            raise ValueError(f'field_of_view={field_of_view!r} should be degrees from the left to the right edge of '
                             'the image, between 1 and 179')
        if field_of_view < 3.2:
            raise ValueError(f'field_of_view={field_of_view!r} should be in degrees; in radians? That would be '
                             f'{math.degrees(field_of_view):.0f} degrees. If it is really so small, give intrinsics')
        focal = width / 2 / math.tan(math.radians(field_of_view) / 2)
        return np.array([focal, focal, width / 2, height / 2])
    try:
        values = np.asarray(intrinsics, float)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.shape == (3, 3):
        values = np.array([values[0, 0], values[1, 1], values[0, 2], values[1, 2]])
    if values.shape != (4,) or not np.isfinite(values).all() or (values[:2] <= 0).any():
        raise ValueError(f'intrinsics should be fx, fy, cx, cy or a (3,3) matrix, pixels, got {intrinsics}')
    if not 0.1 <= values[0] / width <= 20:
        raise ValueError(f'intrinsics: a focal length of {values[0]:g} pixels does not fit images that are {width} '
                         'wide; were they calibrated at another size?')
    return values


def translation_from_crop(joints: np.ndarray, keypoints: np.ndarray, center: np.ndarray, size: np.ndarray,
                          cameras: np.ndarray) -> np.ndarray:
    """Translations ``(n,3)``, metres, that bring poses to where a model sees them in crops; NaN where none does.

    Args:
        joints: ``(n,J,3)`` metres in the axes of the camera of the image, about the root.
        keypoints: ``(n,J,2)`` of the same joints, crop units, axes of the image.
        center, size: ``(n,2)`` and ``(n,)``, the crops, pixels of the image.
        cameras: ``(n,4)``: ``fx, fy, cx, cy``, pixels of the image.
    """
    rays = (center[:, None] + keypoints * size[:, None, None] - cameras[:, None, 2:]) / cameras[:, None, :2]
    return root_translation(joints, rays, np.array([1.0, 1, 0, 0]), np.ones(joints.shape[:2]))[0]


def root_translation(joints: np.ndarray, points: np.ndarray, camera: np.ndarray,
                     weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Translation of each frame that brings a pose to where the camera sees it.

    A joint ``P + t`` is seen at ``x = (X + tx) / (Z + tz)``, which is linear in ``t``: ``tx - x tz = x Z - X``. Each
    joint gives two such lines; their least squares is solved in closed form. The first solution tells the depths, by
    which the second weighs the lines, so that it is the error in the image that becomes least.

    Args:
        joints: ``(T,J,3)`` metres in camera axes, about the root.
        points: ``(T,J,2)`` pixels.
        camera: ``fx, fy, cx, cy``, see :func:`pinhole`.
        weight: ``(T,J)``, 0 where a joint is not seen.

    Returns:
        ``(translation (T,3), covariance (T,3,3), residual (T,))``: metres; what the inverse of the normal matrix and
        the residuals tell of the uncertainty, metres squared; and the rms distance in the image, pixels. NaN where
        fewer than three joints are seen, or no place in front of the camera fits.
    """
    joints, weight = np.asarray(joints, float), np.asarray(weight, float)
    image = (np.asarray(points, float) - camera[2:]) / camera[:2]                                # (T,J,2)
    seen = (weight > 0) & np.isfinite(joints).all(-1) & np.isfinite(image).all(-1)
    weight, image = np.where(seen, weight, 0), np.where(seen[..., None], image, 0)
    joints = np.where(seen[..., None], joints, 0)
    enough = seen.sum(1) >= MIN_JOINTS
    lines = np.zeros((*weight.shape, 2, 3))                                                      # (T,J,2,3)
    lines[..., 0, 0] = lines[..., 1, 1] = 1
    lines[..., 2] = -image
    right = image * joints[..., 2:] - joints[..., :2]                                            # (T,J,2)
    now = weight
    for number in range(PASSES):
        normal = np.einsum('tj,tjka,tjkb->tab', now, lines, lines)
        enough &= np.linalg.cond(normal) < 1e8
        normal[~enough] = np.eye(3)
        translation = np.linalg.solve(normal, np.einsum('tj,tjka,tjk->ta', now, lines, right)[..., None])[..., 0]
        depth = joints[..., 2] + translation[:, None, 2]
        enough &= np.where(seen, depth, np.inf).min(1) > MIN_DEPTH
        if number < PASSES - 1:
            now = weight / np.square(np.where(seen & enough[:, None], depth, 1))
    rest = np.einsum('tjka,ta->tjk', lines, translation) - right                                 # in units of depth
    variance = np.einsum('tj,tjk,tjk->t', now, rest, rest) / (2 * seen.sum(1) - 3)
    covariance = variance[:, None, None] * np.linalg.inv(normal)
    off = rest / np.where(seen & enough[:, None], depth, 1)[..., None] * camera[:2]
    residual = np.sqrt(np.where(seen, np.square(off).sum(-1), 0).sum(1) / np.maximum(seen.sum(1), 1))
    return (np.where(enough[:, None], translation, np.nan), np.where(enough[:, None, None], covariance, np.nan),
            np.where(enough, residual, np.nan))
