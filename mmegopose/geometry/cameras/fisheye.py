"""The fisheye camera of Project Aria glasses, and the map that makes a pinhole picture of its picture."""
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .pinhole import Array

NUM_PARAMS = 15
MAX_NEWTON_STEPS = 50
OUTSIDE = -16.0  # a place in the input that no interpolation reaches


class FisheyeRadTanThinPrism:
    """``FisheyeRadTanThinPrism`` or ``Fisheye624`` of projectaria-tools, with one focal length, in float64.

    A ray at the angle t from the optical axis comes to the distance ``d(t) = t (1 + k0 t^2 + ... + k5 t^12)``; with
    ``q = d(t) (cos phi, sin phi)`` its pixel is ``f (q + 2 (p.q) q + |q|^2 p + |q|^2 (s0, s2) + |q|^4 (s1, s3)) + c``
    (https://facebookresearch.github.io/projectaria_tools, camera intrinsic models). Pixel centres are whole numbers.
    Beyond ``max_angle`` the model says nothing: there the lens ends, or d(t) no longer grows.

    Args:
        params: ``(15,)`` f cx cy k0..k5 p0 p1 s0..s3, the first three in pixels.
        max_angle: of a ray that the lens sees, radians.
    """

    def __init__(self, params: Array | Sequence[float], max_angle: float = math.pi):
        values = torch.as_tensor(params, dtype=torch.float64).cpu()
        if values.shape != (NUM_PARAMS,) or not bool(torch.isfinite(values).all()) or values[0] <= 0:
            raise ValueError('FisheyeRadTanThinPrism has 15 finite parameters, f cx cy k0..k5 p0 p1 s0..s3, and f is '
                             f'positive; got {values.tolist()}')
        self.params = values
        self.focal, self.center = values[0], values[1:3]
        self.radial, self.tangential, self.prism = values[3:9], values[9:11], values[11:].unflatten(0, (2, 2))
        self.max_angle = min(max_angle, self._turning_angle())

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels ``(..., 2)`` of points ``(..., 3)`` in camera axes, and whether they are valid, ``(...)`` bool.

        A point is valid if it is finite, not the camera itself, and within ``max_angle``; whether it lies in the
        picture is for the caller to ask. Other pixels are NaN. Numpy or torch, float64.
        """
        xyz = torch.as_tensor(points, dtype=torch.float64, device='cpu')
        radius = torch.linalg.vector_norm(xyz[..., :2], dim=-1)
        angle = torch.atan2(radius, xyz[..., 2])
        valid = torch.isfinite(xyz).all(-1) & (xyz != 0).any(-1) & (angle <= self.max_angle)
        direction = xyz[..., :2] / radius.clamp_min(torch.finfo(torch.float64).tiny)[..., None]
        pixels = self.focal * self._distort(self._distance(angle)[..., None] * direction) + self.center
        return _like(torch.where(valid[..., None], pixels, torch.nan), points), _like(valid, points)

    def unproject(self, pixels: Array) -> Array:
        """Unit rays ``(..., 3)`` in camera axes that :meth:`project` takes to ``pixels (..., 2)``, by Newton's method.

        A pixel that no ray within ``max_angle`` reaches is NaN. Numpy or torch, float64.
        """
        wanted = (torch.as_tensor(pixels, dtype=torch.float64, device='cpu') - self.center) / self.focal
        q = wanted.clone()
        for _ in range(MAX_NEWTON_STEPS):
            change = torch.linalg.solve_ex(self._jacobian(q), (wanted - self._distort(q))[..., None]).result[..., 0]
            q = q + change
            if not (change.abs() > 1e-14).any():
                break
        distance = torch.linalg.vector_norm(q, dim=-1)
        angle = self._angle(distance)
        direction = q / distance.clamp_min(torch.finfo(torch.float64).tiny)[..., None]
        rays = torch.cat([torch.sin(angle)[..., None] * direction, torch.cos(angle)[..., None]], -1)
        off = (self._distort(q) - wanted).abs().amax(-1) + (self._distance(angle) - distance).abs()
        return _like(torch.where((off < 1e-10)[..., None], rays, torch.nan), pixels)

    def _distance(self, angle: Tensor) -> Tensor:
        """d(t) of angles ``(...)``."""
        return angle * _polynomial(torch.cat([angle.new_ones(1), self.radial]), angle.square())

    def _growth(self) -> Tensor:
        """Coefficients of the derivative of d by t, in powers of t^2, ``(7,)``."""
        return torch.cat([self.radial.new_ones(1), self.radial]) * torch.arange(1, 14, 2, dtype=torch.float64)

    def _turning_angle(self) -> float:
        """The smallest angle at which d no longer grows; a half turn if it always does."""
        roots = np.roots(self._growth().numpy()[::-1])
        squares = [root.real for root in roots if abs(root.imag) <= 1e-9 * abs(root) and root.real > 0]
        return min(math.sqrt(min(squares, default=math.inf)), math.pi)

    def _angle(self, distance: Tensor) -> Tensor:
        """The angle within ``max_angle`` that comes to a distance, ``(...)``; Newton's method, kept in brackets."""
        low, high = torch.zeros_like(distance), torch.full_like(distance, self.max_angle)
        angle = distance.clamp(max=self.max_angle)
        for _ in range(MAX_NEWTON_STEPS):
            error = self._distance(angle) - distance
            low, high = torch.where(error <= 0, angle, low), torch.where(error >= 0, angle, high)
            following = angle - error / _polynomial(self._growth(), angle.square())
            following = torch.where((following >= low) & (following <= high), following, (low + high) / 2)
            done = not ((following - angle).abs() > 1e-15).any()
            angle = following
            if done:
                break
        return angle

    def _distort(self, q: Tensor) -> Tensor:
        """Tangential and thin prism distortion of ``q (..., 2)``."""
        square = q.square().sum(-1, keepdim=True)  # (..., 1)
        along = (q * self.tangential).sum(-1, keepdim=True)
        return q + 2 * along * q + square * (self.tangential + self.prism[:, 0] + square * self.prism[:, 1])

    def _jacobian(self, q: Tensor) -> Tensor:
        """That of :meth:`_distort`, ``(..., 2, 2)``."""
        square = q.square().sum(-1, keepdim=True)
        along = (q * self.tangential).sum(-1, keepdim=True)
        by_square = self.tangential + self.prism[:, 0] + 2 * square * self.prism[:, 1]  # (..., 2)
        return (1 + 2 * along)[..., None] * torch.eye(2, dtype=q.dtype) + 2 * (
            q[..., :, None] * self.tangential + by_square[..., :, None] * q[..., None, :])


def undistortion_map(fisheye: FisheyeRadTanThinPrism, size_in: tuple[int, int], pinhole: Sequence[float],
                     size_out: tuple[int, int]) -> np.ndarray:
    """Where each pixel of a pinhole picture lies in the picture of a fisheye, ``(H, W, 2)`` float32, for cv2.remap.

    What the fisheye did not see lies far outside the input, so that a constant border fills it.

    Args:
        size_in, size_out: width and height in pixels.
        pinhole: fx fy cx cy of the output, pixels, with the axes of the fisheye.
    """
    width, height = size_out
    focal, center = torch.tensor(pinhole, dtype=torch.float64).unflatten(0, (2, 2))
    columns, rows = torch.meshgrid(torch.arange(width), torch.arange(height), indexing='xy')
    slopes = (torch.stack([columns, rows], -1) - center) / focal  # (H, W, 2)
    pixels, valid = fisheye.project(torch.cat([slopes, torch.ones_like(slopes[..., :1])], -1))
    inside = valid & (pixels >= 0).all(-1) & (pixels <= torch.tensor(size_in) - 1).all(-1)
    return torch.where(inside[..., None], pixels, OUTSIDE).float().numpy()


def _polynomial(coefficients: Tensor, x: Tensor) -> Tensor:
    """Horner's rule, ``coefficients[0] + coefficients[1] x + ...``."""
    value = torch.zeros_like(x)
    for coefficient in coefficients.flip(0):
        value = value * x + coefficient
    return value


def _like(values: Tensor, original: Array) -> Array:
    return values.to(original.device) if isinstance(original, Tensor) else values.numpy()
