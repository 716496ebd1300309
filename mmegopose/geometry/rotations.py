"""Rotation maths on ``(..., 3, 3)`` matrices."""
import torch
from torch import Tensor


def rotation_to_6d(rotation: Tensor) -> Tensor:
    """First two columns, ``(..., 3, 3) -> (..., 6)`` (Zhou et al., CVPR 2019, eq. 15)."""
    return rotation[..., :2].transpose(-1, -2).flatten(-2)


def rotation_from_6d(vectors: Tensor) -> Tensor:
    """Nearest frame to two vectors by Gram-Schmidt, ``(..., 6) -> (..., 3, 3)`` (Zhou et al., CVPR 2019, eq. 16).

    The inverse of :func:`rotation_to_6d`: the six numbers are two columns one after the other, as in HMR2 and HaMeR
    (SPIN interleaves them). Half precision is raised to float32, because its frames are not orthonormal enough.
    """
    vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    first, second = vectors.unflatten(-1, (2, 3)).unbind(-2)
    x = torch.nn.functional.normalize(first, dim=-1)
    y = torch.nn.functional.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def so3_log(rotation: Tensor) -> Tensor:
    """Rotation vector in radians, ``(..., 3, 3) -> (..., 3)``, angle in [0, pi).

    Through the unit quaternion, whose largest component is chosen for the division, so that it is accurate for tiny
    angles and near half turns alike.
    """
    m = rotation
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    square = torch.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], -1)
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    rows = torch.stack([torch.stack([square[..., 0], a, b, c], -1), torch.stack([a, square[..., 1], d, e], -1),
                        torch.stack([b, d, square[..., 2], f], -1), torch.stack([c, e, f, square[..., 3]], -1)], -2)
    best = square.argmax(-1)[..., None, None].expand(*square.shape[:-1], 1, 4)
    q = torch.nn.functional.normalize(rows.gather(-2, best).squeeze(-2), dim=-1)  # (..., 4) w x y z
    q = torch.where(q[..., :1] < 0, -q, q)
    sine = q[..., 1:].norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, q[..., :1])
    return q[..., 1:] * torch.where(sine > 1e-12, angle / sine.clamp(min=1e-12), torch.full_like(sine, 2))


def so3_exp(vector: Tensor) -> Tensor:
    """Rotation matrix of a rotation vector (axis times angle) in radians, ``(..., 3) -> (..., 3, 3)``.

    Rodrigues' formula; smooth, and so are its gradients, at zero.
    """
    def sinc(square):  # sin(x) / x as a function of x squared: the root has no gradient at zero
        tiny = square < 1e-4
        x = square.masked_fill(tiny, 1).sqrt()
        return torch.where(tiny, 1 - square / 6 * (1 - square / 20), x.sin() / x)

    square = vector.square().sum(-1)[..., None, None]
    zero = torch.zeros_like(vector[..., 0])
    x, y, z = vector.unbind(-1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    outer = vector[..., :, None] * vector[..., None, :]
    eye = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return eye + sinc(square) * skew + sinc(square / 4).square() / 2 * (outer - square * eye)


def yaw_matrix(angle: Tensor) -> Tensor:
    """Rotation about the vertical axis, angle in radians, ``(...) -> (..., 3, 3)``."""
    return heading_matrix(torch.stack([angle.cos(), angle.sin()], -1))


def heading_matrix(direction: Tensor) -> Tensor:
    """Rotation about the vertical axis that brings x to a level unit vector, ``(..., 2) -> (..., 3, 3)``."""
    c, s = direction.unbind(-1)
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], -1).unflatten(-1, (3, 3))
