"""Crops of hands and bodies with their 2D pose in, meshes as targets."""
import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor
from torch.utils.data import Dataset

from ..body_models.labelled import TrueBodies
from ..geometry.crops import apply_affine, crop_units
from ..geometry.rotations import so3_exp
from ..registry import DATASETS, FUNCTIONS
from ..rendering.skeleton_images import MIN_CONFIDENCE, draw_heatmaps, draw_skeletons, pose_array
from ..structures import PoseDataSample
from ..synthesis.figures import Body, Hand
from ..synthesis.pose_errors import CorruptPose
from .image_store import ImageStore, keypoint_boxes
from .random import KeyedRandom
from .readers.images.detections import read_detections
from .transforms.crop_augment import (
    CropAugment,
    extreme_crop,
    mirror_joints,
    mirror_pose,
    random_crop,
    turn_joints,
    turn_orientation,
)
from .transforms.decode_crop import CropReader

POSE_STREAMS = dict(image='pose_image', heatmap='pose_heatmap', array='pose_array')


@DATASETS.register_module()
class ImageMeshDataset(Dataset):
    """Crops of one hand or person each, or clips of them, from the official files of a data set.

    Left hands are mirrored, so that every hand is a right one. A frame whose image cannot be read is skipped: single
    images leave the batch, which gets smaller; in a clip the frame counts as padding. Each file is logged once, and
    ``crop.skipped`` counts them by reason.

    Streams: ``image (B,T,3,H,W)``; that of the 2D pose, ``pose_image`` alike, ``pose_heatmap (B,T,J,h,w)`` or
    ``pose_array (B,T,J,3)``, with ``pose_detected (B,T)``; ``valid (B,T)``.

    Args:
        reader: config of a reader, e.g. ``dict(type='FreiHAND', root=..., split='training')``: ``FreiHAND``, ``HO3D``,
            ``HInt``, ``HaMeRNpz``, ``HaMeRTar``, ``COCOWholeBodyHand``, ``PW3D``, ``EMDB`` or your own function that
            returns an :class:`.ImageStore`; or a store.
        crop: arguments of :class:`.CropReader`, e.g. ``dict(rescale=2.0, size=256, width=192)``.
        pose_form: form of the 2D pose: ``'image'``, ``'heatmap'``, ``'array'``, or None for none.
        frames: frames of a clip, T; more than 1 needs videos.
        stride: frames from one clip to the next in training; None: T. In tests every frame comes once.
        detections: file of 2D poses from a detector, see :func:`.read_detections`; without it they are the labels.
        augment: arguments of :func:`.random_crop` in training, and ``extreme_prob`` of :func:`.extreme_crop`; False:
            no augmentation. Bodies are mirrored in half of the samples by default.
        corruption: arguments of :class:`.CorruptPose` for the 2D poses in training; False: none.
        heatmap_size: side of the heatmaps of the square crop.
        test_mode: no randomness, true vertices where known, and the sequences for the metrics.
        seed: seed of augmentation and corruption.

    Raises:
        FileNotFoundError: a file or folder of the data set is missing; the message says what should be there.
        ValueError: an option that does not fit the data, or no usable sample.
    """

    def __init__(self, reader: dict | ImageStore, crop: dict | None = None, pose_form: str | None = 'image',
                 frames: int = 1, stride: int | None = None, detections: str | None = None,
                 augment: dict | bool | None = None, corruption: dict | bool | None = None, heatmap_size: int = 64,
                 test_mode: bool = False, seed: int = 0):
        if pose_form not in (*POSE_STREAMS, None):
            raise ValueError(f'pose_form={pose_form!r} should be one of {list(POSE_STREAMS)} or None')
        self.store = store = reader if isinstance(reader, ImageStore) else FUNCTIONS.build(reader)
        self.name, self.split = ('images', None) if isinstance(reader, ImageStore) else \
            (reader['type'], reader.get('split'))
        if frames < 1 or frames > 1 and not store.video:
            raise ValueError(f'frames={frames} needs a data set of videos; {self.name} has single images, frames=1')
        self.pose_form, self.heatmap_size, self.test_mode, self.seed = pose_form, heatmap_size, test_mode, seed
        self.crop = CropReader(store, **(crop or {}))
        self.body = store.kind == 'body'
        figure = Body if self.body else Hand
        self.skeleton = figure.skeleton
        self.augment = self._augment_options(augment)
        self.corrupt = None if test_mode or corruption is False or pose_form is None else \
            CorruptPose(self.skeleton, **(corruption or {}))
        self.poses_2d = read_detections(detections, store) if detections else store.keypoints
        self.bodies = TrueBodies(store.body_models) if test_mode and store.body_models else None
        self.rows, self.padded = store.clips(frames, (frames if test_mode else stride) or frames)
        self._log_summary(detections)

    def _augment_options(self, augment) -> dict | None:
        if self.test_mode or augment is False:
            return None
        options = dict(flip_prob=0.5 if self.body else 0.0) | dict(augment or {})
        if not self.body and (options['flip_prob'] or options.get('extreme_prob')):
            raise ValueError('augment: flip_prob and extreme_prob are for bodies; a mirrored right hand is a left one')
        return options

    def _log_summary(self, detections) -> None:
        logger = MMLogger.get_current_instance()
        logger.info(f'{self.name} {self.split or ""}: {len(self)} samples of {self.rows.shape[1]} frames from '
                    f'{self.store.root}')
        for reason, count in sorted(self.store.report.items()):
            logger.info(f'  left out: {count} {reason}')
        if self.pose_form and self.test_mode and not detections:
            logger.warning('the 2D poses of the test are the labels, so its results are too good; give detections=')

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sequence_bounds(self) -> np.ndarray:
        """``(S+1,)``: samples of video s are ``bounds[s]:bounds[s+1]``; single images are one sequence."""
        take = self.store.sequence[self.rows[:, 0]]
        if (np.diff(take) < 0).any():
            raise ValueError(f'the samples of {self.name} are not in the order of its videos; use a DefaultSampler')
        return np.searchsorted(take, np.arange(max(len(self.store.sequences), 1) + 1))

    @property
    def metainfo(self) -> dict:
        """Plain facts for checkpoints; in test mode also ``sequences`` with the frames to score."""
        info = dict(dataset_name=self.name, skeleton=self.skeleton.name, split=self.split)
        if self.test_mode:
            store = self.store
            names = store.sequences or [dict(uid=self.name, name=self.name, root_dir='')]
            info['sequences'] = [dict(name, frame_ids=np.sort(store.frame[store.sequence == i]))
                                 for i, name in enumerate(names)]
        return info

    def __getitem__(self, key: int) -> dict:
        return self.__getitems__([key])

    def __getitems__(self, keys) -> dict:
        """A batch; ``key = epoch * len(self) + index`` (the epoch only varies augmentation and corruption).

        Raises ``ValueError`` if no image of the batch can be read.
        """
        keys = np.asarray(keys, np.int64)
        index, random = keys % len(self), KeyedRandom(keys, self.seed)
        rows, padded = self.rows[index], self.padded[index].copy()  # (B,T)
        augment = self._draw(len(keys), random)
        center, side = self._boxes(rows, augment, random)
        mirrored = ~self.store.right[rows] ^ augment.flip.numpy()[:, None]  # (B,T)
        rotation = augment.rotation[:, None].expand(rows.shape)
        patches, transforms, image_size = self.crop(rows, padded, center, side, rotation.numpy(), mirrored)
        if padded.all():
            raise ValueError(f'no image of a batch can be read; skipped so far: {dict(self.crop.skipped)}')
        color = None if self.augment is None else augment.color.numpy()[:, None]  # (B,1,3)
        inputs = dict(image=self.crop.normalized(patches, color), valid=torch.from_numpy(~padded))
        mirrored = torch.from_numpy(mirrored)
        if self.pose_form:
            inputs |= self._pose_streams(*self._points(self.poses_2d[rows], transforms, mirrored), random)
        fields = self._targets(rows, transforms, mirrored, rotation, inputs['valid'])
        fields |= dict(
            box_center=torch.from_numpy(center).float(), box_size=torch.from_numpy(side).float(),
            image_size=torch.from_numpy(image_size), right=torch.from_numpy(self.store.right[rows]),
            frame_ids=torch.from_numpy(self.store.frame[rows]),
            sequence=torch.from_numpy(self.store.sequence[rows[:, 0]]),
            scored=inputs['valid'].clone(), index=torch.from_numpy(index))
        kept = inputs['valid'].any(1)
        if not kept.all():
            inputs, fields = ({name: value[kept] for name, value in part.items()} for part in (inputs, fields))
        sample = PoseDataSample()
        sample.set_data(fields)
        return dict(inputs=inputs, data_samples=sample)

    def _draw(self, count: int, random: KeyedRandom) -> CropAugment:
        if self.augment is not None:
            return random_crop(random, **{k: v for k, v in self.augment.items() if k != 'extreme_prob'})
        zeros, ones = torch.zeros(count, 2), torch.ones(count, 3)
        return CropAugment(ones[:, 0], zeros[:, 0], zeros, ones, torch.zeros(count, dtype=torch.bool))

    def _boxes(self, rows, augment: CropAugment, random: KeyedRandom):
        """Centres ``(B,T,2)`` and sides ``(B,T)`` of the square crops, float64 pixels."""
        boxes = self.store.boxes[rows].astype(np.float64)  # (B,T,4)
        if self.augment and self.augment.get('extreme_prob'):
            keypoints = self.store.keypoints[rows]
            seen = torch.from_numpy(keypoints[:, 0, :, 2])
            cut = extreme_crop(random, seen, self.skeleton, self.augment['extreme_prob'])  # (B,J)
            changed = (cut != seen).any(-1).numpy()
            keypoints[changed, :, :, 2] *= (cut[changed] > 0).numpy()[:, None]
            smaller = keypoint_boxes(keypoints[changed].reshape(-1, *keypoints.shape[2:]))
            smaller = smaller.reshape(-1, rows.shape[1], 4)
            boxes[changed] = np.where((smaller[..., 2:] > 0).all(-1, keepdims=True), smaller, boxes[changed])
        side = self.crop.sides(boxes)
        center = boxes[..., :2] + augment.shift.numpy()[:, None] * side[..., None]
        return center, side * augment.scale.numpy()[:, None]

    def _points(self, keypoints: np.ndarray, transforms: np.ndarray, mirrored: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints ``(B,T,J,3)`` of the image as pixels ``(B,T,J,2)`` of the crop and confidence ``(B,T,J)``."""
        points = torch.from_numpy(apply_affine(keypoints[..., :2], transforms))
        confidence = torch.from_numpy(keypoints[..., 2].copy())
        if self.body:
            points = torch.where(mirrored[..., None, None], points[:, :, self.skeleton.flip], points)
            confidence = torch.where(mirrored[..., None], confidence[:, :, self.skeleton.flip], confidence)
        return points, confidence

    def _pose_streams(self, points: Tensor, confidence: Tensor, random: KeyedRandom) -> dict:
        if self.corrupt is not None:
            points, confidence = self.corrupt(points, confidence, random)
        lead, flat, seen = confidence.shape[:2], points.flatten(0, 1), confidence.flatten(0, 1)
        if self.pose_form == 'image':
            images = draw_skeletons(flat.numpy(), seen.numpy(), self.skeleton.style, self.crop.size)
            stream = self.crop.normalized(images.reshape(*lead, *images.shape[1:]))
        elif self.pose_form == 'heatmap':
            side, scale = self.heatmap_size, self.heatmap_size / self.crop.size
            columns = slice(round(self.crop.columns.start * scale), round(self.crop.columns.stop * scale))
            maps = draw_heatmaps(flat, seen, (side, side), self.crop.size)
            stream = maps[..., columns].unflatten(0, lead).contiguous()
        else:
            stream = pose_array(flat, seen, self.crop.size).unflatten(0, lead)
        return {POSE_STREAMS[self.pose_form]: stream, 'pose_detected': (confidence >= MIN_CONFIDENCE).any(-1)}

    def _targets(self, rows, transforms, mirrored: Tensor, rotation: Tensor, valid: Tensor) -> dict:
        store, flip = self.store, self.skeleton.flip if self.body else None
        points, confidence = self._points(store.keypoints[rows], transforms, mirrored)
        pose, joints, betas = (torch.from_numpy(values[rows]) for values in (store.pose, store.joints, store.betas))
        known = torch.from_numpy(store.has_pose[rows] & store.has_betas[rows]) & valid
        visible, joints, vertices = joints[..., 3] > 0, joints[..., :3], None
        flipped = mirrored[..., None, None]
        if self.bodies is not None:
            joints, vertices = self.bodies(store.gender[rows], pose, betas, joints[:, :, 0], known)
            visible = known[..., None].expand(joints.shape[:-1])
        else:
            visible = visible if flip is None else torch.where(flipped[..., 0], visible[:, :, flip], visible)
            joints = torch.where(flipped, mirror_joints(joints, flip), joints)
            if self.test_mode and store.vertices is not None:
                vertices = torch.from_numpy(store.vertices[rows])
        pose = torch.where(flipped, mirror_pose(pose, flip), pose)
        pose = torch.cat([turn_orientation(pose[:, :, :1], rotation[..., None]), pose[:, :, 1:]], 2)
        rotations, there = so3_exp(pose).float(), valid
        fields = dict(
            joints=turn_joints(joints, rotation).float(), visible=visible & there[..., None],
            keypoints=crop_units(points, self.crop.size).float(), keypoint_conf=(confidence * there[..., None]).float(),
            global_orient=rotations[:, :, :1], body_pose=rotations[:, :, 1:], betas=betas,
            has_pose=torch.from_numpy(store.has_pose[rows]) & there,
            has_betas=torch.from_numpy(store.has_betas[rows]) & there)
        if vertices is not None:
            fields['vertices'] = torch.where(flipped, mirror_joints(vertices), vertices)
        if store.occluded is not None:
            fields['keypoint_visible'] = torch.from_numpy(~store.occluded[rows])
        return fields
