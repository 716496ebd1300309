"""Where the camera of a synthetic picture stands, and its pixels.

Poses and cameras come from a :class:`.KeyedRandom`, one key for each window; pixels from a numpy generator of their
own, so that how a picture is drawn does not change what it shows.
"""
import cv2
import numpy as np
import torch
from torch import Tensor

from ..datasets.transforms.crop_augment import extreme_crop
from ..geometry.crops import CROP_SIZE, FOCAL, expand_to_aspect
from ..rendering.mesh_images import flat_shading, render
from .colors import random_colors
from .figures import Body, Figure
from .moving_random import MovingRandom


def place_camera(joints: Tensor, moving: MovingRandom, figure: Figure, aspect: tuple) -> Tensor:
    """Translation ``(B,T,3)`` of ``joints (B,T,J,3)`` in camera axes into a crop that holds them during the window.

    Args:
        moving: decides everything.
        figure: some bodies are cut off below hips, shoulders or neck.
        aspect: width and height of what the network sees of the crop.
    """
    kept = torch.ones(joints.shape[0], joints.shape[2])
    if isinstance(figure, Body):
        kept = extreme_crop(moving.random, kept, figure.skeleton)
    kept = kept[:, None, :, None] > 0
    low = torch.where(kept, joints, torch.inf).amin((1, 2))      # (B,3)
    high = torch.where(kept, joints, -torch.inf).amax((1, 2))
    extent = torch.from_numpy(expand_to_aspect((high - low)[:, :2].numpy(), aspect)).amax(-1)
    low_margin, high_margin = figure.margin
    side = extent * moving.random.uniform(low=low_margin, high=high_margin)  # (B,)
    target = torch.cat([0.03 * moving.normal(2).clamp(-2, 2) * side[:, None, None],
                        (FOCAL / CROP_SIZE * side)[:, None, None].expand(-1, joints.shape[1], 1)], -1)
    return target - ((low + high) / 2)[:, None]


def draw_window(rng: np.random.Generator, vertices: np.ndarray, keypoints: np.ndarray, faces: np.ndarray,
              colors: np.ndarray, size: int, occlusion: float, bad_frames: float = 0.0) -> np.ndarray:
    """Pictures ``(T,size,size,3)`` uint8 RGB of a mesh in front of clutter.

    Light, background, occluder and lens stay as they are over the window, the noise of the sensor does not.

    Args:
        rng: decides everything.
        vertices: ``(T,V,3)`` camera axes.
        keypoints: ``(T,J,2)`` pixels, one of which the occluder hides.
        faces: ``(F,3)``.
        colors: ``(V,3)`` of the vertices, in [0,255].
        size: side of the pictures.
        occlusion: share of windows with an occluder.
        bad_frames: share of frames with another, larger occluder and a blur of their own.
    """
    backdrop = _background(rng, size)
    light, ambient = rng.standard_normal(3), rng.uniform(0.25, 0.55)
    occluder = _occluder(rng, keypoints[0]) if rng.random() < occlusion else None
    lens = _blur_kernel(rng, size) if rng.random() < 0.4 else None
    gain, noise = rng.uniform(0.7, 1.15), rng.uniform(0, 25)
    frames = []
    for mesh, points in zip(vertices, keypoints):
        grain = rng.integers(0, 256, (size, size, 3), np.uint8)
        shaded = flat_shading(mesh, faces, colors, light, ambient)
        image, _ = render(mesh, faces, shaded, FOCAL / CROP_SIZE * size, size, backdrop)
        if occluder is not None:
            cv2.fillConvexPoly(image, *occluder, cv2.LINE_AA)
        if lens is not None:
            image = cv2.filter2D(image, -1, lens)
        if bad_frames and rng.random() < bad_frames:
            cv2.fillConvexPoly(image, *_occluder(rng, points, high=0.5), cv2.LINE_AA)
            image = cv2.filter2D(image, -1, _blur_kernel(rng, 4 * size))
        frames.append(cv2.addWeighted(image, gain, grain, noise / 255, -noise / 2))
    return np.stack(frames)


def _background(rng, size: int) -> np.ndarray:
    """Blurred colours with polygons, ``(size,size,3)`` uint8."""
    side = int(rng.integers(2, 12))
    image = cv2.resize(random_colors(rng, side, side), (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 7)):
        corners = _polygon(rng, rng.uniform(0, size, 2), rng.uniform(0.05, 0.4) * size)
        cv2.fillConvexPoly(image, *corners, cv2.LINE_AA)
    return image


def _occluder(rng, keypoints: np.ndarray, high: float = 0.2) -> tuple:
    """Polygon that hides a keypoint and something of its surroundings."""
    extent = np.ptp(keypoints, axis=0).max()
    center = keypoints[rng.integers(len(keypoints))] + 0.05 * extent * rng.standard_normal(2)
    return _polygon(rng, center, extent * rng.uniform(0.06, high))


def _polygon(rng, center: np.ndarray, radius: float) -> tuple:
    """A rotated box, ellipse or triangle: corners ``(N,2)`` int32 and colour."""
    count = int(rng.choice([3, 4, 4, 24]))
    angle = np.arange(count) * (2 * np.pi / count) + rng.uniform(0, 2 * np.pi)
    spread = radius * rng.uniform(0.5, 1.5, 2)
    turn = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.stack([np.cos(angle), np.sin(angle)], -1) * spread @ turn + center
    return np.round(corners).astype(np.int32), random_colors(rng).tolist()


def _blur_kernel(rng, size: int) -> np.ndarray:
    """Motion in a straight line or a defocus, up to 2 % of the picture."""
    side = 2 * int(rng.integers(1, max(round(0.01 * size), 1) + 1)) + 1
    kernel = np.zeros((side, side), np.float32)
    if rng.random() < 0.5:
        kernel = np.float32(cv2.getGaussianKernel(side, 0) @ cv2.getGaussianKernel(side, 0).T)
    else:
        middle, angle = side // 2, rng.uniform(0, np.pi)
        reach = np.array([np.cos(angle), np.sin(angle)]) * middle
        start, end = np.round(middle - reach).astype(int), np.round(middle + reach).astype(int)
        cv2.line(kernel, start.tolist(), end.tolist(), 1.0, 1)
    return kernel / kernel.sum()
