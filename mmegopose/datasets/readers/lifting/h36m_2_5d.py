"""Human3.6M as MotionBERT passes it on: poses in the image, whose depth is in pixels too (2.5D)."""
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ....files import BadFile, require
from ....pickles import load_pickle
from ....registry import READERS
from ....structures import get_skeleton
from ...cache import cached_store
from ...store import Field, SequenceStore
from ..units import MAX_COORDINATE_M, MAX_PIXEL_COORD
from .h36m import FPS
from .keypoint_sequences import SCHEMA, KeypointSequence, assemble, check_keypoints, check_values

SKELETON = get_skeleton('h36m17')
IMAGE_SIZES = {'54138969': (1000, 1002), '55011271': (1000, 1000), '58860488': (1000, 1000), '60457274': (1000, 1002)}
SOURCE = re.compile(r's_(\d+)_(act_\d+_subact_\d+)_ca_\d+')
INPUTS, SCORING = ('joint_2d', 'joint3d_image', 'camera_name', 'source'), ('action', '2.5d_factor', 'joints_2.5d_image')
ARRAYS = dict(train=INPUTS, test=INPUTS + SCORING)
MIN_FACTOR, MAX_FACTOR = 0.01, 1000.0  # millimetres per pixel; a person of the file has 3 to 6
MAX_DIFFERENCE_MM = 1.0  # of the two truths of a frame
SCHEMA_2_5D = SCHEMA | dict(
    joints=Field('float32', ('J', 3), 'screen units, relative to the root'),
    root=Field('float32', (3,), 'screen units'),
    scale=Field('float64', (), 'metres per screen unit'))


@READERS.register_module('h36m_2_5d')
def read_h36m_2_5d(data_root: str, split: str = 'train', *, file: str = 'h36m_sh_conf_cam_source_final.pkl',
                   keypoints: str = 'detected', cache_dir: str | None = None) -> SequenceStore:
    """Human3.6M in the pickle of MotionBERT (Zhu et al., ICCV 2023), in which 3D is what the image shows.

    ``joints`` are in screen units, x and y as keypoints are and z on their scale. The field ``scale`` of each frame
    makes metres of them (``2.5d_factor`` of the file). Training has the poses ``joint3d_image``, the test split
    ``joints_2.5d_image``, on which the paper scores; frames of the test split in which the two differ are reported.

    Args:
        data_root: folder of the file.
        split: ``'train'`` or ``'test'``.
        file: the pickle.
        keypoints: ``'detected'``, with the confidence if the file has it, or ``'gt'``: x and y of the poses.
        cache_dir: where the store goes; default ``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: a file of another layout, or that asks to run code.
    """
    for name, value, known in (('split', split, list(ARRAYS)), ('keypoints', keypoints, ['detected', 'gt'])):
        if value not in known:
            raise ValueError(f'{name}={value!r} should be one of {known}')
    path = require(Path(data_root).expanduser() / file,
                   'it is the preprocessed Human3.6M that docs/pose3d.md of MotionBERT links to')
    return cached_store('h36m_2_5d', [path], [split, keypoints], lambda: _read(path, split, keypoints), cache_dir)


def _read(path: Path, split: str, keypoints: str) -> SequenceStore:
    with open(path, 'rb') as file:
        content = load_pickle(file, str(path))
    part = content.get(split) if isinstance(content, dict) else None
    if not isinstance(part, dict):
        raise BadFile(f"{path} should hold a dict with the dicts 'train' and 'test': take "
                      'h36m_sh_conf_cam_source_final.pkl of MotionBERT, not a file of its slices')
    arrays = _arrays(f'{path}: {split}', part, split)
    if keypoints == 'gt':
        arrays['joint_2d'] = arrays['joint3d_image'][..., :2]
        arrays['confidence'] = np.ones(arrays['joint_2d'].shape[:2])
    source = arrays['source']
    bounds = [0, *np.flatnonzero(source[1:] != source[:-1]) + 1, len(source)]
    report: dict = {}
    info = dict(dataset_name='h36m_2_5d', split=split, skeleton=SKELETON.name, root=str(path.parent))
    return assemble(_sequences(path, arrays, bounds, report), len(source), info, report, SCHEMA_2_5D)


def _arrays(where: str, part: dict, split: str) -> dict:
    """The arrays of a split, ``(N, ...)``."""
    if lacking := [name for name in ARRAYS[split] if name not in part]:
        raise BadFile(f'{where} has no {lacking}, only {sorted(map(str, part))}')
    names = [name for name in (*ARRAYS['test'], 'confidence') if name in part]
    arrays = {name: np.asarray(part[name]) for name in names}
    poses = arrays['joint3d_image']
    check_values(f'{where}: joint3d_image', poses, SKELETON.num_joints, (3,), MAX_PIXEL_COORD)
    check_keypoints(f'{where}: joint_2d', arrays['joint_2d'], SKELETON, len(poses))
    arrays['joint_2d'] = arrays['joint_2d'][..., :2]
    for name, values in arrays.items():
        if values.shape[:1] != poses.shape[:1]:
            raise BadFile(f'{where}: {name!r} has the shape {values.shape}, for {len(poses)} poses')
    if 'joints_2.5d_image' in arrays:
        check_values(f'{where}: joints_2.5d_image', arrays['joints_2.5d_image'], SKELETON.num_joints, (3,),
                     1000 * MAX_COORDINATE_M)
    if 'confidence' in arrays:
        confidence = arrays['confidence'] = arrays['confidence'].reshape(len(poses), -1)
        if confidence.shape[1] != SKELETON.num_joints or not _are_numbers(confidence):
            raise BadFile(f'{where}: confidence should be one number for each of the {SKELETON.num_joints} joints')
    factor = arrays.get('2.5d_factor')
    if factor is not None and (factor.ndim != 1 or not _are_numbers(factor) or (factor < MIN_FACTOR).any()
                               or (factor > MAX_FACTOR).any()):
        raise BadFile(f"{where}: '2.5d_factor' should be a positive number for each frame, {MIN_FACTOR} to "
                      f'{MAX_FACTOR} millimetres per pixel')
    return arrays


def _are_numbers(values: np.ndarray) -> bool:
    return values.dtype.kind in 'iuf' and bool((np.abs(values) < MAX_PIXEL_COORD).all())


def _sequences(path: Path, arrays: dict, bounds: list, report: dict) -> Iterator[KeypointSequence]:
    """A sequence of each run of frames of one source; counts in ``report``."""
    known = set()
    for begin, end in zip(bounds, bounds[1:]):
        some = {name: values[begin:end] for name, values in arrays.items()}
        source, camera = str(some['source'][0]), str(some['camera_name'][0])
        action = str(some['action'][0]) if 'action' in some else None
        match = SOURCE.fullmatch(source)
        if not match or camera not in IMAGE_SIZES or source in known:
            raise BadFile(f"{path}: frames {begin} to {end - 1} are of source {source!r}, camera {camera!r}; it should "
                          f"be one run of frames, with a name such as 's_09_act_05_subact_02_ca_01', by one of the "
                          f'cameras {list(IMAGE_SIZES)}')
        if (some['camera_name'] != some['camera_name'][0]).any() or action and (
                some['action'] != some['action'][0]).any():
            raise BadFile(f'{path}: {source} should have one camera and one action')
        known.add(source)
        subject, name = f'S{int(match[1])}', match[2]
        width, height = IMAGE_SIZES[camera]
        info = dict(uid=f'{subject}/{name}/{camera}', name=f'{subject} {name} {camera}', subject=subject,
                    action=action or name, camera=camera, fps=FPS, image_size=[width, height])
        yield _sequence(info, some, report)


def _sequence(info: dict, some: dict, report: dict) -> KeypointSequence:
    width, height = info['image_size']
    poses = some['joint3d_image'] * (2 / width) - [1, height / width, 0]       # (N,J,3)
    root = poses[:, SKELETON.root]
    joints, more = poses - root[:, None], {}
    if '2.5d_factor' in some:
        more['scale'] = some['2.5d_factor'] * (width / 2 / 1000)                # (N,)
    if 'joints_2.5d_image' in some and 'scale' in more:
        truth = some['joints_2.5d_image'] - some['joints_2.5d_image'][:, SKELETON.root, None]
        scored = truth / (1000 * more['scale'][:, None, None])
        difference = 1000 * more['scale'] * np.abs(scored - joints).max((1, 2))
        reason = f'frames whose joints_2.5d_image and 2.5d_factor * joint3d_image are {MAX_DIFFERENCE_MM:g} mm apart'
        report[reason] = report.get(reason, 0) + int((difference > MAX_DIFFERENCE_MM).sum())
        joints = scored
    keypoints = some['joint_2d']
    if 'confidence' in some:
        keypoints = np.concatenate([keypoints, some['confidence'][..., None]], -1)
    return KeypointSequence(info, keypoints, joints, root, more)
