"""Pictures of random hands and bodies, drawn while training runs."""
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..datasets.random import KeyedRandom
from ..geometry.crops import normalize_image, project_to_crop
from ..registry import DATASETS
from ..rendering.skeleton_images import draw_skeletons
from ..structures import PoseDataSample
from .figure_motion import SampleMotion
from .figures import make_figure
from .moving_random import MovingRandom
from .pose_errors import CorruptPose
from .scene import draw_window, place_camera

_SPLITS = ('train', 'val')


@DATASETS.register_module()
class SyntheticMeshDataset(Dataset):
    """Renderings of a body model with random pose, shape, light, camera, clutter, occluder and blur.

    Stands in for FreiHAND, 3DPW and the like where these are not at hand: every label is exact. A sample is a function
    of ``(seed, split, key)``, however samples are grouped in batches and workers.

    Args:
        length: samples per epoch.
        image_size: height and width (H, W) of the network's input, the central columns of a square of side H.
        split: ``'train'`` or ``'val'``: never the same samples. ``'val'`` adds vertices and the sequences to score.
        body: ``'open_hand'``, ``'open_body'`` or your file of MANO or SMPL, see :class:`.SkinnedModel`.
        frames: frames T of a sample, at 30 Hz.
        motion: ``'random'``, or ``'sample'``: bodies move as in the embedded sample of real motion, its
            performers for training or for validation.
        rotation: ``'full'``, or ``'limited'``, from which small networks learn in minutes; see
            :meth:`.Hand.pose` and :meth:`.Body.pose`.
        occlusion: share of samples in which something hides a part.
        pose_form: ``'image'`` adds the stream ``pose_image``, the drawn 2D pose of a detector; None: none.
        corruption: errors of the detector, options of :class:`.CorruptPose`, in both splits; False: none.
        fixed: draw the same ``length`` samples in every epoch, else new ones.
        cache: samples whose pictures are kept in memory, in each worker (256 x 256: 0.2 MB per frame); needs ``fixed``,
            and ``persistent_workers`` where there are workers.
        seed: of everything.

    Raises:
        ValueError: an unknown option.
    """

    def __init__(self, length: int, image_size: tuple = (256, 192), split: str = 'train', body: str = 'open_hand',
                 frames: int = 1, motion: str = 'random', rotation: str = 'full', occlusion: float = 0.5,
                 pose_form: str | None = 'image', corruption: dict | bool | None = None, fixed: bool = False,
                 cache: int = 0, seed: int = 0):
        for name, value, known in (('split', split, _SPLITS), ('motion', motion, ('random', 'sample')),
                                   ('rotation', rotation, ('full', 'limited')),
                                   ('pose_form', pose_form, ('image', None))):
            if value not in known:
                raise ValueError(f'{name}={value!r} should be one of {known}')
        if min(length, frames) < 1 or not 0 < image_size[1] <= image_size[0]:
            raise ValueError(f'length={length} and frames={frames} should be positive, image_size={image_size} a '
                             'height and a width that is not larger')
        if cache and not fixed:
            raise ValueError(f'cache={cache} keeps pictures for the next epoch, which has others without fixed=True')
        self.length, self.image_size, self.split, self.frames = length, tuple(image_size), split, frames
        self.rotation, self.occlusion, self.pose_form, self.fixed = rotation, occlusion, pose_form, fixed
        self.cache, self.pictures = cache, {}
        self.seed = 2 * (len(_SPLITS) * seed + _SPLITS.index(split))  # and the next one, for the detector
        self.figure = make_figure(body, SampleMotion(split, frames) if motion == 'sample' else None)
        self.corrupt = None if corruption is False else CorruptPose(self.figure.skeleton, **(corruption or {}))

    def __len__(self) -> int:
        return self.length

    @property
    def sequence_bounds(self) -> np.ndarray:
        """``(S+1,)``: samples of sequence s are ``bounds[s]:bounds[s+1]``; all single pictures are one sequence."""
        return np.array([0, self.length]) if self.frames == 1 else np.arange(self.length + 1)

    @property
    def metainfo(self) -> dict:
        """Plain facts for checkpoints; of ``'val'`` also ``sequences``, the clips with their frames to score."""
        info = dict(dataset_name='synthetic_mesh', skeleton=self.figure.skeleton.name, split=self.split)
        if self.split == 'val':
            bounds = self.sequence_bounds
            info['sequences'] = [dict(uid=f'synthetic/{i}', name=f'synthetic/{i}', root_dir='',
                                      frame_ids=np.arange((end - begin) * self.frames))
                                 for i, (begin, end) in enumerate(zip(bounds[:-1], bounds[1:], strict=True))]
        return info

    def __getitem__(self, key: int) -> dict:
        return self.__getitems__([key])

    def __getitems__(self, keys) -> dict:
        """A batch of clips; ``key = epoch * len(self) + index``."""
        keys = np.asarray(keys, np.int64)
        index = keys % self.length
        keys = index if self.fixed else keys
        pictures, targets = self.render(keys)
        inputs = dict(image=self._normalized(pictures))
        if self.pose_form:
            inputs |= self._detections(targets['keypoints'], KeyedRandom(keys, self.seed + 1))
        if self.split != 'val':
            del targets['vertices']

        lead, side = (len(keys), self.frames), self.image_size[0]
        frame = torch.arange(self.frames).expand(lead)
        index = torch.from_numpy(index)
        single = self.frames == 1
        sample = PoseDataSample()
        sample.set_data(dict(
            targets, index=index, sequence=torch.zeros_like(index) if single else index,
            frame_ids=index[:, None] if single else frame, box_center=torch.full((*lead, 2), side / 2),
            box_size=torch.full(lead, float(side)), image_size=torch.full((*lead, 2), float(side)),
            **{name: torch.ones(lead, dtype=torch.bool) for name in ('has_pose', 'has_betas', 'right', 'scored')}))
        inputs['valid'] = torch.ones(lead, dtype=torch.bool)
        return dict(inputs=inputs, data_samples=sample)

    def render(self, keys) -> tuple[np.ndarray, dict]:
        """Square pictures ``(B,T,H,H,3)`` uint8 RGB and their labels, vertices among them."""
        targets = self._targets(MovingRandom(KeyedRandom(keys, self.seed), self.frames))
        drawn = zip(keys, targets['vertices'].numpy(), targets['keypoints'].numpy(), strict=True)
        return np.stack([self._picture(int(key), vertices, keypoints) for key, vertices, keypoints in drawn]), targets

    @torch.no_grad()
    def _targets(self, moving: MovingRandom) -> dict:
        """Labels; besides those of every data set ``translation (B,T,3)`` of the body model's origin, metres."""
        figure, frames = self.figure, self.frames
        rotations = figure.pose(moving, self.rotation)                                       # (B,T,K,3,3)
        betas = moving.random.normal(1, figure.model.num_betas).clamp(-2.5, 2.5).expand(-1, frames, -1)
        posed = figure.model(*rotations.flatten(0, 1).split((1, rotations.shape[2] - 1), 1), betas.flatten(0, 1))
        vertices, joints = (posed[name].unflatten(0, (-1, frames)) for name in ('vertices', 'joints'))
        translation = place_camera(joints, moving, figure, self.image_size[::-1])            # (B,T,3)
        targets = dict(
            joints=joints + translation[:, :, None], vertices=vertices + translation[:, :, None],
            keypoints=project_to_crop(joints, translation), keypoint_conf=torch.ones(joints.shape[:-1]),
            global_orient=rotations[:, :, :1], body_pose=rotations[:, :, 1:], betas=betas, translation=translation)
        targets = {name: value.float().contiguous() for name, value in targets.items()}
        return targets | dict(visible=torch.ones(joints.shape[:-1], dtype=torch.bool))

    def _detections(self, keypoints: Tensor, random: KeyedRandom) -> dict:
        """Streams of a detector's 2D pose: it finds what the network's view ``(H,W)`` shows."""
        height, width = self.image_size
        inside = (keypoints.abs() < keypoints.new_tensor([0.5 * width / height, 0.5])).all(-1)
        confidence = inside.float()                                                          # (B,T,J)
        if self.corrupt is not None:
            keypoints, confidence = self.corrupt(keypoints, confidence, random)
        pixels = ((keypoints + 0.5) * height).flatten(0, 1).numpy()
        drawn = draw_skeletons(pixels, confidence.flatten(0, 1).numpy(), self.figure.skeleton.style, height)
        return dict(pose_image=self._normalized(drawn.reshape(*keypoints.shape[:2], *drawn.shape[1:])),
                    pose_detected=(confidence > 0).any(-1))

    def _picture(self, key: int, vertices: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
        """``(T,H,H,3)`` uint8 of one clip."""
        if key in self.pictures:
            return self.pictures[key]
        rng = np.random.default_rng([self.seed, key])
        side = self.image_size[0]
        picture = draw_window(rng, vertices, (keypoints + 0.5) * side, self.figure.faces, self.figure.colors(rng), side,
                            self.occlusion)
        if len(self.pictures) < self.cache:
            self.pictures[key] = picture
        return picture

    def _normalized(self, images: np.ndarray) -> Tensor:
        """``(B,T,3,H,W)`` of the central columns of ``(B,T,H,H,3)``."""
        height, width = self.image_size
        left = (height - width) // 2
        return torch.from_numpy(normalize_image(images[..., left:left + width, :]))
