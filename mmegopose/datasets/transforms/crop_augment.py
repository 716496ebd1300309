"""Augmentation of image crops.

The distributions are those of HMR2 and HaMeR (Goel et al., ICCV 2023; Pavlakos et al., CVPR 2024).
"""
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...geometry.crops import keypoint_boxes
from ...registry import TRANSFORMS
from ...structures import Skeleton, get_skeleton
from ..random import KeyedRandom, check_shares
from ..store import SequenceStore

# Parts of joint names that lie below the hips, the shoulders and the neck.
_BELOW_HIPS = ('knee', 'ankle', 'foot', 'toe', 'heel')
_BELOW_SHOULDERS = (*_BELOW_HIPS, 'hip', 'pelvis', 'spine', 'elbow', 'wrist', 'hand', 'thumb')
_BELOW_NECK = (*_BELOW_SHOULDERS, 'shoulder', 'clavicle', 'collar', 'thorax')


@TRANSFORMS.register_module()
class CropAugment:
    """Draws how the crops of a batch differ from the boxes of the labels; :class:`.DecodeCrop` cuts them so.

    All frames of a window change alike. Sets ``crop_change``, a :class:`CropChange`, and with ``extreme_prob`` also
    ``box (B,T,4)``.

    Args:
        extreme_prob: share of the bodies that are cut off below hips, shoulders or neck, see :func:`extreme_crop`.
        options: see :func:`random_crop`.

    Raises:
        ValueError: cut-off hands; mirrored ones where the model sees right hands only.
    """

    def __init__(self, extreme_prob: float = 0.0, **options):
        check_shares(extreme_prob=extreme_prob)
        self.extreme_prob, self.options = extreme_prob, options
        random_crop(KeyedRandom([0]), **options)  # tells unknown options

    def bind(self, store: SequenceStore) -> None:
        """Check that the options are for what the store shows."""
        self.skeleton = get_skeleton(store.info['skeleton'])
        if store.info['kind'] != 'hand':
            return
        one_side = store.info.get('mirror_left', True)
        if self.extreme_prob or (one_side and self.options.get('flip_prob')):
            raise ValueError('augment: flip_prob and extreme_prob are for bodies; a mirrored right hand is a left one')

    def __call__(self, batch: dict) -> dict:
        batch['crop_change'] = random_crop(batch['random'], **self.options)
        if self.extreme_prob:
            frames, rows = batch['store'].frames, batch['rows']
            batch['box'] = self._cut_off(batch['random'], frames['box'][rows], frames['keypoints'][rows])
        return batch

    def _cut_off(self, random: KeyedRandom, boxes: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
        """Boxes ``(B,T,4)`` around what is left of bodies with ``keypoints (B,T,J,3)``; the first frame decides."""
        seen = torch.from_numpy(keypoints[:, 0, :, 2])
        cut = extreme_crop(random, seen, self.skeleton, self.extreme_prob)  # (B,J)
        changed = (cut != seen).any(-1).numpy()
        keypoints[changed, :, :, 2] *= (cut[changed] > 0).numpy()[:, None]
        smaller = keypoint_boxes(keypoints[changed])
        boxes[changed] = np.where((smaller[..., 2:] > 0).all(-1, keepdims=True), smaller, boxes[changed])
        return boxes


@dataclass
class CropChange:
    """How the crops of a batch differ from their boxes.

    Attributes:
        scale: ``(B,)`` factor of the size of the box.
        rotation: ``(B,)`` of the box, radians.
        shift: ``(B,2)`` of the centre of the box, as a share of its size before ``scale``.
        color: ``(B,3)`` factors of the channels.
        flip: ``(B,)`` bool, mirrored.
    """
    scale: Tensor
    rotation: Tensor
    shift: Tensor
    color: Tensor | None
    flip: Tensor

    @classmethod
    def none(cls, count: int) -> 'CropChange':
        """Crops as the boxes are; the colours stay."""
        zeros = torch.zeros(count, 2)
        return cls(torch.ones(count), zeros[:, 0], zeros, None, torch.zeros(count, dtype=torch.bool))


def random_crop(random: KeyedRandom, scale: float = 0.3, rotation: float = math.radians(30), rotate_prob: float = 0.6,
                shift: float = 0.02, color: float = 0.2, flip_prob: float = 0.0) -> CropChange:
    """Draw the crops of a batch; the defaults are those of HaMeR.

    Args:
        random: decides everything, one key for each sample.
        scale, shift: standard deviation of the factor and of the shift, both cut off at one deviation.
        rotation: standard deviation in radians, cut off at two.
        rotate_prob: share of the samples that are rotated.
        color: largest change of a channel's factor.
        flip_prob: share of mirrored samples: 0 for hands, 0.5 for bodies.
    """
    check_shares(rotate_prob=rotate_prob, flip_prob=flip_prob)
    turned = random.uniform() < rotate_prob
    return CropChange(
        scale=1 + scale * random.normal().clamp(-1, 1),
        rotation=rotation * random.normal().clamp(-2, 2) * turned,
        shift=shift * random.normal(2).clamp(-1, 1),
        color=random.uniform(3, low=1 - color, high=1 + color),
        flip=random.uniform() < flip_prob)


def extreme_crop(random: KeyedRandom, confidence: Tensor, skeleton: Skeleton, prob: float = 0.1) -> Tensor:
    """Leave out the lower part of some bodies, so that a box around the rest cuts them off.

    A whole body ends at the hips (70 % of the crops), the shoulders (20 %) or the neck (10 %), one without legs at the
    shoulders (90 %) or the neck, after HMR2. A body of which fewer than two joints would remain stays whole.

    Args:
        random: decides everything, one key for each sample.
        confidence: ``(B,J)``, zero for joints that are not in the image.
        skeleton: of a body.
        prob: share of bodies that are cut.

    Returns:
        ``(B,J)`` confidence for the box; the joints themselves stay as visible as they are.
    """
    kept = torch.tensor([[not any(part in joint for part in below) for joint in skeleton.joints]
                         for below in (_BELOW_HIPS, _BELOW_SHOULDERS, _BELOW_NECK)])  # (3,J)
    has_legs = ((confidence > 0) & ~kept[0]).any(-1)  # (B,)
    draw = random.uniform()
    level = torch.where(has_legs, (draw >= 0.7).long() + (draw >= 0.9), 1 + (draw >= 0.9).long())
    cut = confidence * kept[level]
    chosen = (random.uniform() < prob) & ((cut > 0).sum(-1) >= 2)
    return torch.where(chosen[:, None], cut, confidence)
