"""Square crops around a hand or a person, and the weak-perspective camera that lives in them.

Crops and their units are those of HMR2 (Goel et al., ICCV 2023, arXiv 2305.20091) and HaMeR (Pavlakos et al., CVPR
2024, arXiv 2312.05251). Images are numpy arrays ``(H,W,3)``, RGB; pixel centres have whole coordinates, as in OpenCV.
A box is a centre (x, y) and the side of a square, both in pixels of the image.
"""
import math

import cv2
import numpy as np
import torch
from torch import Tensor

from .cameras import perspective

IMAGE_MEAN, IMAGE_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)   # of ImageNet, RGB, values in [0,1]
FOCAL, CROP_SIZE = 5000.0, 256
MIN_BOX_CONFIDENCE = 0.5  # of a keypoint that a box is put around; those at or below it do not count
MAX_SHARE = 16            # sides of an image that a box may have: in its crop the image has a sixteenth
MIN_BOX_KEYPOINTS = 4     # fewer do not tell how large a hand or a person is


def box_from_keypoints(keypoints: np.ndarray, confidence: np.ndarray, rescale: float = 2.0,
                       aspect: tuple | None = (192, 256), min_confidence: float = MIN_BOX_CONFIDENCE) -> tuple:
    """Square box around the keypoints of one instance.

    Args:
        keypoints: ``(J,2)`` pixels.
        confidence: ``(J,)``.
        rescale: size of the box relative to the tight one: 2 for hands in HaMeR's demonstration, 2.5 in its training.
        aspect: width and height of what the network sees of the square, which the box is made to contain.
        min_confidence: keypoints at or below it do not count.

    Returns:
        Centre ``(2,)`` and side, pixels.

    Raises:
        ValueError: fewer than two keypoints count, or all are at one place.
    """
    counted = keypoints[confidence > min_confidence]
    if len(counted) < 2 or not np.ptp(counted, axis=0).max() > 0:
        raise ValueError(f'a box needs two different keypoints with a confidence above {min_confidence}, got '
                         f'{len(counted)} of {len(keypoints)} at {counted[:3].tolist()}')
    low, high = counted.min(0), counted.max(0)
    size = (high - low) * rescale
    return (low + high) / 2, float((size if aspect is None else expand_to_aspect(size, aspect)).max())


def keypoint_boxes(keypoints: np.ndarray) -> np.ndarray:
    """Tight boxes ``(...,4)``, centre and size, float32, of the confident keypoints ``(...,J,3)``; 0 if too few are."""
    confident = keypoints[..., 2:] > MIN_BOX_CONFIDENCE
    low = np.where(confident, keypoints[..., :2], np.inf).min(-2)
    high = np.where(confident, keypoints[..., :2], -np.inf).max(-2)
    enough = confident.sum(-2) >= MIN_BOX_KEYPOINTS  # (...,1)
    low, high = np.where(enough, low, 0), np.where(enough, high, 0)
    return np.concatenate([(low + high) / 2, high - low], -1).astype(np.float32)


def boxes_from_corners(corners: np.ndarray) -> np.ndarray:
    """Boxes ``(...,4)`` x0, y0, x1, y1 as centre and size, float32."""
    corners = np.asarray(corners, np.float32)
    low, high = corners[..., :2], corners[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], -1)


def expand_to_aspect(size: np.ndarray, aspect: tuple) -> np.ndarray:
    """Smallest size (width, height) ``(...,2)`` of the given aspect (width, height) that contains ``size (...,2)``."""
    aspect = np.asarray(aspect, np.float64)
    return (np.asarray(size) / aspect).max(-1, keepdims=True) * aspect


def crop_transform(center: np.ndarray, size: float, patch_size: int = CROP_SIZE, rotation: float = 0.0) -> np.ndarray:
    """Affine map ``(2,3)`` from pixels of the image to pixels of a box's crop.

    Args:
        center, size: the box.
        patch_size: side of the crop in its pixels.
        rotation: of the box, clockwise as seen in the image, radians: the content of the crop turns the other way.

    Raises:
        ValueError: the box is empty or not finite.
    """
    center = np.asarray(center, np.float32)
    if not (np.isfinite(center).all() and np.isfinite(size) and size > 0):
        raise ValueError(f'a box needs a finite centre and a positive size, got centre {center.tolist()}, size {size}')
    cos, sin = math.cos(rotation), math.sin(rotation)
    # In float32, like the published code: the last bit of a coordinate can change the last bit of a pixel.
    half, down, right = np.float32(size / 2), np.array([-sin, cos], np.float32), np.array([cos, sin], np.float32)
    box = np.stack([center, center + half * down, center + half * right])
    half = np.float32(patch_size / 2)
    patch = np.array([[half, half], [half, 2 * half], [2 * half, half]], np.float32)  # centre, below it, right of it
    return cv2.getAffineTransform(box, patch)


def crop_image(image: np.ndarray, center: np.ndarray, size: float, patch_size: int = CROP_SIZE, rotation: float = 0.0,
               flip: bool = False, antialias: bool = False, flip_axis: str = 'x') -> tuple[np.ndarray, np.ndarray]:
    """Cut a box out of an image; black where the box leaves it.

    Args:
        image: ``(H,W,3)`` uint8.
        center, size: the box.
        patch_size: side of the crop in its pixels.
        rotation: of the box, radians, see :func:`crop_transform`.
        flip: mirror the image, and the box with it, before the box is turned: left hands become right hands.
        antialias: blur the image before it shrinks by more than 2.2, as HaMeR does at test time.
        flip_axis: coordinate that changes when the image is mirrored, ``'x'`` or ``'y'``.

    Returns:
        The crop ``(patch_size,patch_size,3)`` uint8 and the map ``(2,3)`` from pixels of the image, as it was given,
        to pixels of the crop, for :func:`apply_affine`.

    Raises:
        ValueError: the box is empty, all of it is outside of the image, or it is so large that no image is to be seen.
    """
    height, width = image.shape[:2]
    transform = crop_transform(center, size, patch_size, rotation)
    reach = size / 2 * (abs(math.cos(rotation)) + abs(math.sin(rotation)))
    if not all(-reach < place < side - 1 + reach for place, side in zip(center, (width, height), strict=True)):
        raise ValueError(f'the box with centre {np.asarray(center).tolist()} and size {size} lies outside of the '
                         f'image of {width} x {height} pixels')
    if size > MAX_SHARE * max(width, height):  # to blur for it would take for ever
        raise ValueError(f'the box of size {size} is more than {MAX_SHARE} times as large as the image of '
                         f'{width} x {height} pixels')
    shrink = size / patch_size / 2
    if antialias and shrink > 1.1:
        image = _blur(image, (shrink - 1) / 2)
    if flip:
        image = cv2.flip(image, 1 if flip_axis == 'x' else 0)
        mirror = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]] if flip_axis == 'x' else
                          [[1, 0, 0], [0, -1, height - 1], [0, 0, 1]])
        transform = crop_transform(mirror[:2] @ [*center, 1], size, patch_size, rotation)
    patch = cv2.warpAffine(image, transform, (patch_size, patch_size), flags=cv2.INTER_LINEAR)
    if flip:
        transform = transform @ mirror
    return patch, transform


def apply_affine(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Apply affine maps ``(...,2,3)`` to points ``(...,J,2)``."""
    return points @ np.swapaxes(transform[..., :2], -1, -2) + transform[..., None, :, 2]


def crop_units(points: np.ndarray, patch_size: int = CROP_SIZE) -> np.ndarray:
    """Pixels of a crop ``(...,2)`` in the units of the keypoint losses: [-0.5, 0.5], zero at the centre."""
    return points / patch_size - 0.5


def normalize_image(images: np.ndarray, color: np.ndarray | None = None) -> np.ndarray:
    """Network input ``(...,3,H,W)`` float32 of RGB images ``(...,H,W,3)``, standardised with ImageNet's statistics.

    Args:
        images: values in [0,255].
        color: factors of the channels, an augmentation, broadcast to ``(...,3)``; products above 255 are clipped.
    """
    mean, std = np.array(IMAGE_MEAN, np.float32) * 255, np.array(IMAGE_STD, np.float32) * 255
    out = np.empty((*images.shape[:-3], 3, *images.shape[-3:-1]), np.float32)
    color = None if color is None else np.broadcast_to(np.asarray(color, np.float32), (*images.shape[:-3], 3))
    # Plane by plane, each of which fits into the cache: ten times as fast as all at once.
    for *picture, channel in np.ndindex(out.shape[:-2]):
        where = (*picture, channel)
        plane = out[where]
        plane[...] = images[tuple(picture)][..., channel]
        if color is not None:
            plane *= color[where]
            np.clip(plane, 0, 255, out=plane)
        plane -= mean[channel]
        plane /= std[channel]
    return out


def denormalize_image(inputs: np.ndarray) -> np.ndarray:
    """RGB images ``(...,H,W,3)`` uint8 of network inputs ``(...,3,H,W)``; undoes :func:`normalize_image`."""
    mean, std = (255 * np.array(values, np.float32) for values in (IMAGE_MEAN, IMAGE_STD))
    return np.round(np.clip(np.moveaxis(inputs, -3, -1) * std + mean, 0, 255)).astype(np.uint8)


def camera_translation(camera: Tensor, focal: float = FOCAL, size: float = CROP_SIZE) -> Tensor:
    """Translation ``(...,3)``, metres, of a crop's weak-perspective camera ``(...,3)``: scale and shift (x, y).

    Args:
        focal: focal length in pixels of the crop.
        size: side of the crop in its pixels.
    """
    scale, shift = camera[..., :1], camera[..., 1:]
    return torch.cat([shift, 2 * focal / (size * scale + 1e-9)], -1)


def project_to_crop(points: Tensor, translation: Tensor, focal: float = FOCAL, size: float = CROP_SIZE) -> Tensor:
    """Points ``(...,J,3)``, moved by ``translation (...,3)``, in crop units ``(...,J,2)``; see :func:`crop_units`."""
    return perspective(points + translation[..., None, :], focal / size)


def camera_in_image(camera: Tensor, center: Tensor, size: Tensor, image_size: Tensor, focal: float | Tensor) -> Tensor:
    """Translation ``(...,3)``, metres, in the camera of the whole image, whose principal point is its centre.

    Args:
        camera: ``(...,3)`` weak-perspective camera of the crop. For a mirrored crop negate its shift along x, and x of
            the points.
        center, size: ``(...,2)`` and ``(...,)``, the box.
        image_size: ``(...,2)`` width and height of the image.
        focal: ``(...,)`` focal length in pixels of the image, :func:`image_focal` if it is not known.
    """
    width = size * camera[..., 0] + 1e-9   # pixels of the image per two metres
    shift = camera[..., 1:] + 2 * (center - image_size / 2) / width[..., None]
    return torch.cat([shift, (2 * focal / width)[..., None]], -1)


def image_focal(image_size: Tensor, focal: float = FOCAL, size: float = CROP_SIZE) -> Tensor:
    """Focal length ``(...,)`` in pixels that HaMeR assumes for an image of width and height ``(...,2)``."""
    return focal / size * image_size.amax(-1)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur as scikit-image has it: cut off at 4 sigma, the border repeated."""
    side = 2 * int(4 * sigma + 0.5) + 1
    return cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
