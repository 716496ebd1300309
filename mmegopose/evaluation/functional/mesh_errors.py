"""Errors of hand and body meshes: pure, batched functions on tensors.

Point sets are ``(...,P,3)``: joints or vertices. Every score is one number per pose, ``(...)``, so that a data set can
be scored batch by batch; a score of a pose in which nothing counts is NaN. Lengths come out in the unit that went in;
the thresholds of a protocol are in metres.
"""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...geometry.alignment import similarity_align
from .joint_errors import joint_errors


def pose_mean(errors: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of ``errors (...,P)`` over the points of each pose where ``mask (...,P)`` is true, ``(...)``."""
    if mask is None:
        return errors.mean(-1)
    return errors.where(mask, 0).sum(-1) / mask.sum(-1)


def orthogonal_align(source: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Move each source pose onto its target as the FreiHAND and HO-3D evaluations do: a mirrored pose is mirrored back.

    Takes and returns what :func:`similarity_align` does, which allows proper rotations only. A hand that is correct but
    for its side has no error here.
    """
    mirror = torch.tensor([-1, 1, 1], dtype=source.dtype, device=source.device)
    both = torch.stack([source, source * mirror])                            # (2,...,P,3)
    target = target.expand_as(both)
    aligned = similarity_align(both, target, None if mask is None else mask.expand(both.shape[:-1]))
    residual = pose_mean((aligned - target).square().sum(-1), None if mask is None else mask.expand(both.shape[:-1]))
    return aligned[1].where((residual[1] < residual[0])[..., None, None], aligned[0])


def scale_translation_align(source: Tensor, target: Tensor, root: int, reference: int) -> Tensor:
    """Source ``(...,J,3)`` moved so that joint ``root`` and the distance from it to ``reference`` are the target's.

    The third alignment of HO-3D (Hampali et al., HOnnotate, CVPR 2020). A source in which both joints coincide keeps
    its scale.
    """
    length, wanted = (joint_errors(p[..., reference, :], p[..., root, :]) for p in (source, target))  # (...)
    factor = torch.where(length > 0, wanted / length, 1)[..., None, None]
    return (source - source[..., root:root + 1, :]) * factor + target[..., root:root + 1, :]


def pck_area(errors: Tensor, max_error: float = 0.05, num_thresholds: int = 100) -> Tensor:
    """Area under the curve of correct points that each error contributes, ``(...)`` float64; its mean is the AUC.

    The curve is the share of errors ``<=`` each of ``linspace(0, max_error, num_thresholds)``; the area is that of the
    trapezoid rule over ``max_error``. The defaults are those of FreiHAND and HO-3D, in metres.
    """
    thresholds = torch.from_numpy(np.linspace(0, max_error, num_thresholds)).to(errors.device)
    passed = num_thresholds - torch.searchsorted(thresholds, errors.double().contiguous())
    ends = ((passed == num_thresholds).double() + (passed > 0).double()) / 2
    return (passed - ends) / (num_thresholds - 1)


def nearest_distances(a: Tensor, b: Tensor, max_elements: int = 2 ** 20) -> tuple[Tensor, Tensor]:
    """Distance from each point to the nearest point of the other set.

    Args:
        a: ``(...,P,3)``.
        b: ``(...,Q,3)``.
        max_elements: most distances that are held at a time (8 MB of float64, which a cache holds); at least those of
            one point to ``b`` are.

    Returns:
        From a to b ``(...,P)``, from b to a ``(...,Q)``.
    """
    shape, (P, Q) = a.shape[:-2], (a.shape[-2], b.shape[-2])
    a, b = a.reshape(-1, P, 3), b.reshape(-1, Q, 3)
    from_a, from_b = a.new_empty(a.shape[:-1]), b.new_full(b.shape[:-1], torch.inf)
    num_poses, num_points = max(1, max_elements // (P * Q)), max(1, min(P, max_elements // Q))
    for pose in range(0, len(a), num_poses):
        poses = slice(pose, pose + num_poses)
        for point in range(0, P, num_points):
            points = slice(point, point + num_points)
            # The way by a matrix product errs by tenths of a millimetre in float32 where points almost touch.
            distances = torch.cdist(a[poses, points], b[poses], compute_mode='donot_use_mm_for_euclid_dist')
            from_a[poses, points] = distances.amin(-1)
            from_b[poses] = torch.minimum(from_b[poses], distances.amin(-2))
    return from_a.reshape(*shape, P), from_b.reshape(*shape, Q)


def f_score(pred: Tensor, gt: Tensor, thresholds: Sequence[float] = (0.005, 0.015)) -> Tensor:
    """Harmonic mean of the shares of points nearer than each threshold to the other surface's points, ``(...,K)``.

    Knapitsch et al., "Tanks and temples", TOG 2017, on vertices, as FreiHAND and HO-3D use it: strictly less.

    Args:
        pred: ``(...,P,3)``.
        gt: ``(...,Q,3)``.
        thresholds: K lengths; the defaults are those of FreiHAND and HO-3D, in metres.
    """
    limits = torch.tensor(thresholds, dtype=pred.dtype, device=pred.device)  # (K,)
    found, covered = ((d[..., None] < limits).to(pred.dtype).mean(-2) for d in nearest_distances(pred, gt))  # (...,K)
    return torch.where(found + covered > 0, 2 * found * covered / (found + covered), 0)


def jitter(joints: Tensor, visible: Tensor, frame_ids: Tensor, fps: float = 30,
           max_step: int = 10) -> tuple[Tensor, Tensor]:
    """Size of the third derivative of the joints over four frames at equal steps.

    Yi et al., TransPose, SIGGRAPH 2021. EMDB prints a tenth of it, in 10 m/s^3.

    Args:
        joints: ``(...,n,J,3)`` in a frame that does not move (world).
        visible: ``(...,n,J)`` bool.
        frame_ids: ``(...,n)`` ascending frame numbers.
        fps: frame numbers per second.
        max_step: frames this far apart or farther are no neighbours.

    Returns:
        ``(values (...,n-3,J), mask (...,n-3,J))`` in length per second cubed.
    """
    step = frame_ids.diff(dim=-1)[..., None]                                 # (...,n-1,1)
    size = torch.linalg.vector_norm(joints.diff(n=3, dim=-3), dim=-1)
    even = (step[..., 2:, :] == step[..., 1:-1, :]) & (step[..., 1:-1, :] == step[..., :-2, :])
    step = step[..., 2:, :]
    seen = visible[..., 3:, :] & visible[..., 2:-1, :] & visible[..., 1:-2, :] & visible[..., :-3, :]
    return size * fps ** 3 / step.clamp(min=1) ** 3, seen & even & (step > 0) & (step < max_step)
