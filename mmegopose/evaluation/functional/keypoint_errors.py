"""Correctness of 2D keypoints, PCK and OKS: pure, batched, masked functions on tensors."""
from collections.abc import Sequence

import torch
from torch import Tensor


def crop_to_image(keypoints: Tensor, box_size: Tensor, box_center: Tensor, right: Tensor | None = None) -> Tensor:
    """Keypoints ``(B,J,2)`` of a square crop, in ``[-0.5, 0.5]``, as pixels of the image ``(B,J,2)``.

    Args:
        box_size: ``(B,)`` side of the crop in pixels.
        box_center: ``(B,2)`` pixels.
        right: ``(B,)`` true for right hands; the crop of a left hand was mirrored.
    """
    if right is not None:
        side = torch.where(right.bool(), 1, -1).to(keypoints)                # (B,)
        keypoints = keypoints * torch.stack([side, torch.ones_like(side)], -1)[:, None]
    return keypoints * box_size[:, None, None] + box_center[:, None]


def normalized_distances(pred: Tensor, gt: Tensor, scale: Tensor | None = None) -> Tensor:
    """Distances of keypoints ``(...,J,2)`` over the size ``scale (...)`` of their instance, ``(...,J)``."""
    distances = torch.linalg.vector_norm(pred - gt, dim=-1)
    return distances if scale is None else distances / scale[..., None]


def keypoint_similarity(pred: Tensor, gt: Tensor, mask: Tensor, area: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Object keypoint similarity of each instance, ``(...)`` in [0,1]; NaN where no keypoint counts.

    Mean over the keypoints of ``exp(-d^2 / (8 sigma^2 area))``, as COCO defines it (Ronchi and Perona, ICCV 2017).

    Args:
        pred: ``(...,J,2)`` pixels.
        gt: ``(...,J,2)``; may hold anything where it does not count.
        mask: ``(...,J)`` bool, keypoints that count.
        area: ``(...)`` of the instance, pixels squared.
        sigmas: J numbers, ``Skeleton.oks_sigmas``.
    """
    variance = (2 * torch.tensor(sigmas, dtype=pred.dtype, device=pred.device)).square()  # (J,)
    area = area[..., None] + torch.finfo(pred.dtype).eps  # as the official code does
    similarity = torch.exp(-(pred - gt).square().sum(-1) / (2 * variance * area))
    return similarity.where(mask, 0).sum(-1) / mask.sum(-1)


def keypoint_pck_per_joint(distances: Tensor, mask: Tensor, thresholds: Sequence[float],
                           strict: bool = False) -> Tensor:
    """Share of correct keypoints of each joint, ``(K,J)``; NaN for a joint that never counts.

    Args:
        distances: ``(n,J)``, see :func:`normalized_distances`.
        mask: ``(n,J)`` bool, keypoints that count.
        thresholds: K distances; a keypoint at the threshold is correct.
        strict: a keypoint at the threshold is wrong, as HMR 2.0 has it (Goel et al., ICCV 2023).
    """
    limits = torch.tensor(thresholds, dtype=distances.dtype, device=distances.device)[:, None, None]
    correct = (distances < limits) if strict else (distances <= limits)      # (K,n,J)
    return (correct & mask).sum(1) / mask.sum(0).to(distances.dtype)


def keypoint_pck(distances: Tensor, mask: Tensor, thresholds: Sequence[float], strict: bool = False) -> Tensor:
    """Mean over joints of :func:`keypoint_pck_per_joint`, ``(K,)``; joints that never count are left out.

    With the larger side of the tight box as scale this is the PCK of HInt (Pavlakos et al., HaMeR, CVPR 2024).
    """
    return keypoint_pck_per_joint(distances, mask, thresholds, strict).nanmean(-1)
