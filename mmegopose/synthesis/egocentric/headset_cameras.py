"""Cameras of the pictures: the undistorted view, and the fisheye as it is on the glasses."""
import math

import cv2
import numpy as np

from ...datasets.writers.egoexo4d_view import FOCAL, SIDE
from ...geometry.cameras import FisheyeRadTanThinPrism

_LENS = 1.15           # radians from the optical axis that the lens sees
_FISHEYE_SIDE = 1408   # pixels, of the parameters below; not those of a real unit, but as strong
_FISHEYE = (610.0, 704.2, 703.1, -0.026, 0.010, -0.0015, 0.0, 0.0, 0.0, 4e-4, -3e-4, -6e-4, -1e-4, 5e-4, 1e-4)
_GRID = 4              # pixels between rays that are computed; the others lie between them


class PinholeView:
    """The undistorted view of the benchmark.

    Args:
        side: of its pictures, pixels.

    Attributes:
        rays: ``(side,side,3)`` of the pixels, in the axes of the camera; 0 where it sees nothing.
    """

    def __init__(self, side: int):
        self.side, self.focal, self.center = side, FOCAL * side / SIDE, (side - 1) / 2
        row, column = (np.mgrid[:side, :side] - self.center) / self.focal
        self.rays = np.stack([column, row, np.ones_like(row)], -1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``(N,2)`` of ``points (N,3)`` in front of the camera."""
        return points[:, :2] / points[:, 2:] * self.focal + self.center


class FisheyeView:
    """The view of the lens, round and bent; attributes as of :class:`PinholeView`."""

    def __init__(self, side: int = _FISHEYE_SIDE):
        scale = side / _FISHEYE_SIDE
        focal, *center = (value * scale for value in _FISHEYE[:3])
        self.side, self.model = side, FisheyeRadTanThinPrism([focal, *center, *_FISHEYE[3:]])
        grid = np.arange(0, side + _GRID, _GRID)
        coarse = self.model.unproject(np.stack(np.meshgrid(grid, grid), -1).astype(float)).astype(np.float32)
        place = np.mgrid[:side, :side].astype(np.float32) / _GRID
        rays = cv2.remap(coarse, place[1], place[0], cv2.INTER_LINEAR)
        angle = np.arctan2(np.hypot(rays[..., 0], rays[..., 1]), rays[..., 2])
        self.rays = np.where((angle <= _LENS)[..., None], rays, 0)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels ``(N,2)`` of ``points (N,3)``; NaN beyond the angle of the model."""
        return self.model.project(points)[0]

    def calibration(self) -> dict:
        """The JSON that the preparation of hands reads: the calibration of the recording, for pictures of this size."""
        pose = dict(Translation=[0., 0., 0.], UnitQuaternion=[1., [0., 0., 0.]])
        return dict(CameraCalibrations=[dict(
            Label='camera-rgb', Calibrated=True, T_Device_Camera=pose, SerialNumber='rendered', Projection=dict(
                Name='FisheyeRadTanThinPrism', Params=self.model.params.tolist(),
                Description=f'of pictures of {self.side} pixels; rays up to {math.degrees(_LENS):.0f} degrees'))])
