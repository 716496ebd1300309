"""From pictures on the disk to the crops that the network sees."""
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.logging import MMLogger

from ...geometry.crops import CROP_SIZE, crop_image, expand_to_aspect, normalize_image
from ...registry import TRANSFORMS
from ..image_files import WrongSize, decode_labelled, read_picture
from ..store import SequenceStore
from .crop_augment import CropChange

REASONS = {OSError: 'image cannot be read', WrongSize: 'image has not the size that its labels are for',
           ValueError: 'box outside the image', cv2.error: 'crop cannot be cut out'}
"""Why a picture is not used, by the error that tells."""


@TRANSFORMS.register_module()
class DecodeCrop:
    """The stream ``image (B,T,3,H,W)``: square crops around the boxes of the store, left hands mirrored.

    The network sees the central columns of a square of side H. A frame whose picture cannot be used is black and not
    ``valid``; each file is logged once, with the reason, and ``skipped`` counts them. In a test a window without any
    picture is dropped (see :class:`.PackInputs`); in training it stays and counts for nothing, so that batches keep
    their size.

    Of the store it needs the fields ``file``, ``box (F,4)`` (centre and size, pixels), ``right``, ``image_size`` (0:
    unknown) and, for archives, ``span (F,2)``, and the facts ``root`` and ``tight`` (boxes are tight, or else as large
    as crops should be), perhaps ``mirror_left`` (False: left hands stay as they are) and ``mirror_axis`` (``'y'``: the
    mirrored picture is upside down, as that of a camera on its side; default: ``'x'``). A store with ``pictures`` has
    the images in memory. For other transforms it sets

    ======================== ======================================================================================
    ``box_center (B,T,2)``   centre of the square that was cut out, pixels of the image, float32
    ``box_size (B,T)``       its side, float32
    ``image_size (B,T,2)``   width and height of the picture, float32; 1 where it cannot be used
    ``right (B,T)``          bool; False: a left hand
    ``crop_transform``       ``(B,T,2,3)`` map from pixels of the image to pixels of the square, numpy float64
    ``crop_mirrored (B,T)``  bool
    ``crop_rotation (B,T)``  of the box, radians
    ``crop_side``            H
    ``crop_columns``         slice of the columns that the network sees
    ======================== ======================================================================================

    Args:
        rescale: side of the crop over the larger side of a tight box.
        aspect: width and height that the box is first extended to, e.g. (192, 256); None: as it is.
        size: side of the crop in its pixels, H.
        width: its central columns that the network sees, W.
        antialias: blur before large reductions.

    Attributes:
        skipped: counts of pictures that could not be used, by reason, in this process.
    """

    def __init__(self, rescale: float = 2.0, aspect: tuple | None = None, size: int = CROP_SIZE, width: int = 192,
                 antialias: bool = False):
        if not 0 < width <= size or (size - width) % 2 or rescale <= 0:
            raise ValueError(f'crop: width={width} should be at most size={size}, both even or both odd, and '
                             f'rescale={rescale} positive')
        self.rescale, self.aspect, self.size, self.antialias = rescale, aspect, size, antialias
        self.columns = slice((size - width) // 2, (size + width) // 2)
        self.skipped, self._named = Counter(), set()

    def bind(self, store: SequenceStore) -> None:
        """Check that the store is one of images."""
        if missing := [name for name in ('file', 'box', 'right', 'image_size') if name not in store.frames]:
            raise ValueError(f'{store.title} has no field {missing}, which DecodeCrop needs: its reader should make a '
                             'store of images')

    def __call__(self, batch: dict) -> dict:
        store, rows = batch['store'], batch['rows']
        change = batch.get('crop_change') or CropChange.none(len(rows))
        right = torch.from_numpy(store.frames['right'][rows])
        mirrored = (~right & store.info.get('mirror_left', True)) ^ change.flip[:, None]  # (B,T)
        rotation = change.rotation[:, None].expand(rows.shape)
        boxes = batch.get('box', store.frames['box'][rows]).astype(np.float64)  # (B,T,4)
        side = self._sides(boxes, store.info['tight'])
        center = boxes[..., :2] + change.shift.numpy()[:, None] * side[..., None]
        side = side * change.scale.numpy()[:, None]
        patches, transform, image_size, read = self._cut(
            store, rows, batch['valid'].numpy(), center, side, rotation.numpy(), mirrored.numpy())
        color = None if change.color is None else change.color.numpy()[:, None]  # (B,1,3)
        image = torch.from_numpy(normalize_image(patches[..., self.columns, :], color))
        valid = torch.from_numpy(read)
        return batch | dict(
            inputs=dict(batch.get('inputs', {}), image=image), valid=valid, scored=batch['scored'] & valid,
            box_center=torch.from_numpy(center).float(), box_size=torch.from_numpy(side).float(),
            image_size=torch.from_numpy(image_size), right=right, crop_transform=transform, crop_mirrored=mirrored,
            crop_rotation=rotation, crop_side=self.size, crop_columns=self.columns)

    def _sides(self, boxes: np.ndarray, tight: bool) -> np.ndarray:
        """Sides ``(B,T)`` of the squares of boxes ``(B,T,4)``, pixels."""
        extent = boxes[..., 2:] if self.aspect is None else expand_to_aspect(boxes[..., 2:], self.aspect)
        return extent.max(-1) * (self.rescale if tight else 1.0)

    def _cut(self, store: SequenceStore, rows, valid, center, side, rotation, mirrored):
        """Cut out frames, all ``(B,T,...)``.

        Returns:
            Squares ``(B,T,H,H,3)`` uint8 RGB, black where there is none; maps ``(B,T,2,3)`` from the image; image sizes
            ``(B,T,2)`` float32; which frames were read, ``(B,T)``.
        """
        patches, read = np.zeros((*rows.shape, self.size, self.size, 3), np.uint8), valid.copy()
        transform, image_size = np.tile(np.eye(2, 3), (*rows.shape, 1, 1)), np.ones((*rows.shape, 2), np.float32)
        images = {}
        for place in zip(*np.nonzero(valid)):
            row = rows[place]
            name = str(store.frames['file'][row])
            try:
                if name not in images:
                    images[name] = self._picture(store, name, row)
                image_size[place] = images[name].shape[1::-1]
                patches[place], transform[place] = crop_image(
                    images[name], center[place], side[place], self.size, float(rotation[place]), bool(mirrored[place]),
                    self.antialias, store.info.get('mirror_axis', 'x'))
            except (OSError, ValueError, cv2.error) as error:
                read[place] = False
                self._skip(Path(store.info.get('root', '')) / name, error)
        return patches, transform, image_size, read

    @staticmethod
    def _picture(store: SequenceStore, name: str, row: int) -> np.ndarray:
        if store.pictures is not None:
            image = store.pictures[name]
            if image is None:
                raise OSError('the picture is damaged')
            return image
        span = store.frames['span'][row] if 'span' in store.frames else None
        return decode_labelled(read_picture(store.info['root'], name, span), store.frames['image_size'][row])

    def _skip(self, path: Path, error: Exception) -> None:
        self.skipped[next(reason for kind, reason in REASONS.items() if isinstance(error, kind))] += 1
        if path not in self._named:
            self._named.add(path)
            MMLogger.get_current_instance().warning(f'{path} is skipped: {" ".join(str(error).split())}')
