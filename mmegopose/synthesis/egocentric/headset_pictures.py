"""Pictures of a headset camera: the arms and hands of the person who wears it, in a room."""
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from ...datasets.writers.egoexo4d_view import UPRIGHT_TO_LANDSCAPE
from ...rendering.mesh_images import shown_faces
from .headset_cameras import FisheyeView, PinholeView
from .room import Room
from .wearer import Wearer, WornMotion

_NEAR = 0.02  # metres
_LARGE = 1000  # pixels


class HeadsetPictures:
    """Pictures ``(side,side,3)`` uint8 RGB of a landscape camera, as that of Aria glasses: x down the body, y left.

    Args:
        wearer, motion: who is seen, and does what.
        seed: of room and light.
    """

    def __init__(self, wearer: Wearer, motion: WornMotion, seed: int):
        self.surface, self.motion = wearer.surface, motion
        self.room = Room(motion.T_world_camera[:, :3, 3], seed)
        rng = np.random.default_rng(seed)
        light = np.array([*rng.uniform(-0.6, 0.6, 2), 1.0])
        self.light = light / np.linalg.norm(light)

    def draw(self, view: PinholeView | FisheyeView) -> Iterator[np.ndarray]:
        """The picture of each frame."""
        blind, size = np.flatnonzero((view.rays == 0).all(-1)), (view.side, view.side)
        # The paint of the room is not finer than half of a large picture.
        sparse = cv2.resize(view.rays, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) \
            if view.side >= _LARGE else view.rays
        rays = np.ascontiguousarray(sparse.reshape(-1, 3).T, np.float32)
        for pose, vertices, joints in zip(self.motion.T_world_camera, self.motion.vertices, self.motion.joints):
            rotation, center = pose[:3, :3] @ UPRIGHT_TO_LANDSCAPE.T, pose[:3, 3]
            ahead = (rotation.astype(np.float32) @ rays).reshape(3, *sparse.shape[:2])
            image = self.room.draw(ahead, center, joints[11:13].mean(0))
            image = image if image.shape[:2] == size else cv2.resize(image, size)
            points, colors = self.surface.lit((vertices - center) @ rotation, self.light @ rotation)
            image = _drawn(image, points, self.surface.faces, colors, view.project)
            image.reshape(-1, 3)[blind] = 0
            yield image


def _drawn(image: np.ndarray, points: np.ndarray, faces: np.ndarray, colors: np.ndarray,
           project: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """``image`` with a mesh in front of it, drawn twice as large and reduced, for smooth edges."""
    size = len(image)
    front = points[:, 2] > _NEAR
    pixels = np.full((len(points), 2), np.inf, np.float32)
    pixels[front] = project(points[front])
    front &= np.isfinite(pixels).all(1)
    inside = np.asarray(((pixels > -0.1 * size) & (pixels < 1.1 * size)).all(1))
    a, b, c = np.moveaxis(pixels[faces], 1, 0)
    with np.errstate(invalid='ignore'):
        seen = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    kept = faces[front[faces].all(1) & inside[faces].any(1) & seen]
    if not len(kept):
        return image
    low = np.floor(pixels[kept].min((0, 1))).astype(int).clip(0, size - 1)
    high = np.ceil(pixels[kept].max((0, 1))).clip(0, size - 1).astype(int) + 1
    side = min(int((high - low).max()), size)
    low = np.minimum(low, size - side).clip(0)  # of a square around the mesh, of which the rest is not drawn
    part, (width, height) = np.s_[low[1]:high[1], low[0]:high[0]], high - low
    places = 2 * (pixels - low) + 0.5  # centres have whole coordinates
    # Scaled by the depth, they are points that a pinhole of focal length 1 sees at these places.
    flat = np.where(front[:, None], np.concatenate([places, np.ones_like(places[:, :1])], 1) * points[:, 2:], -1)
    hit, face, _ = shown_faces(flat, kept, 1.0, (2 * width, 2 * height), (0.0, 0.0))
    # Four bytes a pixel are one number, and quicker to move than three.
    paint = np.full((len(kept), 4), 255, np.uint8)
    paint[:, :3] = colors.clip(0, 255).astype(np.uint8)[kept].mean(1)
    drawn = cv2.resize(cv2.cvtColor(image[part], cv2.COLOR_RGB2RGBA), (2 * width, 2 * height),
                       interpolation=cv2.INTER_NEAREST)
    drawn.view(np.uint32).reshape(-1)[hit] = paint.view(np.uint32)[:, 0][face]
    image[part] = cv2.cvtColor(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGBA2RGB)
    return image
