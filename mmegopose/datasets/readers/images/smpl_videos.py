"""Videos of bodies in the world: 3DPW (von Marcard et al., ECCV 2018) and EMDB (Kaufmann et al., ICCV 2023)."""
import numpy as np

from ....body_models.labelled import tree_joints
from ....files import BadFile
from ....registry import FUNCTIONS
from ...image_store import ImageStore, SkipReport, boxes_from_corners, keypoint_boxes
from .annotations import (
    BAD_ANNOTATION,
    project,
    read_annotation_pickle,
    require,
    skip_reason,
    turn_root,
    with_confidence,
)

GENDERS = dict(m='male', f='female')
PW3D = 'root should be the folder of 3DPW, with imageFiles/ and sequenceFiles/'
EMDB = 'root should be the folder of EMDB, with P0/ to P9/'


@FUNCTIONS.register_module('PW3D')
def read_pw3d(root: str, split: str = 'test', body_models: dict | None = None) -> ImageStore:
    """3DPW: outdoor videos of one or two people, 30 Hz, a sequence for each person.

    Frames whose camera was not aligned (``campose_valid``) are left out. Joints are the 24 of SMPL, keypoints their
    projection, boxes tight around them.

    Args:
        root: folder with ``imageFiles/SEQ/image_00000.jpg`` and ``sequenceFiles/{split}/SEQ.pkl``.
        split: ``'train'``, ``'validation'`` or ``'test'``.
        body_models: options of :class:`.SkinnedModel` for ``'male'``, ``'female'`` and ``'neutral'``, e.g.
            ``dict(male=dict(source='SMPL_MALE.pkl', joint_regressor='J_regressor_h36m.npy'), ...)``. In tests the true
            vertices and joints then come from them.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: no usable sample.
    """
    if split not in ('train', 'validation', 'test'):
        raise ValueError(f"split={split!r} should be 'train', 'validation' or 'test'")
    root = require(root, PW3D)
    require(root / 'imageFiles', PW3D)
    paths = sorted(require(root / 'sequenceFiles' / split, PW3D).glob('*.pkl'))
    return _read_videos(root, paths, _pw3d_people, body_models, PW3D)


def _pw3d_people(path, root, report: SkipReport, _):
    data = read_annotation_pickle(path)
    camera, folder = np.asarray(data['cam_poses'], np.float64), f'imageFiles/{path.stem}'
    for person, pose in enumerate(data['poses']):
        pose = np.asarray(pose, np.float64).reshape(-1, 24, 3)
        usable = np.asarray(data['campose_valid'][person]).astype(bool)[:len(pose)]
        report.skip('camera not aligned', f'{path} person {person}', int((~usable).sum()))
        frames = np.flatnonzero(usable)
        world = np.asarray(data['jointPositions'][person], np.float64).reshape(-1, 24, 3)[frames]
        joints = _to_camera(world, camera[frames])
        keypoints = project(joints, np.asarray(data['cam_intrinsics'], np.float64).reshape(3, 3))
        betas = np.ravel(np.asarray(data['betas'][person], np.float64))[:10]
        yield (f'{path.stem}/{person}', folder), dict(
            files=np.array([f'{folder}/image_{frame:05d}.jpg' for frame in frames], str), frame=frames,
            keypoints=keypoints, boxes=keypoint_boxes(keypoints), joints=with_confidence(joints),
            pose=turn_root(pose[frames], camera[frames, :3, :3]), betas=np.tile(betas, (len(frames), 1)),
            image_size=np.zeros((len(frames), 2)),
            gender=np.full(len(frames), GENDERS.get(str(data['genders'][person]), 'neutral')))


@FUNCTIONS.register_module('EMDB')
def read_emdb(root: str, split: str = 'emdb1', body_models: dict | None = None) -> ImageStore:
    """EMDB: videos of a moving camera, 30 Hz.

    Frames that its authors mark as bad, and those without box, are left out.

    Args:
        root: folder with ``P0/SEQ/P0_SEQ_data.pkl`` and ``P0/SEQ/images/00000.jpg``.
        split: ``'emdb1'``, ``'emdb2'`` or ``'all'``.
        body_models: see :func:`read_pw3d`; without them the joints in 3D are unknown, as EMDB does not store them.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: no usable sample.
    """
    if split not in ('emdb1', 'emdb2', 'all'):
        raise ValueError(f"split={split!r} should be 'emdb1', 'emdb2' or 'all'")
    root = require(root, EMDB)

    def people(path, root, report, models):
        data = read_annotation_pickle(path)
        return _emdb_person(path, root, data, report, models) if split == 'all' or data[split] else ()

    return _read_videos(root, sorted(root.glob('P*/*/*_data.pkl')), people, body_models, EMDB)


def _emdb_person(path, root, data: dict, report: SkipReport, models: dict):
    smpl, camera = data['smpl'], data['camera']
    usable = np.asarray(data['good_frames_mask']).astype(bool).copy()
    report.skip('frame marked as bad', path, int((~usable).sum()))
    unboxed = np.setdiff1d(np.asarray(data['bboxes']['invalid_idxs'], np.int64), np.flatnonzero(~usable))
    report.skip('frame without box', path, len(unboxed))
    usable[unboxed] = False
    frames, folder = np.flatnonzero(usable), path.parent.relative_to(root).as_posix()
    pose = np.concatenate([smpl['poses_root'], smpl['poses_body']], 1).reshape(-1, 24, 3)[frames].astype(np.float64)
    extrinsics, gender = np.asarray(camera['extrinsics'], np.float64)[frames], str(data['gender'])
    betas = np.tile(np.ravel(smpl['betas'])[:10], (len(frames), 1))
    joints = np.zeros((len(frames), 24, 4))
    if gender in models:
        world = tree_joints(models[gender], pose, betas) + np.asarray(smpl['trans'], np.float64)[frames, None]
        joints = with_confidence(_to_camera(world, extrinsics))
    yield (path.parent.name, folder), dict(
        files=np.array([f'{folder}/images/{frame:05d}.jpg' for frame in frames], str), frame=frames,
        keypoints=with_confidence(np.asarray(data['kp2d'], np.float64)[frames]), joints=joints,
        boxes=boxes_from_corners(np.asarray(data['bboxes']['bboxes'])[frames]),
        pose=turn_root(pose, extrinsics[:, :3, :3]), betas=betas,
        image_size=np.tile([camera['width'], camera['height']], (len(frames), 1)),
        gender=np.full(len(frames), gender))


def _to_camera(points: np.ndarray, extrinsics: np.ndarray) -> np.ndarray:
    """World points ``(N,J,3)`` in the axes of cameras ``(N,4,4)`` that map world to camera."""
    return points @ extrinsics[:, :3, :3].swapaxes(1, 2) + extrinsics[:, None, :3, 3]


def _read_videos(root, paths: list, people, body_models: dict | None, remedy: str) -> ImageStore:
    """Store of the people of all files; ``people(path, root, report, models)`` yields ``(uid, folder), columns``."""
    if not paths:
        raise FileNotFoundError(f'{root} has no annotation file (.pkl): {remedy}')
    models = {gender: dict(source=options) if not isinstance(options, dict) else options
              for gender, options in (body_models or {}).items()}
    report, parts, sequences = SkipReport(), [], []
    for path in paths:
        try:
            found = list(people(path, root, report, models))
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), error if isinstance(error, BadFile) else f'{path}: {error!r}')
            continue
        for (uid, folder), columns in found:
            parts.append(dict(columns, sequence=np.full(len(columns['files']), len(sequences))))
            sequences.append(dict(uid=uid, name=uid, root_dir=folder))
    if not parts:
        raise ValueError(f'{root} has no usable video; left out: {dict(report) or "nothing"}')
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return ImageStore('body', root, sequences=sequences, body_models=models or None, report=report,
                      **columns).cleaned()
