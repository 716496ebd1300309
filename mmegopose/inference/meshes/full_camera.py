"""From a crop, which may be mirrored, to the camera of the whole image."""
import numpy as np
import torch

from ...geometry.crops import camera_in_image, image_focal
from ...geometry.root_translation import pinhole, translation_from_crop

MIRROR = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]])  # signs of a rotation matrix in the mirrored scene


def mirrored_rotations(rotations: np.ndarray) -> np.ndarray:
    """Rotations ``(...,3,3)`` of the mirrored scene, x negated: those of a right hand are then those of the left."""
    return rotations * MIRROR


def image_camera(image_size: tuple, field_of_view: float | None = None, intrinsics=None) -> np.ndarray:
    """``fx, fy, cx, cy`` in pixels, ``(4,)``; without a field of view or intrinsics those that HaMeR assumes.

    Raises ``ValueError`` as :func:`.pinhole` does.
    """
    if field_of_view is None and intrinsics is None:
        focal = float(image_focal(torch.tensor(image_size, dtype=torch.float64)))
        return np.array([focal, focal, image_size[0] / 2, image_size[1] / 2])
    return pinhole(image_size, field_of_view, intrinsics)


def place_in_image(crop: dict, right: np.ndarray, cameras: np.ndarray) -> dict:
    """What a model says of crops, in the camera of the whole image; left hands become left hands again.

    The translation is the one with which the joints are seen nearest to where the model sees its keypoints in the crop
    (least squares). Where that has no solution, it is that of the weak perspective: scale and shift of the crop.

    Args:
        crop: numpy arrays ``joints (n,J,3)`` and ``vertices (n,V,3)``, metres, before translation;
            ``keypoints (n,J,2)`` in crop units; ``camera (n,3)``; ``global_orient (n,1,3,3)``, ``body_pose (n,K,3,3)``,
            ``betas (n,S)``; ``box_center (n,2)`` and ``box_size (n,)``, pixels of the image.
        right: ``(n,)`` bool; False: the crop is mirrored.
        cameras: ``(n,4)``: ``fx, fy, cx, cy``, pixels of the image.

    Returns:
        ``joints`` and ``vertices`` in camera axes, ``translation (n,3)``, and the rotations and betas.
    """
    side = np.where(right, 1.0, -1.0)
    joints, vertices, points = (crop[name].astype(np.float64) * _signs(side, size) for name, size in (
        ('joints', 3), ('vertices', 3), ('keypoints', 2)))
    weak = crop['camera'].astype(np.float64) * np.stack([np.ones_like(side), side, np.ones_like(side)], -1)
    center, size = crop['box_center'].astype(np.float64), crop['box_size'].astype(np.float64)
    arrays = weak, center, size, 2 * cameras[:, 2:], cameras[:, 0].copy()
    translation = camera_in_image(*map(torch.from_numpy, arrays)).numpy()
    translation[:, 1] *= cameras[:, 0] / cameras[:, 1]
    found = translation_from_crop(joints, points, center, size, cameras)
    translation = np.where(np.isfinite(found).all(-1, keepdims=True), found, translation)
    turned = {name: np.where(right[:, None, None, None], crop[name], mirrored_rotations(crop[name]))
              for name in ('global_orient', 'body_pose')}
    return dict(joints=joints + translation[:, None], vertices=vertices + translation[:, None],
                translation=translation, betas=crop['betas'], **turned)


def _signs(side: np.ndarray, size: int) -> np.ndarray:
    """Factors ``(n,1,size)`` of points: x changes its sign where ``side`` is -1."""
    signs = np.ones((len(side), 1, size))
    signs[:, 0, 0] = side
    return signs
