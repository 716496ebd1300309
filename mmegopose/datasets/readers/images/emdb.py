"""EMDB, videos of a moving camera (Kaufmann et al., ICCV 2023)."""
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ....body_models.labelled import tree_joints
from ....files import require
from ....geometry.crops import boxes_from_corners
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import read_annotation_pickle, turn_root, with_confidence
from .image_rows import SkipReport
from .smpl_people import model_files, model_options, read_extrinsics, smpl_store, to_camera

DOWNLOAD = 'data_root should be the folder of EMDB, with P0/ to P9/'


@READERS.register_module('emdb')
def read_emdb(data_root: str, split: str = 'emdb1', body_models: dict | None = None,
              cache_dir: str | None = None) -> SequenceStore:
    """Videos of people outdoors, 30 Hz. Frames that the authors mark as bad, and those without box, are left out.

    Args:
        data_root: folder with ``P0/SEQ/P0_SEQ_data.pkl`` and ``P0/SEQ/images/00000.jpg``.
        split: ``'emdb1'``, ``'emdb2'`` or ``'all'``.
        body_models: see :func:`.read_pw3d`; without them the joints in 3D are unknown, as EMDB does not store them.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: no usable sample.
    """
    if split not in ('emdb1', 'emdb2', 'all'):
        raise ValueError(f"split={split!r} should be 'emdb1', 'emdb2' or 'all'")
    root, models = require(data_root, DOWNLOAD), model_options(body_models)
    paths = sorted(root.glob('P*/*/*_data.pkl'))
    if not paths:
        raise FileNotFoundError(f'{root} has no annotation file (.pkl): {DOWNLOAD}')
    read_people = partial(_people, root, split, models)
    return cached_store('emdb', [*paths, *model_files(models)], [str(root.resolve()), split, models],
                        partial(smpl_store, root, 'EMDB', split, paths, read_people, models), cache_dir)


def _people(root: Path, split: str, models: dict, path: Path, report: SkipReport) -> Iterator:
    data = read_annotation_pickle(path)
    if split == 'all' or data[split]:
        yield _person(root, models, path, data, report)


def _person(root: Path, models: dict, path: Path, data: dict, report: SkipReport) -> tuple:
    smpl, camera = data['smpl'], data['camera']
    usable = np.asarray(data['good_frames_mask']).astype(bool).copy()
    report.skip('frame marked as bad', path, int((~usable).sum()))
    unboxed = np.setdiff1d(np.asarray(data['bboxes']['invalid_idxs'], np.int64), np.flatnonzero(~usable))
    report.skip('frame without box', path, len(unboxed))
    usable[unboxed] = False
    frames, folder = np.flatnonzero(usable), path.parent.relative_to(root).as_posix()
    pose = np.concatenate([smpl['poses_root'], smpl['poses_body']], 1).reshape(-1, 24, 3)[frames].astype(np.float64)
    extrinsics, gender = read_extrinsics(camera['extrinsics'])[frames], str(data['gender'])
    betas = np.tile(np.ravel(smpl['betas'])[:10], (len(frames), 1))
    joints = np.zeros((len(frames), 24, 4))
    if gender in models:
        world = tree_joints(models[gender], pose, betas) + np.asarray(smpl['trans'], np.float64)[frames, None]
        joints = with_confidence(to_camera(world, extrinsics))
    return (path.parent.name, folder), dict(
        file=np.array([f'{folder}/images/{frame:05d}.jpg' for frame in frames], str), frame=frames,
        keypoints=with_confidence(np.asarray(data['kp2d'], np.float64)[frames]), joints=joints,
        box=boxes_from_corners(np.asarray(data['bboxes']['bboxes'])[frames]),
        pose=turn_root(pose, extrinsics[:, :3, :3]), betas=betas,
        image_size=np.tile([camera['width'], camera['height']], (len(frames), 1)),
        gender=np.full(len(frames), gender))
