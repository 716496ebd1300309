"""Augmentation of image crops, and what it does to the parameters of a body model.

The distributions are those of HMR2 and HaMeR (Goel et al., ICCV 2023; Pavlakos et al., CVPR 2024).
"""
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry.rotations import so3_exp, so3_log
from ...structures import Skeleton
from ..random import KeyedRandom

# Parts of joint names that lie below the hips, the shoulders and the neck.
_BELOW_HIPS = ('knee', 'ankle', 'foot', 'toe', 'heel')
_BELOW_SHOULDERS = (*_BELOW_HIPS, 'hip', 'pelvis', 'spine', 'elbow', 'wrist', 'hand', 'thumb')
_BELOW_NECK = (*_BELOW_SHOULDERS, 'shoulder', 'clavicle', 'collar', 'thorax')


@dataclass
class CropAugment:
    """Random crops of a batch.

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
    color: Tensor
    flip: Tensor


def random_crop(random: KeyedRandom, scale: float = 0.3, rotation: float = math.radians(30), rotate_prob: float = 0.6,
                shift: float = 0.02, color: float = 0.2, flip_prob: float = 0.0) -> CropAugment:
    """Draw the crops of a batch; the defaults are those of HaMeR.

    Args:
        random: decides everything, one key for each sample.
        scale, shift: standard deviation of the factor and of the shift, both cut off at one deviation.
        rotation: standard deviation in radians, cut off at two.
        rotate_prob: share of the samples that are rotated.
        color: largest change of a channel's factor.
        flip_prob: share of mirrored samples: 0 for hands, 0.5 for bodies.
    """
    turned = random.uniform() < rotate_prob
    return CropAugment(
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


def mirror_pose(pose: Tensor, flip: tuple | None = None) -> Tensor:
    """Rotation vectors ``(...,J,3)`` of the mirrored body: x stays, y and z change their sign.

    Args:
        flip: permutation that swaps left and right joints, ``Skeleton.flip``; None for hands, whose mirror image
            is the other hand.
    """
    pose = pose if flip is None else pose[..., list(flip), :]
    return pose * pose.new_tensor([1, -1, -1])


def mirror_joints(joints: Tensor, flip: tuple | None = None) -> Tensor:
    """Joints ``(...,J,3)`` of the mirrored body, x negated; ``flip`` as for :func:`mirror_pose`."""
    joints = joints if flip is None else joints[..., list(flip), :]
    return joints * joints.new_tensor([-1, 1, 1])


def turn_joints(joints: Tensor, rotation: Tensor) -> Tensor:
    """Joints ``(...,J,3)`` in camera axes as a box turned by ``rotation (...,)`` radians shows them."""
    return joints @ _in_plane(rotation, joints).mT


def turn_orientation(global_orient: Tensor, rotation: Tensor) -> Tensor:
    """Rotation vector ``(...,3)`` of the root as a box turned by ``rotation (...,)`` radians shows it."""
    return so3_log(_in_plane(rotation, global_orient) @ so3_exp(global_orient))


def _in_plane(rotation: Tensor, like: Tensor) -> Tensor:
    """``(...,3,3)`` about the optical axis: what is seen turns against the box."""
    rotation = rotation.to(like)
    return so3_exp(torch.stack([torch.zeros_like(rotation), torch.zeros_like(rotation), -rotation], -1))
