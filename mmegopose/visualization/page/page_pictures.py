"""The video in the page: small JPEG pictures of the people with their times, so that each time has exactly one."""
import base64
from collections.abc import Iterable

import cv2
import numpy as np

from .page_people import pack_array

WIDTH = 320              # pixels, of pictures that are wider
QUALITY = 72
MAX_RATE = 15.0          # pictures a second
MAX_BYTES = 6 << 20      # of all pictures
MARGIN = 1.35            # around the keypoints, times their reach
SHARES = (0.01, 0.99)    # of the keypoints, around which pictures are cut


def pack_pictures(pictures: Iterable | None, motions: list, first: float, last: float) -> dict | None:
    """The pictures between two times, or only the size of their place if there are keypoints; None: neither.

    They are cut to where the keypoints are. Where they would be too many bytes, every second one is left out, and
    again, until they are not.

    Args:
        pictures: yields objects with ``time`` and ``image``, ``(H,W,3)`` uint8 RGB or None; or None.
        motions: whose keypoints are drawn over them.
        first, last: seconds.
    """
    size = next((motion.image_size for motion in motions if motion.keypoints is not None), None)
    part = None if size is None else _part(motions, size)
    times, frames, total, every = [], [], 0, 1 / MAX_RATE
    for shot in pictures if pictures is not None else ():
        time, image = shot.time, shot.image
        if time > last + 1e-3:
            break
        if image is None or time < first - 1e-3 or times and time - times[-1] < every - 1e-3:
            continue
        size = size or image.shape[1::-1]
        part = part or (0, 0, *size)
        frames.append(_jpeg(_cut(image, part, size)))
        times.append(time)
        total += len(frames[-1])
        while total > MAX_BYTES and len(frames) > 1:
            times, frames, every = times[::2], frames[::2], 2 * every
            total = sum(map(len, frames))
    if part is None:
        return None
    rate = (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
    told = 'keypoints' if not frames else '' if len(frames) == 1 else f'video at {rate:.3g} frames/s'
    return dict(corner=part[:2], size=[part[2] - part[0], part[3] - part[1]], frames=frames, told=told,
                times=pack_array(np.array(times, np.float64)))


def _part(motions: list, size: tuple) -> tuple:
    """Left, top, right, bottom of where people are in the image, with what is around them; pixels."""
    points = np.concatenate([motion.keypoints.reshape(-1, 2) for motion in motions if motion.keypoints is not None])
    points = points[np.isfinite(points).all(1)]
    if not len(points):
        return 0, 0, *size
    low, high = np.quantile(points, SHARES, axis=0)
    half = MARGIN / 2 * np.maximum(high - low, 8)
    half = np.maximum(half, [0.75 * half[1], 0.6 * half[0]])  # neither a tower nor a ribbon
    middle = (low + high) / 2
    left, top = np.clip(np.floor(middle - half), 0, np.array(size) - 1).astype(int).tolist()
    right, bottom = np.clip(np.ceil(middle + half), (left + 1, top + 1), size).astype(int).tolist()
    return left, top, right, bottom


def _cut(image: np.ndarray, part: tuple, size: tuple) -> np.ndarray:
    """A part of an image, which may be larger or smaller than the one that the part is of, but has its shape."""
    height, width = image.shape[:2]
    if abs(width * size[1] / (height * size[0]) - 1) > 0.02:
        raise ValueError(f'the pictures are {width} x {height} pixels, but the keypoints of an image of {size[0]} x '
                         f'{size[1]}: is it another video?')
    factors = 2 * (width / size[0], height / size[1])
    left, top, right, bottom = (round(edge * factor) for edge, factor in zip(part, factors))
    return image[top:max(bottom, top + 1), left:max(right, left + 1)]


def _jpeg(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    if width > WIDTH:
        image = cv2.resize(image, (WIDTH, max(round(height * WIDTH / width), 1)), interpolation=cv2.INTER_AREA)
    good, data = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not good:
        raise ValueError(f'a picture of the shape {image.shape} cannot be written as JPEG')
    return base64.b64encode(data).decode()
