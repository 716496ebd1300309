"""Pose errors: pure, batched, masked, unit-free functions on tensors.

Lengths come out in the unit that went in. ``pred`` and ``gt`` are ``(...,J,3)``, ``visible`` is ``(...,J)`` bool. The
means are pooled: every visible joint of every pose weighs the same. A mean over nothing is NaN.
"""
import torch
from torch import Tensor

from ...geometry.alignment import may_hide, similarity_align


def joint_errors(pred: Tensor, gt: Tensor) -> Tensor:
    """Distance of each joint from its truth, ``(...,J)``."""
    return norms(pred - gt)


def norms(vectors: Tensor) -> Tensor:
    """Length of each vector ``(...,3)``, ``(...)``."""
    if vectors.requires_grad:
        return torch.linalg.vector_norm(vectors, dim=-1)  # whose gradient at zero is zero
    x, y, z = vectors.unbind(-1)  # quick in any layout of the memory
    return (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()


def masked_mean(errors: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of ``errors (...)`` where ``mask (...)`` is true, ``()``; masked values may be NaN."""
    if mask is None:
        return errors.mean()
    return errors.where(mask, 0).sum() / mask.sum()


def mpjpe(pred: Tensor, gt: Tensor, visible: Tensor | None = None) -> Tensor:
    """Mean per joint position error, ``()``, without any alignment (Ionescu et al., Human3.6M, PAMI 2014)."""
    return masked_mean(joint_errors(pred, gt), visible)


def alignable(visible: Tensor) -> Tensor:
    """Joints ``(...,J)`` that count once their pose is aligned: the visible ones of poses with at least three.

    A similarity transform fits any prediction to fewer.
    """
    return visible & (visible.sum(-1, keepdim=True) >= 3)


def aligned_errors(pred: Tensor, gt: Tensor, visible: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Joint errors after the best similarity transform of each pose, and which of them count.

    Returns:
        ``(errors (...,J), mask (...,J))``: the mask is that of :func:`alignable`.
    """
    errors = joint_errors(similarity_align(pred, gt, visible), gt)
    if visible is None:
        visible = torch.ones(pred.shape[:-1], dtype=torch.bool, device=pred.device)
    return errors, alignable(visible)


def p_mpjpe(pred: Tensor, gt: Tensor, visible: Tensor | None = None) -> Tensor:
    """MPJPE after a similarity transform per pose (scale, rotation, translation; no reflection), ``()``.

    Protocol 2 of Human3.6M, also named PA-MPJPE. See :func:`aligned_errors` for the poses that count.
    """
    return masked_mean(*aligned_errors(pred, gt, visible))


def scaled_errors(pred: Tensor, gt: Tensor, visible: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Joint errors after the best scale of each pose, and which of them count: ``(errors (...,J), mask (...,J))``."""
    mask = torch.ones(pred.shape[:-1], dtype=torch.bool, device=pred.device) if visible is None else visible
    masked_pred, masked_gt = pred, gt
    if visible is not None and may_hide(visible):
        masked_pred, masked_gt = pred.where(mask[..., None], 0), gt.where(mask[..., None], 0)
    energy = masked_pred.square().sum((-2, -1), keepdim=True)                # (...,1,1)
    overlap = (masked_pred * masked_gt).sum((-2, -1), keepdim=True)
    factor = torch.where(energy > 0, overlap / energy, 1)
    return norms(torch.addcmul(gt, factor, pred, value=-1)), mask


def n_mpjpe(pred: Tensor, gt: Tensor, visible: Tensor | None = None) -> Tensor:
    """MPJPE after the best scale per pose, ``()``; no rotation, no translation, so give root-relative poses.

    Rhodin et al., "Unsupervised geometry-aware representation for 3D human pose estimation", ECCV 2018.
    """
    return masked_mean(*scaled_errors(pred, gt, visible))


def pck(errors: Tensor, threshold: float, mask: Tensor | None = None) -> Tensor:
    """Share of correct keypoints, ``()``: those with an error strictly below the threshold (Mehta et al., 3DV 2017).

    Args:
        errors: ``(...)`` joint errors.
        threshold: in the unit of the errors.
        mask: ``(...)`` bool, errors that count.
    """
    return masked_mean((errors < threshold).to(errors.dtype), mask)


def auc(errors: Tensor, thresholds: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of :func:`pck` over ``thresholds (K,)``, ``()``."""
    return masked_mean((errors[..., None] < thresholds).to(errors.dtype).mean(-1), mask)


def velocity_errors(pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor, fps: float = 30,
                    max_step: int = 10) -> tuple[Tensor, Tensor]:
    """Error of the joint velocity between neighbouring frames, as the Ego-Exo4D body pose challenge defines it.

    Args:
        pred: ``(...,n,J,3)`` in a frame that does not move (world).
        gt: ``(...,n,J,3)``.
        visible: ``(...,n,J)`` bool.
        frame_ids: ``(...,n)`` ascending frame numbers.
        fps: frame numbers per second.
        max_step: frames this far apart or farther are no pair.

    Returns:
        ``(errors (...,n-1,J), mask (...,n-1,J))`` in length per second; a pair counts for a joint that is visible in
        both of its frames.
    """
    step = frame_ids.diff(dim=-1)[..., None]                                 # (...,n-1,1)
    error = norms((gt - pred).diff(dim=-3))
    mask = visible[..., 1:, :] & visible[..., :-1, :] & (step > 0) & (step < max_step)
    return error * fps / step.clamp(min=1), mask


def acceleration_errors(pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor, fps: float = 30,
                        max_step: int = 10) -> tuple[Tensor, Tensor]:
    """Error of the joint acceleration over three frames at equal steps (Kanazawa et al., HMMR, CVPR 2019).

    Takes what :func:`velocity_errors` takes and returns ``(errors (...,n-2,J), mask (...,n-2,J))`` in length per second
    squared.
    """
    step = frame_ids.diff(dim=-1)[..., None]                                 # (...,n-1,1)
    error = norms((gt - pred).diff(n=2, dim=-3))
    step, even = step[..., 1:, :], step[..., 1:, :] == step[..., :-1, :]
    mask = visible[..., 2:, :] & visible[..., 1:-1, :] & visible[..., :-2, :] & even & (step > 0) & (step < max_step)
    return error * fps ** 2 / step.clamp(min=1).square(), mask
