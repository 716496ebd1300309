"""MPI-INF-3DHP (Mehta et al., 3DV 2017)."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile, require
from ....pickles import read_object
from ....registry import READERS
from ....structures import get_skeleton
from ...cache import cached_store
from ...store import SequenceStore
from .keypoint_sequences import KeypointSequence, assemble, check_joints, check_keypoints

SKELETON = get_skeleton('mpi_inf_3dhp17')
IMAGE_SIZES = dict(TS5=(1920, 1080), TS6=(1920, 1080))
IMAGE_SIZE = (2048, 2048)
TEST_FPS = 25.0  # nominal: the files do not say


@READERS.register_module('mpi_inf_3dhp')
def read_mpi_inf_3dhp(data_root: str, split: str = 'train', *, subjects: tuple | None = None,
                      cache_dir: str | None = None) -> SequenceStore:
    """MPI-INF-3DHP with ground-truth 2D: ``data_train_3dhp.npz`` or ``data_test_3dhp.npz`` of P-STMO.

    ``tools/dataset_converters/mpi_inf_3dhp.py`` makes them of the official files, with the activity of the test frames.
    The 3D is that of the universal skeleton, camera axes. Test frames that are not valid are input, but not scored.

    Args:
        data_root: folder of the npz files.
        split: ``'train'`` or ``'test'``.
        subjects: people ('S1') or test sequences ('TS1') to keep; None keeps all.
        cache_dir: where the store goes; default ``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: a file of another layout, or subjects that it has not.
    """
    if split not in ('train', 'test'):
        raise ValueError(f"split={split!r} should be 'train' or 'test'")
    path = require(Path(data_root) / f'data_{split}_3dhp.npz',
                   'tools/dataset_converters/mpi_inf_3dhp.py makes it of the official files')
    subjects = None if subjects is None else list(subjects)
    return cached_store('mpi_inf_3dhp', [path], [split, subjects], lambda: _read(path, split, subjects), cache_dir)


def _read(path: Path, split: str, subjects: list | None) -> SequenceStore:
    data = read_object(path, 'data')
    if not isinstance(data, dict):
        raise BadFile(f"{path}: 'data' should hold its sequences by name, got {type(data).__name__}")
    if wrong := [name for name in data if not isinstance(name, str)]:
        raise BadFile(f"{path}: 'data' should hold its sequences by names such as 'S1 Seq1' or 'TS1', got {wrong[0]!r}")
    known = sorted({name.split(' ')[0] for name in data})
    if unknown := [subject for subject in subjects or () if subject not in known]:
        raise ValueError(f'{path} has no subjects {unknown}, only {known}')
    views = [view for name, sequence in data.items() if subjects is None or name.split(' ')[0] in subjects
             for view in (_train_views if split == 'train' else _test_views)(path, name, sequence)]
    if not views:
        raise BadFile(f'{path} has no sequence')
    info = dict(dataset_name='mpi_inf_3dhp', split=split, skeleton=SKELETON.name, root=str(path.parent))
    num_frames = sum(len(view[-1]['data_3d']) for view in views)
    return assemble((_sequence(path, *view) for view in views), num_frames, info, {})


def _train_views(path: Path, name: str, sequence) -> Iterator[tuple]:
    """``(subject, sequence, camera, fps, arrays)`` of each camera of ``'S1 Seq1'``."""
    subject, _, sequence_name = name.partition(' ')
    if not (sequence_name and isinstance(sequence, list) and len(sequence) == 2 and isinstance(sequence[0], dict)):
        raise BadFile(f"{path}: {name!r} should be 'S1 Seq1', say, and hold [{{camera: arrays}}, fps]; is it the test "
                      'file?')
    for camera, arrays in sequence[0].items():
        rate = _rate(f'{path}: {name!r}', sequence[1])
        yield subject, sequence_name, str(camera), rate, _arrays(path, name, arrays, ())


def _test_views(path: Path, name: str, sequence) -> Iterator[tuple]:
    yield name, name, '0', TEST_FPS, _arrays(path, name, sequence, ('valid',))


def _rate(where: str, value) -> float:
    try:
        rate = float(value)
    except DAMAGE:
        rate = 0.0
    if not 0 < rate < 1e5:
        raise BadFile(f'{where}: {value!r} should be frames per second')
    return rate


def _arrays(path: Path, name: str, arrays, more: tuple) -> dict:
    wanted = ['data_2d', 'data_3d', *more]
    if not isinstance(arrays, dict) or not all(isinstance(arrays.get(key), np.ndarray) for key in wanted):
        found = sorted(arrays) if isinstance(arrays, dict) else type(arrays).__name__
        raise BadFile(f'{path}: {name!r} should hold the arrays {wanted}, got {found}')
    return arrays


def _sequence(path: Path, subject: str, sequence: str, camera: str, fps: float, arrays: dict) -> KeypointSequence:
    keypoints, joints = arrays['data_2d'], arrays['data_3d']
    where = f'{path}: {subject} {sequence}, camera {camera}'
    check_joints(where, joints, SKELETON, 'mm')
    check_keypoints(where, keypoints, SKELETON, len(joints))
    more, name = {}, subject if sequence == subject else f'{subject} {sequence} {camera}'
    for key, source, dtype in (('visible', 'valid', bool), ('activity', 'activity', np.int64)):
        if source in arrays:
            values = np.ravel(arrays[source])
            if len(values) != len(joints):
                raise BadFile(f'{where}: {source!r} has {len(values)} values for {len(joints)} frames')
            if values.dtype.kind not in 'biuf' or dtype is not bool and not np.isfinite(values).all():
                raise BadFile(f'{where}: {source!r} should be numbers, got {values[:3].tolist()}, ...')
            more[key] = (np.nan_to_num(values) if dtype is bool else values).astype(dtype)  # NaN: not valid
    info = dict(uid=f'{subject}/{sequence}/{camera}', name=name, subject=subject, action=sequence,
                camera=camera, fps=fps, image_size=list(IMAGE_SIZES.get(subject, IMAGE_SIZE)))
    root = joints[:, SKELETON.root] / 1000
    return KeypointSequence(info, keypoints[:len(joints)], joints / 1000 - root[:, None], root, more)
