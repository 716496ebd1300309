"""What makes a picture harder to read: other colours, blur, and holes in it."""
import cv2
import numpy as np
import torch

from ...geometry.crops import IMAGE_MEAN, IMAGE_STD, denormalize_image, normalize_image
from ...registry import TRANSFORMS
from ..random import check_shares
from ..store import SequenceStore

KERNELS = (3, 5, 7)  # sides of a filter, pixels


@TRANSFORMS.register_module()
class DegradeImage:
    """Changes the colours of crops, blurs them and covers a part of each; all frames of a window alike.

    It stands after :class:`.DecodeCrop`. The defaults are those of the first solution of the hand task of Ego-Exo4D
    (Chen et al., arXiv 2406.12219). Frames that are not ``valid`` stay as they are.

    Args:
        jitter: largest change of hue, of 180, and of saturation and value, of 255. Each is changed in half of the
            windows, by a whole number: what is drawn is cut towards zero. The hue goes around, the others are clipped.
        blur_prob, median_prob: shares of the windows with a mean and with a median filter of 3, 5 or 7 pixels.
        hole_prob: share of the windows with a black rectangle somewhere (coarse dropout).
        hole_size: least and largest side of it, as a share of that of the crop; width and height on their own.

    Raises:
        ValueError: no shares, or no changes.
    """

    def __init__(self, blur_prob: float = 0.1, median_prob: float = 0.1, hole_prob: float = 1.0,
                 hole_size: tuple = (0.2, 0.4), jitter: tuple = (5, 30, 30)):
        check_shares(blur_prob=blur_prob, median_prob=median_prob, hole_prob=hole_prob)
        if not 0 < hole_size[0] <= hole_size[1] <= 1:
            raise ValueError(f'hole_size={hole_size} should be the least and the largest share of a side, above 0 and '
                             'up to 1')
        if len(jitter) != 3 or not all(0 <= change <= most for change, most in zip(jitter, (180, 255, 255))):
            raise ValueError(f'jitter={jitter} should be the largest changes of hue, up to 180, and of saturation and '
                             'value, up to 255')
        self.blur_prob, self.median_prob = blur_prob, median_prob
        self.hole_prob, self.hole_size, self.jitter = hole_prob, tuple(hole_size), tuple(jitter)

    def bind(self, store: SequenceStore) -> None:
        """Nothing to prepare."""

    def __call__(self, batch: dict) -> dict:
        image, random, valid = batch['inputs']['image'], batch['random'], batch['valid'].numpy()  # (B,T,3,H,W)
        chosen, kernels = random.uniform(3).numpy(), (random.uniform(2) * len(KERNELS)).long().numpy()
        corners = self._holes(random, image.shape[-2:])
        changes = random.uniform(3, low=-1).numpy() * self.jitter * (random.uniform(3).numpy() < 0.5)
        changes = changes.astype(np.int64)  # (B,3)
        pictures = image.numpy()  # the same memory
        black = (-np.array(IMAGE_MEAN) / IMAGE_STD).astype(np.float32)[:, None, None]
        for row, frame in zip(*np.nonzero(valid)):
            picture = pictures[row, frame]
            if changes[row].any():
                picture[...] = normalize_image(_shift_hsv(denormalize_image(picture), changes[row]))
            if chosen[row, 0] < self.blur_prob:
                side = KERNELS[kernels[row, 0]]
                picture[...] = np.moveaxis(cv2.blur(np.moveaxis(picture, 0, -1), (side, side)), -1, 0)
            if chosen[row, 1] < self.median_prob:
                picture[...] = normalize_image(cv2.medianBlur(denormalize_image(picture), KERNELS[kernels[row, 1]]))
            if chosen[row, 2] < self.hole_prob:
                top, bottom, left, right = corners[row]
                picture[:, top:bottom, left:right] = black
        return batch

    def _holes(self, random, shape: torch.Size) -> np.ndarray:
        """Top, bottom, left and right of the hole of each window in pictures of ``shape``, ``(B,4)`` int64."""
        sides = np.array(shape)
        size = np.round(random.uniform(2, low=self.hole_size[0], high=self.hole_size[1]).numpy() * sides)
        first = np.floor(random.uniform(2).numpy() * (sides - size + 1))
        return np.stack([first, first + size], -1).reshape(-1, 4).astype(np.int64)


def _shift_hsv(image: np.ndarray, change: np.ndarray) -> np.ndarray:
    """``image (H,W,3)``, RGB uint8, with ``change (3,)`` added to hue (of 180), saturation and value (of 255)."""
    levels = np.arange(256)[:, None] + change
    levels = np.stack([levels[:, 0] % 180, *np.clip(levels[:, 1:], 0, 255).T], -1).astype(np.uint8)
    return cv2.cvtColor(cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), levels[None]), cv2.COLOR_HSV2RGB)
