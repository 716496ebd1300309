"""Joints of hands in pictures and videos, by models of the hand task of Ego-Exo4D."""
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from ...datasets.transforms.crop_augment import CropChange
from ...datasets.transforms.mesh_targets import mirror_joints, turn_joints
from ...geometry.root_translation import root_translation
from ...motion import Motion
from ...registry import INFERENCERS
from ...structures import PoseDataSample
from .full_camera import image_camera
from .image_windows import image_windows
from .mesh_inferencer import MeshInferencer

QUARTER = math.pi / 2
MIN_KEYPOINTS = 6  # that place a hand; with fewer its box does


@INFERENCERS.register_module()
class HandInferencer(MeshInferencer):
    """The 21 joints of every hand in pictures or a video, in the camera of the image.

    ::

        hands = HandInferencer('configs/ego_hand/hp-vit-base_egoexo4d-hand.py', 'iter_40000.pth')
        motion, = hands('hand.jpg', boxes=(120, 80, 340, 300), right=False, field_of_view=90)
        motions = hands('frames/', poses='openpose_folder', intrinsics=(150, 150, 255.5, 255.5), upright=False)

    The model tells joints from the wrist. Where that is, the 2D poses tell, at which the joints should be seen (least
    squares); without them the model itself, if it says where it sees the joints (``keypoints`` of its head), or else,
    much more roughly, the box, which they should fill. :meth:`.Motion.to_world` brings them to the world, with the
    poses of the camera.

    Args:
        kwargs: see :class:`.Inferencer`.

    Raises:
        ValueError: the config of a data set that does not tell how to crop.
    """
    datasets: tuple = ('EgoExo4DHandDataset',)
    upright = True

    def _set_model(self) -> None:
        self.kind, self.reported = 'hand', 'hand21'

    def __call__(self, images, *, upright: bool = True, **kwargs) -> list[Motion]:
        """The hands of a picture, of pictures, or of a video.

        Args:
            images: what :func:`.open_images` takes.
            upright: False: the pictures lie on their side, as those that the model was trained on: x is down the body,
                and y to the wearer's left.
            kwargs: see :meth:`.MeshInferencer.__call__`, but for ``mesh``.

        Returns:
            A Motion for each hand, in the axes of the camera as the pictures are.

        Raises:
            as :meth:`.MeshInferencer.__call__`.
        """
        if not isinstance(upright, bool):
            raise ValueError(f'upright={upright!r} should be True or False')
        if kwargs.pop('mesh', False):
            raise ValueError('mesh=True: the models of HandInferencer tell joints only; see MeshInferencer')
        self.upright = upright
        known = kwargs.get('intrinsics') is not None or kwargs.get('field_of_view') is not None
        facts = dict(upright=upright, camera='known' if known else 'unknown')
        return [replace(motion, provenance=motion.provenance | facts)
                for motion in super().__call__(images, mesh=False, **kwargs)]

    def _windows(self, shots, subjects, rows):
        facts = dict(mirror_axis='x' if self.upright else 'y', mirror_left=self.dataset.get('mirror_left', True))
        data = image_windows(shots, subjects, rows, self.kind, self.options, facts)
        if self.upright:
            data.pipeline.transforms.insert(0, lay_on_side)
        return data

    def _placed(self, sample: PoseDataSample, data, intrinsics, field_of_view, mesh) -> Iterator[tuple[int, dict]]:
        if 'pred_joints' not in sample:
            raise ValueError(f'the model gives no joints, only {sorted(sample.keys())}')
        rows, good = data.windows.rows(sample.index.cpu().numpy(), None).rows, sample.scored.cpu()
        if not good.any():
            return
        rows, mirrored = rows[good.numpy()], sample.crop_mirrored.cpu()[good]
        joints = self._as_pictured(sample.pred_joints.cpu()[good].double(), mirrored)  # (n,21,3)
        cameras = np.stack([image_camera((float(w), float(h)), field_of_view, intrinsics)
                            for w, h in sample.image_size.cpu()[good].numpy()])
        keypoints = data.store.frames['keypoints'][rows]
        if 'pred_keypoints' in sample:
            seen = torch.nn.functional.pad(sample.pred_keypoints.cpu()[good].double(), (0, 1))
            seen = self._as_pictured(seen, mirrored)
            seen[..., :2] *= sample.box_size.cpu()[good].numpy()[:, None, None]
            seen[..., :2] += sample.box_center.cpu()[good].numpy()[:, None]
            seen[..., 2] = 1
            few = (keypoints[..., 2] > 0).sum(1) < MIN_KEYPOINTS
            keypoints = np.where(few[:, None, None], seen, keypoints)
        places = place_hands(joints, keypoints, data.store.frames['box'][rows], cameras)
        for row, one, place in zip(rows, joints, places):
            yield int(row), dict(joints=(one + place).astype(np.float32))

    def _as_pictured(self, points: torch.Tensor, mirrored: torch.Tensor) -> np.ndarray:
        """Points of crops ``(n,21,3)``, mirrored where ``mirrored (n,)``, in the axes of the pictures."""
        if self.upright:
            points = turn_joints(points, torch.full((len(points),), -QUARTER))
        back = mirror_joints(points, axis='x' if self.upright else 'y')
        return torch.where(mirrored[:, None, None], back, points).numpy()


def lay_on_side(batch: dict) -> dict:
    """The transform that cuts crops of upright pictures as if these lay on their side: a quarter turn."""
    change = CropChange.none(len(batch['rows']))
    change.rotation = torch.full((len(batch['rows']),), QUARTER)
    box = batch['store'].frames['box'][batch['rows']]
    return batch | dict(crop_change=change, box=box[..., [0, 1, 3, 2]])


def place_hands(joints: np.ndarray, keypoints: np.ndarray, boxes: np.ndarray, cameras: np.ndarray) -> np.ndarray:
    """Translations ``(n,3)``, metres, that bring hands to where the camera sees them.

    Args:
        joints: ``(n,J,3)`` metres in camera axes.
        keypoints: ``(n,J,3)`` pixels and confidence; those of a hand that has fewer than six are not used.
        boxes: ``(n,4)`` tight, centre and size, pixels.
        cameras: ``(n,4)``: ``fx, fy, cx, cy``, pixels.
    """
    low, high = joints[..., :2].min(1), joints[..., :2].max(1)
    scale = boxes[:, 2:].max(1) / np.maximum((high - low).max(1), 1e-6)  # pixels a metre, as if at one depth
    filled = boxes[:, None, :2] + (joints[..., :2] - (low + high)[:, None] / 2) * scale[:, None, None]
    seen = (keypoints[..., 2] > 0) & ((keypoints[..., 2] > 0).sum(1, keepdims=True) >= MIN_KEYPOINTS)
    by_box = ~seen.any(1)
    points = np.where(by_box[:, None, None], filled, keypoints[..., :2])
    rays = (points - cameras[:, None, 2:]) / cameras[:, None, :2]
    weight = np.where(by_box[:, None], 1.0, keypoints[..., 2] * seen)
    found, _, _ = root_translation(joints, rays, np.array([1.0, 1, 0, 0]), weight)
    depth = cameras[:, 0] / scale
    rough = np.c_[(boxes[:, :2] - cameras[:, 2:]) / cameras[:, :2] * depth[:, None] - (low + high) / 2, depth]
    return np.where(np.isfinite(found).all(-1, keepdims=True), found, rough)
