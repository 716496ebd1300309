"""Two pictures of a 2D pose that a network can take: a drawn skeleton, and heatmaps.

Keypoints are pixels of a square crop, pixel centres at whole coordinates; joints with a confidence below
``min_confidence`` are missing in both.
"""
import cv2
import numpy as np
import torch
from torch import Tensor

from ..geometry.heatmaps import encode_heatmaps
from ..structures import SkeletonStyle

MIN_CONFIDENCE = 0.1


def draw_skeletons(keypoints: np.ndarray, confidence: np.ndarray, style: SkeletonStyle, size: int = 256,
                   min_confidence: float = MIN_CONFIDENCE) -> np.ndarray:
    """Skeleton images on black, as large as the crop.

    Thickness follows the size of the person, the larger side of the box around its joints, after HaMeR: discs have a
    radius of ``style.radius`` of it, at least 2 pixels; a person larger than the image counts as large as the image.

    Args:
        keypoints: ``(B,J,2)`` pixels; they may lie outside of the image.
        confidence: ``(B,J)``.
        style: ``Skeleton.style``.
        size: side of the images in pixels.
        min_confidence: joints below it, and edges that end there, are left out.

    Returns:
        ``(B,size,size,3)`` uint8, RGB.

    Raises:
        ValueError: keypoints with another number of joints than the style.
    """
    if keypoints.shape[1:] != (len(style.joint_colors), 2) or confidence.shape != keypoints.shape[:2]:
        raise ValueError(f'the style has {len(style.joint_colors)} joints, got keypoints {keypoints.shape} with '
                         f'confidence {confidence.shape}')
    images = np.zeros((len(keypoints), size, size, 3), np.uint8)
    seen = (confidence >= min_confidence) & np.isfinite(keypoints).all(-1)                  # (B,J)
    extent = (np.where(seen[..., None], keypoints, -np.inf).max(1)
              - np.where(seen[..., None], keypoints, np.inf).min(1)).max(-1)                # (B,)
    radii = np.maximum(np.round(np.clip(extent, 0, size) * style.radius), 2).astype(int)
    # In sixteenths of a pixel; far coordinates, which would overflow in OpenCV, are clipped.
    places = np.round(np.clip(np.where(seen[..., None], keypoints, 0), -8 * size, 8 * size) * 16).astype(int).tolist()
    for image, place, joints, radius in zip(images, places, seen.tolist(), radii.tolist(), strict=True):
        thickness = max(round(0.75 * radius), 1)
        for (a, b), color in zip(style.edges, style.edge_colors, strict=True):
            if joints[a] and joints[b]:
                cv2.line(image, place[a], place[b], color, thickness, cv2.LINE_AA, 4)
        for center, color, shown in zip(place, style.joint_colors, joints, strict=True):
            if shown:
                cv2.circle(image, center, 16 * radius, color, -1, cv2.LINE_AA, 4)
    return images


def draw_heatmaps(keypoints: Tensor, confidence: Tensor, heatmap_size: tuple, size: int = 256, sigma: float = 2.0,
                  min_confidence: float = MIN_CONFIDENCE) -> Tensor:
    """Gaussian heatmaps, one for each joint, as high as its confidence; zero for missing joints.

    The outermost pixel centres of heatmap and crop coincide (Huang et al., CVPR 2020), as in ViTPose.

    Args:
        keypoints: ``(B,J,2)`` pixels of the crop.
        confidence: ``(B,J)``.
        heatmap_size: height and width (h, w).
        size: side of the crop in pixels.
        sigma: in pixels of the heatmap.
        min_confidence: joints below it are missing.

    Returns:
        ``(B,J,h,w)`` float32.
    """
    seen = (confidence >= min_confidence) & keypoints.isfinite().all(-1)
    points = torch.where(seen[..., None], keypoints, 0).float()
    points = torch.stack([points[..., i] * ((side - 1) / (size - 1)) for i, side in enumerate(heatmap_size[::-1])], -1)
    return encode_heatmaps(points, heatmap_size, sigma, torch.where(seen, confidence, 0).float())
