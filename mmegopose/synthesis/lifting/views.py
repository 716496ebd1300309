"""The open lifting benchmark: motion capture seen through virtual cameras and a model of a detector."""
import zlib
from pathlib import Path

import numpy as np

from ...datasets.mocap_sequences import FPS, MocapSequence, MocapSequences
from ...datasets.readers.lifting.keypoint_sequences import SCHEMA
from ...datasets.shipped_motion import ASSET
from ...datasets.store import SequenceStore
from ...geometry.cameras import perspective, screen_normalize, world_to_camera
from ...registry import READERS
from .detector import detect

VIEW_SIZE, VIEW_FOCAL = 1000, 1145.0  # pixels; those of Human3.6M


@READERS.register_module('mocap_views')
def read_mocap_views(data_root: str = 'sample', split: str = 'train', *, views: int = 4,
                     noise: bool = True) -> SequenceStore:
    """Motion capture projected into virtual cameras around each performer, with detector noise and confidence.

    Args:
        data_root: ``'sample'``, the embedded sample of real motion, or an ``.npz`` of sequences that
            ``tools/dataset_converters/mocap.py`` wrote.
        split: ``'train'``, ``'val'`` or ``'test'``; splits are by performer.
        views: cameras around each sequence.
        noise: False gives exact 2D keypoints.

    Raises:
        ValueError: ``data_root`` is no such file, or has no sequence of the split.
    """
    info = dict(dataset_name='mocap lifting', split=split, skeleton='h36m17')
    seen = [_seen_by(motion, view, views, noise) for motion in load_motions(data_root, split) for view in range(views)]
    return SequenceStore.join(seen, info=info, schema=SCHEMA)


def load_motions(data_root: str, split: str) -> list[MocapSequence]:
    """Motion capture of a split; arguments and errors: see :func:`read_mocap_views`."""
    path = ASSET if str(data_root) == 'sample' else Path(data_root)
    if path.is_dir():
        raise ValueError(f'data_root={data_root!r} is a folder; MocapLiftingDataset reads an .npz of sequences, which '
                         "tools/dataset_converters/mocap.py writes, or 'sample'")
    motions = [motion for motion in MocapSequences.load(path) if motion.split == split]
    if not motions:
        raise ValueError(f'{path} has no sequence of the split {split!r}')
    return motions


def _seen_by(motion: MocapSequence, view: int, views: int, noise: bool) -> tuple[dict, dict]:
    """What camera ``view`` of ``views`` sees: the sequence and its arrays; equal motions give equal numbers."""
    world = motion.joints_h36m.astype(np.float64)
    rng = np.random.default_rng([zlib.crc32(motion.name.encode()), view])
    joints = world_to_camera(world, _place_camera(world, view / views, rng))  # (F,J,3)
    points = perspective(joints, VIEW_FOCAL, VIEW_SIZE / 2)
    found = detect(points, FPS, 'h36m17', rng) if noise else np.pad(
        points, ((0, 0), (0, 0), (0, 1)), constant_values=1)
    found[..., :2] = screen_normalize(found[..., :2], VIEW_SIZE, VIEW_SIZE)
    sequence = dict(uid=f'{motion.name}/{view}', name=motion.name, subject=motion.subject, action=motion.action,
                    camera=str(view), fps=FPS, image_size=[VIEW_SIZE, VIEW_SIZE])
    arrays = dict(keypoints=found, joints=joints - joints[:, :1], root=joints[:, 0])
    return sequence, {name: values.astype(np.float32) for name, values in arrays.items()}


def _place_camera(world: np.ndarray, turn: float, rng: np.random.Generator) -> np.ndarray:
    """Camera to world ``(4,4)`` of a camera that sees all of a sequence; ``turn`` in [0,1) is its place around it."""
    center = (world.min((0, 1)) + world.max((0, 1))) / 2
    radius = np.linalg.norm(world - center, axis=-1).max()
    angle = 2 * np.pi * (turn + 0.08 * rng.uniform(-1, 1))
    distance = max(3.5, 1.05 * radius * np.hypot(1, 2 * VIEW_FOCAL / VIEW_SIZE)) * rng.uniform(1, 1.25)
    eye = center + distance * np.array([np.cos(angle), np.sin(angle), rng.uniform(0, 0.25)])
    forward = (center - eye) / np.linalg.norm(center - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)  # x right, y down, z forward
    pose[:3, 3] = eye
    return pose
