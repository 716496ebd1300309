"""The open lifting benchmark: motion capture seen through virtual cameras and a model of a detector."""
import zlib
from pathlib import Path

import numpy as np

from ..datasets.lifting_dataset import LiftingDataset
from ..datasets.mocap_sequences import FPS, MocapSequence, MocapSequences
from ..datasets.shipped_motion import ASSET
from ..datasets.store import SequenceStore
from ..geometry.cameras import perspective, screen_normalize
from ..registry import DATASETS
from .detector import detect

IMAGE_SIZE, FOCAL = 1000, 1145.0  # pixels; those of Human3.6M


@DATASETS.register_module()
class MocapLiftingDataset(LiftingDataset):
    """Motion clips projected into virtual cameras around each performer, with detector noise and confidence.

    Args:
        data_root: ``'sample'``, the embedded sample of real motion, or an ``.npz`` of clips that
            ``tools/dataset_converters/mocap.py`` wrote.
        split: ``'train'``, ``'val'`` or ``'test'``; splits are by performer.
        views: cameras around each clip.
        noise: False gives exact 2D keypoints.
        kwargs: see :class:`LiftingDataset`.
    """

    skeleton = 'h36m17'

    def __init__(self, data_root: str = 'sample', split: str = 'train', views: int = 4, noise: bool = True, **kwargs):
        path = ASSET if str(data_root) == 'sample' else Path(data_root)
        if path.is_dir():
            raise ValueError(f'data_root={data_root!r} is a folder; MocapLiftingDataset reads an .npz of clips, which '
                             "tools/dataset_converters/mocap.py writes, or 'sample'")
        clips = [clip for clip in MocapSequences.load(path) if clip.split == split]
        if not clips:
            raise ValueError(f'{path} has no clip of the split {split!r}')
        store = project_clips(clips, views, noise)
        super().__init__(store, skeleton=self.skeleton, name='mocap lifting', split=split, **kwargs)


def project_clips(clips: list[MocapSequence], views: int = 4, noise: bool = True) -> SequenceStore:
    """Views of clips as a store of sequences, see :class:`LiftingDataset`; equal clips give equal numbers."""
    keypoints, joints, roots, sequences = [], [], [], []
    for clip in clips:
        world = clip.joints_h36m.astype(np.float64)
        for view in range(views):
            rng = np.random.default_rng([zlib.crc32(clip.name.encode()), view])
            camera = _place_camera(world, view / views, rng)
            seen = (world - camera[:3, 3]) @ camera[:3, :3]  # (F,J,3) camera frame
            points = perspective(seen, FOCAL, IMAGE_SIZE / 2)
            found = detect(points, FPS, 'h36m17', rng) if noise else np.pad(
                points, ((0, 0), (0, 0), (0, 1)), constant_values=1)
            found[..., :2] = screen_normalize(found[..., :2], IMAGE_SIZE, IMAGE_SIZE)
            keypoints.append(found.astype(np.float32))
            joints.append((seen - seen[:, :1]).astype(np.float32))
            roots.append(seen[:, 0].astype(np.float32))
            sequences.append(dict(uid=f'{clip.name}/{view}', name=clip.name, subject=clip.subject, action=clip.action,
                                  camera=str(view), fps=FPS, image_size=[IMAGE_SIZE, IMAGE_SIZE]))
    frames = {key: np.concatenate(parts) for key, parts in
              dict(keypoints=keypoints, joints=joints, root=roots).items()}
    return SequenceStore(np.cumsum([0, *map(len, joints)]), frames, sequences)


def _place_camera(world: np.ndarray, turn: float, rng: np.random.Generator) -> np.ndarray:
    """Camera to world ``(4,4)`` of a camera that sees the whole clip; ``turn`` in [0,1) is its place on the circle."""
    center = (world.min((0, 1)) + world.max((0, 1))) / 2
    radius = np.linalg.norm(world - center, axis=-1).max()
    angle = 2 * np.pi * (turn + 0.08 * rng.uniform(-1, 1))
    distance = max(3.5, 1.05 * radius * np.hypot(1, 2 * FOCAL / IMAGE_SIZE)) * rng.uniform(1, 1.25)
    eye = center + distance * np.array([np.cos(angle), np.sin(angle), rng.uniform(0, 0.25)])
    forward = (center - eye) / np.linalg.norm(center - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)  # x right, y down, z forward
    pose[:3, 3] = eye
    return pose
