"""Labels of hands and bodies as a crop shows them: the targets of mesh recovery.

What happens to a picture happens to its labels, in this order, seen with a box (centre c, side s, turned by r) around
an L::

     the image          1. mirror          2. turn by r        3. cut
    +------------+     +------------+     +------------+
    | +----+     |     |     +----+ |     |      .     |      +------+
    | | |  |     |     |     |  | | |     |    .' `.   |      |    / |     the box is turned clockwise, so the J that
    | | |c |     | --> |     | c| | | --> |   < c |`.  | -->  |  c/  |     is in it turns the other way;
    | | |__|     |     |     |__| | |     |    `._|.'  |      |`./   |     places are (u - c) / s in [-0.5, 0.5]
    | +----+     |     |     +----+ |     |      `     |      +------+
    +------------+     +------------+     +------------+

1. **Mirror** left hands, so that every hand is a right one, and half of the bodies: x changes its sign (in the image u
   becomes W - 1 - u), and with it two of three numbers of a rotation vector, (a, b, c) -> (a, -b, -c). In a mirrored
   body left is right, so its joints change places; a mirrored hand is the other hand, whose joints have the same names.
   Of a camera that lies on its side y changes its sign instead (``mirror_axis`` of the store; it has no rotations).
2. **Turn** joints and the root about the optical axis. All other rotations are relative to their parents and stay.
3. **Cut**: keypoints take all three steps at once, by the map that the crop was cut with. Joints, vertices and the root
   stay in the axes of the camera, metres, wherever the box is.
4. **Mask**: labels of a frame whose image is not there do not count.

Each step is a function of a dict of labels: ``keypoints (B,T,J,2)`` and ``keypoint_conf (B,T,J)``, ``joints (B,T,J,3)``
and ``visible (B,T,J)``, ``pose (B,T,K,3)`` rotation vectors, and whatever else goes through unchanged.
"""
import numpy as np
import torch
from torch import Tensor

from ...body_models.labelled import TrueBodies
from ...geometry.crops import apply_affine, crop_units
from ...geometry.rotations import so3_exp, so3_log
from ...registry import TRANSFORMS
from ...structures import get_skeleton

SWAPPED = dict(keypoints=-2, keypoint_conf=-1, keypoint_visible=-1, visible=-1)
"""Labels of joints whose left and right change places in a mirrored body, with the dimension of the joints."""


@TRANSFORMS.register_module()
class MeshTargets:
    """The targets of a crop, see above; left hands come out mirrored.

    Reads the crop of :class:`.DecodeCrop` and the rows of the store. Sets the fields ``joints``, ``visible``,
    ``keypoints`` (in crop units, see :func:`~mmegopose.geometry.crops.crop_units`), ``keypoint_conf``,
    ``global_orient``, ``body_pose``, ``betas``, ``has_pose`` and ``has_betas``; where they are known also ``vertices``
    and, where the store has them, ``keypoint_visible``, ``image_id`` and ``area``. Their shapes are in
    :data:`mmegopose.structures.sample.FIELDS`.

    Args:
        vertices: give the true vertices, where they are stored or there are body models.
        body_models: options of :class:`.SkinnedModel` by gender; joints and vertices are then those of these models.
    """

    def __init__(self, vertices: bool = False, body_models: dict | None = None):
        self.vertices = vertices
        self.bodies = TrueBodies(body_models) if vertices and body_models else None

    def __call__(self, batch: dict) -> dict:
        labels = self._labels(batch)
        labels = mirror_labels(labels, batch['crop_mirrored'], swap_of(batch['skeleton']),
                               batch.get('mirror_axis', 'x'))
        labels = mask_labels(turn_labels(labels, batch['crop_rotation']), batch['valid'])
        rotations = so3_exp(labels.pop('pose')).float()
        batch.update(labels, global_orient=rotations[:, :, :1], body_pose=rotations[:, :, 1:])
        return batch

    def _labels(self, batch: dict) -> dict:
        """Labels of the rows in the axes of their cameras, keypoints in the crop."""
        frames, rows = batch['store'].frames, batch['rows']
        labels = {name: torch.from_numpy(frames[name][rows]) for name in ('pose', 'betas', 'has_pose', 'has_betas')}
        points, confidence = cut_keypoints(frames['keypoints'][rows], batch['crop_transform'], batch['crop_side'])
        joints = torch.from_numpy(frames['joints'][rows])  # (B,T,J,4)
        labels |= dict(keypoints=points.float(), keypoint_conf=confidence, joints=joints[..., :3],
                       visible=joints[..., 3] > 0)
        labels |= {name: torch.from_numpy(frames[name][rows]) for name in ('keypoint_visible', 'image_id', 'area')
                   if name in frames}
        if self.bodies is not None:
            known = labels['has_pose'] & labels['has_betas'] & batch['valid']
            labels['joints'], labels['vertices'] = self.bodies(
                frames['gender'][rows], labels['pose'], labels['betas'], joints[:, :, 0, :3], known)
            labels['visible'] = known[..., None].expand(labels['joints'].shape[:-1])
        elif self.vertices and 'vertices' in frames:
            labels['vertices'] = torch.from_numpy(frames['vertices'][rows])
        return labels


def swap_of(skeleton: str) -> list | None:
    """Permutation that swaps the left and right joints of a body; None for a hand."""
    flip = list(get_skeleton(skeleton).flip)
    return None if flip == sorted(flip) else flip


def cut_keypoints(keypoints: np.ndarray, transform: np.ndarray, side: int) -> tuple[Tensor, Tensor]:
    """Keypoints of an image as places in a crop of it.

    Args:
        keypoints: ``(B,T,J,3)`` pixels of the image, and confidence.
        transform: ``(B,T,2,3)`` map from pixels of the image to pixels of the crop.
        side: of the crop, in its pixels.

    Returns:
        ``(B,T,J,2)`` float64 in crop units, and confidence ``(B,T,J)``.
    """
    points = apply_affine(keypoints[..., :2], transform)
    return torch.from_numpy(crop_units(points, side)), torch.from_numpy(keypoints[..., 2].copy())


def mirror_labels(labels: dict, mirrored: Tensor, swap: list | None, axis: str = 'x') -> dict:
    """Step 1, where ``mirrored (B,T)``; ``swap`` as of :func:`swap_of`, ``axis`` as of :func:`mirror_joints`. Keypoints
    are mirrored already, by the map of the crop."""
    if not mirrored.any():
        return labels
    changed = dict(pose=mirror_pose(labels['pose'], swap), joints=mirror_joints(labels['joints'], swap, axis))
    if 'vertices' in labels:
        changed['vertices'] = mirror_joints(labels['vertices'], axis=axis)
    if swap is not None:
        index = torch.tensor(swap)
        changed |= {name: labels[name].index_select(dim, index) for name, dim in SWAPPED.items() if name in labels}
    return labels | {name: torch.where(mirrored[(..., *[None] * (value.ndim - mirrored.ndim))], value, labels[name])
                     for name, value in changed.items()}


def turn_labels(labels: dict, rotation: Tensor) -> dict:
    """Step 2, of a box that is turned by ``rotation (B,T)`` radians."""
    pose = labels['pose']
    pose = torch.cat([turn_orientation(pose[:, :, :1], rotation[..., None]), pose[:, :, 1:]], 2)
    turned = {name: turn_joints(labels[name], rotation) for name in ('joints', 'vertices') if name in labels}
    return labels | turned | dict(pose=pose, joints=turned['joints'].float())


def mask_labels(labels: dict, valid: Tensor) -> dict:
    """Step 4: only frames that are ``valid (B,T)`` have labels that count."""
    return labels | dict(
        visible=labels['visible'] & valid[..., None],
        keypoint_conf=(labels['keypoint_conf'] * valid[..., None]).float(),
        has_pose=labels['has_pose'] & valid, has_betas=labels['has_betas'] & valid)


def mirror_pose(pose: Tensor, swap: list | tuple | None = None) -> Tensor:
    """Rotation vectors ``(...,J,3)`` of the mirrored body: x stays, y and z change their sign.

    Args:
        swap: permutation of left and right joints, ``Skeleton.flip``; None for hands, whose mirror image is the other
            hand.
    """
    pose = pose if swap is None else pose[..., list(swap), :]
    return pose * pose.new_tensor([1, -1, -1])


def mirror_joints(joints: Tensor, swap: list | tuple | None = None, axis: str = 'x') -> Tensor:
    """Joints ``(...,J,3)`` of the mirrored body, x or, by ``axis``, y negated; ``swap`` as for :func:`mirror_pose`."""
    joints = joints if swap is None else joints[..., list(swap), :]
    return joints * joints.new_tensor([-1, 1, 1] if axis == 'x' else [1, -1, 1])


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
