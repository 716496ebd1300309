"""Crops of the images of a store."""
from collections import Counter

import cv2
import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor

from ...geometry.crops import CROP_SIZE, crop_image, expand_to_aspect, normalize_image
from ..image_store import ImageStore


class CropReader:
    """Decodes images and cuts square crops out of them.

    Args:
        store: the images and their boxes.
        rescale: side of the crop over the larger side of a tight box.
        aspect: width and height that the box is first extended to, e.g. (192, 256); None: as it is.
        size: side of the crop in its pixels, P.
        width: its central columns that the network sees, W.
        antialias: blur before large reductions.

    Attributes:
        skipped: counts of images that could not be used, by reason, in this process.
    """

    def __init__(self, store: ImageStore, rescale: float = 2.0, aspect: tuple | None = None, size: int = CROP_SIZE,
                 width: int = 192, antialias: bool = False):
        if not 0 < width <= size or (size - width) % 2 or rescale <= 0:
            raise ValueError(f'crop: width={width} should be at most size={size}, both even or both odd, and '
                             f'rescale={rescale} positive')
        self.store, self.size, self.aspect, self.antialias = store, size, aspect, antialias
        self.rescale = rescale if store.tight else 1.0
        self.columns = slice((size - width) // 2, (size + width) // 2)
        self.skipped, self._named = Counter(), set()

    def sides(self, boxes: np.ndarray) -> np.ndarray:
        """Sides ``(...)`` of the squares of boxes ``(...,4)``, pixels."""
        extent = boxes[..., 2:] if self.aspect is None else expand_to_aspect(boxes[..., 2:], self.aspect)
        return extent.max(-1) * self.rescale

    def __call__(self, rows, padded, center, side, rotation, mirrored):
        """Cut out frames, all ``(B,T,...)``; those whose image cannot be used become ``padded``, in place.

        Returns:
            Crops ``(B,T,P,P,3)`` uint8 RGB, black where padded; maps ``(B,T,2,3)`` from the image; image sizes
            ``(B,T,2)`` float32.
        """
        patches = np.zeros((*rows.shape, self.size, self.size, 3), np.uint8)
        transforms, image_size = np.tile(np.eye(2, 3), (*rows.shape, 1, 1)), np.ones((*rows.shape, 2), np.float32)
        images = {}
        for place in zip(*np.nonzero(~padded)):
            name = self.store.files[rows[place]]
            try:
                if name not in images:
                    images[name] = self._decode(rows[place])
                image_size[place] = images[name].shape[1::-1]
                patches[place], transforms[place] = crop_image(
                    images[name], center[place], side[place], self.size, float(rotation[place]), bool(mirrored[place]),
                    self.antialias)
            except (OSError, ValueError) as error:
                padded[place] = True
                self._skip(name, error)
        return patches, transforms, image_size

    def normalized(self, images: np.ndarray, color: np.ndarray | None = None) -> Tensor:
        """Square images ``(B,T,P,P,3)`` to network input ``(B,T,3,P,W)``; ``color (B,1,3)`` factors."""
        return torch.from_numpy(normalize_image(images[..., self.columns, :], color))

    def _decode(self, row: int) -> np.ndarray:
        """RGB image ``(H,W,3)`` uint8 of a row."""
        content = np.frombuffer(self.store.read(row), np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION) if len(content) else None
        if image is None:
            raise OSError('it is no image, or damaged')
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def _skip(self, name: str, error: Exception) -> None:
        self.skipped['image cannot be read' if isinstance(error, OSError) else 'box outside the image'] += 1
        if name not in self._named:
            self._named.add(name)
            MMLogger.get_current_instance().warning(f'{self.store.root / name} is skipped: {error}')
