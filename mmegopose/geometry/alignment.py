"""Alignment of point sets: batched, masked Procrustes and root alignment."""
import torch
from torch import Tensor


def root_align(joints: Tensor, root: int = 0) -> Tensor:
    """Joints ``(...,J,3)`` relative to joint ``root``."""
    return joints - joints[..., root:root + 1, :]


def similarity_align(source: Tensor, target: Tensor, mask: Tensor | None = None, scale: bool = True,
                     rotation: bool = True) -> Tensor:
    """Move each source pose onto its target with the least-squares similarity transform.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991. The rotation
    is proper: a mirrored pose stays mirrored. Joints outside ``mask`` do not take part in the fit, whatever their
    values, and are moved along with the rest.

    Degenerate poses: without a visible joint the source is returned as it is; with one visible joint (or all visible
    source joints in one place) it is only translated; with visible joints on one line (as with two) these are fitted
    as well as possible and the turn about the line is arbitrary. Nothing of this makes a NaN; a visible coordinate that
    is not finite makes its own pose NaN, and no other.

    Args:
        source: ``(...,J,3)`` float32 or float64.
        target: ``(...,J,3)``.
        mask: ``(...,J)`` bool, joints to fit; all joints without it.
        scale: fit a scale; 1 otherwise.
        rotation: fit a rotation; identity otherwise.

    Returns:
        Aligned source ``(...,J,3)``.
    """
    if mask is None:
        mask = torch.ones(source.shape[:-1], dtype=torch.bool, device=source.device)
    hidden = ~mask.bool()[..., None]                                         # (...,J,1)
    count = (~hidden).sum(-2, keepdim=True).clamp(min=1)                     # (...,1,1)
    masked_source, masked_target = source.masked_fill(hidden, 0), target.masked_fill(hidden, 0)
    source_mean = masked_source.sum(-2, keepdim=True) / count                # (...,1,3)
    target_mean = masked_target.sum(-2, keepdim=True) / count
    source_centred = (masked_source - source_mean).masked_fill_(hidden, 0)   # (...,J,3)
    target_centred = (masked_target - target_mean).masked_fill_(hidden, 0)

    spread = source_centred.square().sum((-2, -1), keepdim=True)             # (...,1,1)
    # The mean of equal points is off by rounding, which must not be taken for a shape.
    rounding = 8 * torch.finfo(source.dtype).eps * masked_source.abs().amax((-2, -1), keepdim=True)
    has_shape = spread > count * rounding.square()

    covariance = source_centred.mT @ target_centred                          # (...,3,3)
    eye = torch.eye(3, dtype=source.dtype, device=source.device)
    if rotation:
        # LAPACK raises for the whole batch if one matrix is not finite.
        finite = covariance.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
        U, S, Vh = torch.linalg.svd(covariance.where(finite, 0))
        sign = torch.linalg.det(U @ Vh).sign()                               # (...)
        proper = torch.stack([torch.ones_like(sign), torch.ones_like(sign), sign], -1)  # (...,3)
        turn = torch.where(has_shape, (U * proper[..., None, :]) @ Vh, eye)  # (...,3,3)
        overlap = (S * proper).sum(-1)[..., None, None]                      # (...,1,1)
    else:
        turn = eye
        overlap = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    factor = torch.where(has_shape, overlap / spread.where(has_shape, 1), 1) if scale else 1
    return (source - source_mean) @ (factor * turn) + target_mean
