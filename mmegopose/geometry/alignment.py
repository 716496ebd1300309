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
    shown = source, target
    count: Tensor | int = source.shape[-2]
    if mask is not None and may_hide(mask):
        hidden = ~mask.bool()[..., None]                                     # (...,J,1)
        count = (~hidden).sum(-2, keepdim=True).clamp(min=1)                 # (...,1,1)
        shown = source.masked_fill(hidden, 0), target.masked_fill(hidden, 0)
    source_mean, target_mean = (_sum_of_joints(points) / count for points in shown)      # (...,1,3)
    source_centred, target_centred = shown[0] - source_mean, shown[1] - target_mean      # (...,J,3)
    if shown[0] is not source:
        source_centred.masked_fill_(hidden, 0)
        target_centred.masked_fill_(hidden, 0)

    spread = source_centred.square().sum((-2, -1), keepdim=True)             # (...,1,1)
    # The mean of equal points is off by rounding, which must not be taken for a shape.
    rounding = 8 * torch.finfo(source.dtype).eps * source_mean.abs().amax(-1, keepdim=True)
    has_shape = spread > count * rounding.square()

    # The small matrices stand as (3,3,...), and no matrix products: sums over one coordinate after the other are quick
    # for many poses in any layout of the memory.
    columns = target_centred.unbind(-1)                                      # 3 of (...,J)
    covariance = torch.stack([torch.stack([(row * column).sum(-1) for column in columns])
                              for row in source_centred.unbind(-1)])         # (3,3,...)
    turn = _eye(covariance)
    if rotation:
        turn = torch.where(has_shape[..., 0, 0], _closest_rotation(covariance), turn)    # (3,3,...)
    overlap = (covariance * turn).sum((0, 1))[..., None, None]               # (...,1,1)
    factor = torch.where(has_shape, overlap / spread.where(has_shape, 1), 1) if scale else torch.ones_like(spread)
    x, y, z = (source_centred if shown[0] is source else source - source_mean).unbind(-1)
    aligned = torch.empty_like(source)
    for i, (a, b, c) in enumerate((turn * factor[..., 0, 0])[..., None].unbind(1)):      # (...,1) each
        aligned[..., i] = torch.addcmul(target_mean[..., i], x, a).addcmul_(y, b).addcmul_(z, c)
    return aligned


def may_hide(mask: Tensor) -> bool:
    """Whether some joint is outside ``mask``, which an aligned pose takes longer for; not asked of a GPU, which would
    have to be waited for."""
    return mask.device.type != 'cpu' or not mask.all()


def _closest_rotation(matrix: Tensor) -> Tensor:
    """The rotation ``R (3,3,...)`` with the largest ``trace(R^T M)`` for each matrix ``M (3,3,...)``.

    In closed form, which takes the batch at once where LAPACK takes one matrix at a time, and in float64. The trace is
    the largest root of a polynomial of degree four (Horn, "Closed-form solution of absolute orientation using unit
    quaternions", 1987), found by Newton's method from a bound above it; with it, the theorem of Cayley and Hamilton
    gives the factor R of ``M = R U`` (Hoger and Carlson, "Determination of the stretch and rotation in the polar
    decomposition of the deformation gradient", 1984), also where M is flat or turns space inside out. Where it is on
    one line, or hardly tells which axis to mirror, the singular value decomposition takes over. Without a single best
    rotation any of the best is returned; of a matrix that is not finite, numbers without meaning.
    """
    M = matrix.double()
    # With the singular values s, the smallest of them negative if M turns space inside out.
    cofactors, size = _cofactors(M), _size(M)                                # size: s0^2 + s1^2 + s2^2
    volume, minors = 2 * (M[0] * cofactors[0]).sum(0), -4 * _size(cofactors)     # 2 s0 s1 s2
    trace = (size + (-3 * minors).sqrt()).sqrt()
    for _ in range(NEWTON_STEPS):
        pairs = torch.addcmul(-size, trace, trace)                           # 2 (s0 s1 + s1 s2 + s2 s0)
        value = torch.addcmul(minors, pairs, pairs).addcmul_(volume, trace, value=-4)
        step = value / torch.addcmul(-volume, trace, pairs)                  # four steps of Newton
        trace = torch.sub(trace, step, alpha=0.25)
    pairs = torch.addcmul(-size, trace, trace)
    gap = torch.addcmul(-volume, trace, pairs)       # 2 (s0 + s1) (s1 + s2) (s2 + s0), small if R is hardly determined
    square = (M[:, None] * M).sum(2)                                         # M M^T
    R = 2 * trace * cofactors + (trace * trace + size) * M - 2 * (square[:, :, None] * M).sum(1)
    R /= gap
    left = ~((gap > 2 * MIN_GAP * size * size.sqrt()) & (step.abs() < 1e-9 * trace))
    if left.any():  # a GPU is waited for; so it would be by any singular value decomposition, for all poses
        R[:, :, left] = _rotation_by_svd(M[:, :, left].movedim(-1, 0)).movedim(0, -1)
    return R.to(matrix.dtype)


NEWTON_STEPS, MIN_GAP = 6, 1e-3


def _sum_of_joints(points: Tensor) -> Tensor:
    """``(...,J,3)`` to ``(...,1,3)``."""
    return torch.stack([column.sum(-1) for column in points.unbind(-1)]).movedim(0, -1)[..., None, :]


def _size(M: Tensor) -> Tensor:
    """Matrices ``(3,3,...)`` to the sum of their squares ``(...)``."""
    return M.square().flatten(0, 1).sum(0)


def _cofactors(M: Tensor) -> Tensor:
    """Matrices ``(3,3,...)`` to ``det(M) M^-T``."""
    around = torch.cat([M, M[:2]])
    around = torch.cat([around, around[:, :2]], 1)                           # (5,5,...): rows and columns go round
    return torch.addcmul(around[1:4, 1:4] * around[2:, 2:], around[1:4, 2:], around[2:, 1:4], value=-1)


def _rotation_by_svd(matrix: Tensor) -> Tensor:
    # LAPACK raises for the whole batch if one matrix is not finite.
    U, _, Vh = torch.linalg.svd(matrix.where(matrix.isfinite().all(-1).all(-1)[:, None, None], 0))
    U[..., -1] *= torch.linalg.det(U @ Vh).sign()[:, None]
    return U @ Vh


def _eye(like: Tensor) -> Tensor:
    """``(3,3,1,...)`` for matrices ``(3,3,...)``."""
    return torch.eye(3, dtype=like.dtype, device=like.device).reshape(3, 3, *[1] * (like.ndim - 2))
