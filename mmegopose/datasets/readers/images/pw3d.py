"""3DPW, videos of bodies in the world (von Marcard et al., ECCV 2018)."""
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ....files import require
from ....geometry.crops import keypoint_boxes
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import project_keypoints, read_annotation_pickle, turn_root, with_confidence
from .image_rows import SkipReport
from .smpl_people import model_files, model_options, read_extrinsics, smpl_store, to_camera

GENDERS = dict(m='male', f='female')
DOWNLOAD = 'data_root should be the folder of 3DPW, with imageFiles/ and sequenceFiles/'


@READERS.register_module('pw3d')
def read_pw3d(data_root: str, split: str = 'test', body_models: dict | None = None,
              cache_dir: str | None = None) -> SequenceStore:
    """Outdoor videos of one or two people, 30 Hz, a sequence for each person.

    Frames whose camera was not aligned (``campose_valid``) are left out. Joints are the 24 of SMPL, keypoints their
    projection, boxes tight around them.

    Args:
        data_root: folder with ``imageFiles/SEQ/image_00000.jpg`` and ``sequenceFiles/{split}/SEQ.pkl``.
        split: ``'train'``, ``'validation'`` or ``'test'``.
        body_models: options of :class:`.SkinnedModel` for ``'male'``, ``'female'`` and ``'neutral'``, e.g.
            ``dict(male=dict(source='SMPL_MALE.pkl', joint_regressor='J_regressor_h36m.npy'), ...)``. In tests the true
            vertices and joints then come from them.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: no usable sample.
    """
    if split not in ('train', 'validation', 'test'):
        raise ValueError(f"split={split!r} should be 'train', 'validation' or 'test'")
    root, models = require(data_root, DOWNLOAD), model_options(body_models)
    require(root / 'imageFiles', DOWNLOAD)
    paths = sorted(require(root / 'sequenceFiles' / split, DOWNLOAD).glob('*.pkl'))
    if not paths:
        raise FileNotFoundError(f'{root} has no annotation file (.pkl): {DOWNLOAD}')
    return cached_store('pw3d', [*paths, *model_files(models)], [str(root.resolve()), split, models],
                        partial(smpl_store, root, 'PW3D', split, paths, _people, models), cache_dir)


def _people(path: Path, report: SkipReport) -> Iterator:
    data = read_annotation_pickle(path)
    camera, folder = read_extrinsics(data['cam_poses']), f'imageFiles/{path.stem}'
    for person, pose in enumerate(data['poses']):
        pose = np.asarray(pose, np.float64).reshape(-1, 24, 3)
        usable = np.asarray(data['campose_valid'][person]).astype(bool)[:len(pose)]
        report.skip('camera not aligned', f'{path} person {person}', int((~usable).sum()))
        frames = np.flatnonzero(usable)
        world = np.asarray(data['jointPositions'][person], np.float64).reshape(-1, 24, 3)[frames]
        joints = to_camera(world, camera[frames])
        keypoints = project_keypoints(joints, np.asarray(data['cam_intrinsics'], np.float64).reshape(3, 3))
        betas = np.ravel(np.asarray(data['betas'][person], np.float64))[:10]
        yield (f'{path.stem}/{person}', folder), dict(
            file=np.array([f'{folder}/image_{frame:05d}.jpg' for frame in frames], str), frame=frames,
            keypoints=keypoints, box=keypoint_boxes(keypoints), joints=with_confidence(joints),
            pose=turn_root(pose[frames], camera[frames, :3, :3]), betas=np.tile(betas, (len(frames), 1)),
            gender=np.full(len(frames), GENDERS.get(str(data['genders'][person]), 'neutral')))
