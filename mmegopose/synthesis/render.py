"""Pictures and exact labels from nothing but the number of a sample."""
import numpy as np
import torch

from ..datasets.random import KeyedRandom
from ..geometry.crops import normalize_image, project_to_crop
from ..registry import TRANSFORMS
from .figure_motion import SampleMotion
from .figures import make_figure
from .moving_random import MovingRandom
from .scene import draw_window, place_camera

RENDERED_SPLITS = ('train', 'val')


@TRANSFORMS.register_module()
class Render:
    """The stream ``image (B,T,3,H,W)`` of a body model with random pose, shape, light, camera, clutter and occluder.

    Takes the place of :class:`.DecodeCrop` and :class:`.MeshTargets`: a sample is a function of its number (of
    :class:`.SampleWindows`), ``seed`` and ``split``, however samples are grouped in batches and workers. Sets
    the fields of these two, and ``translation (B,T,3)`` of the body model's origin, metres; and the 2D pose of a
    perfect detector, ``pose_2d (B,T,J,2)`` in crop units and ``pose_2d_conf (B,T,J)``, which finds what the network
    sees. What comes after it draws from a generator of its own.

    Args:
        body: ``'open_hand'``, ``'open_body'`` or your file of MANO or SMPL, see :class:`.SkinnedModel`.
        image_size: height and width (H, W) of the network's input, the central columns of a square of side H.
        split: ``'train'`` or ``'val'``: never the same samples.
        num_frames: frames of a window, T, at 30 Hz.
        motion: ``'random'``, or ``'sample'``: bodies move as in the embedded sample of real motion, its performers for
            training or for validation.
        rotation: ``'full'``, or ``'limited'``, from which small networks learn in minutes; see :meth:`.Hand.pose` and
            :meth:`.Body.pose`.
        occlusion: share of samples in which something hides a part.
        bad_frames: share of the frames of a window that another occluder and a blur spoil, its neighbours not.
        vertices: set ``vertices (B,T,V,3)`` too.
        cache: samples whose pictures are kept in memory, in each worker (256 x 256: 0.2 MB per frame).
        seed: of everything.

    Raises:
        ValueError: an unknown option.
    """

    def __init__(self, body: str = 'open_hand', image_size: tuple = (256, 192), split: str = 'train',
                 num_frames: int = 1, motion: str = 'random', rotation: str = 'full', occlusion: float = 0.5,
                 bad_frames: float = 0.0, vertices: bool = False, cache: int = 0, seed: int = 0):
        for name, value, known in (('split', split, RENDERED_SPLITS), ('motion', motion, ('random', 'sample')),
                                   ('rotation', rotation, ('full', 'limited'))):
            if value not in known:
                raise ValueError(f'{name}={value!r} should be one of {known}')
        if not 0 < image_size[1] <= image_size[0]:
            raise ValueError(f'image_size={image_size} should be a height and a width that is not larger')
        self.image_size, self.num_frames = tuple(image_size), num_frames
        self.rotation, self.occlusion, self.bad_frames = rotation, occlusion, bad_frames
        self.vertices, self.cache, self.pictures = vertices, cache, {}
        # And the next one, for what comes after.
        self.seed = 2 * (len(RENDERED_SPLITS) * seed + RENDERED_SPLITS.index(split))
        self.figure = make_figure(body, SampleMotion(split, num_frames) if motion == 'sample' else None)

    def __call__(self, batch: dict) -> dict:
        number = batch['rows'][:, 0] // self.num_frames
        pictures, labels = self.draw(number)
        (height, width), lead = self.image_size, (len(number), self.num_frames)
        left = (height - width) // 2
        columns = slice(left, left + width)
        view = labels['keypoints'].new_tensor([0.5 * width / height, 0.5])
        if not self.vertices:
            del labels['vertices']
        image = torch.from_numpy(normalize_image(pictures[..., columns, :]))
        labels |= {name: torch.ones(lead, dtype=torch.bool) for name in ('has_pose', 'has_betas', 'right')}
        return batch | labels | dict(
            inputs=dict(batch.get('inputs', {}), image=image), random=KeyedRandom(number, self.seed + 1),
            pose_2d=labels['keypoints'], pose_2d_conf=(labels['keypoints'].abs() < view).all(-1).float(),
            crop_side=height, crop_columns=columns, box_center=torch.full((*lead, 2), height / 2),
            box_size=torch.full(lead, float(height)), image_size=torch.full((*lead, 2), float(height)))

    def draw(self, number: np.ndarray) -> tuple[np.ndarray, dict]:
        """Square pictures ``(B,T,H,H,3)`` uint8 RGB of the samples ``number (B,)``, and their labels, vertices among
        them."""
        labels = self._labels(MovingRandom(KeyedRandom(number, self.seed), self.num_frames))
        drawn = zip(number, labels['vertices'].numpy(), labels['keypoints'].numpy(), strict=True)
        return np.stack([self._picture(int(key), vertices, keypoints) for key, vertices, keypoints in drawn]), labels

    @torch.no_grad()
    def _labels(self, moving: MovingRandom) -> dict:
        figure, T = self.figure, self.num_frames
        rotations = figure.pose(moving, self.rotation)  # (B,T,K,3,3)
        betas = moving.random.normal(1, figure.model.num_betas).clamp(-2.5, 2.5).expand(-1, T, -1)
        posed = figure.model(*rotations.flatten(0, 1).split((1, rotations.shape[2] - 1), 1), betas.flatten(0, 1))
        vertices, joints = (posed[name].unflatten(0, (-1, T)) for name in ('vertices', 'joints'))
        translation = place_camera(joints, moving, figure, self.image_size[::-1])  # (B,T,3)
        labels = dict(
            joints=joints + translation[:, :, None], vertices=vertices + translation[:, :, None],
            keypoints=project_to_crop(joints, translation), keypoint_conf=torch.ones(joints.shape[:-1]),
            global_orient=rotations[:, :, :1], body_pose=rotations[:, :, 1:], betas=betas, translation=translation)
        labels = {name: value.float().contiguous() for name, value in labels.items()}
        return labels | dict(visible=torch.ones(joints.shape[:-1], dtype=torch.bool))

    def _picture(self, number: int, vertices: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
        """``(T,H,H,3)`` uint8 of one sample."""
        if number in self.pictures:
            return self.pictures[number]
        rng, side = np.random.default_rng([self.seed, number]), self.image_size[0]
        picture = draw_window(rng, vertices, (keypoints + 0.5) * side, self.figure.faces, self.figure.colors(rng), side,
                              self.occlusion, self.bad_frames)
        if len(self.pictures) < self.cache:
            self.pictures[number] = picture
        return picture
