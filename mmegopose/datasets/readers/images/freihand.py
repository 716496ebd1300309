"""FreiHAND (Zimmermann et al., ICCV 2019)."""
from pathlib import Path

import numpy as np

from ....body_models.body_pickles import read_pickle
from ....files import BadFile, as_floats, read_json, require
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import project_keypoints, with_confidence
from .image_rows import image_store

BACKGROUNDS = ('gs', 'hom', 'sample', 'auto')
SIDE = 224  # pixels
DOWNLOAD = 'data_root should be the folder of FreiHAND_pub_v2, with training/, evaluation/ and their json files'


@READERS.register_module('freihand')
def read_freihand(data_root: str, split: str = 'training', backgrounds: tuple = BACKGROUNDS, mano: str | None = None,
                  cache_dir: str | None = None) -> SequenceStore:
    """Right hands in images of 224 x 224.

    ``{split}_K.json``, ``_xyz.json``, ``_mano.json`` and, for evaluation, ``_verts.json`` lie beside ``{split}/rgb``.
    Image ``i + n v`` shows hand i of n before background v. In old downloads evaluation has only ``_K.json``; its
    boxes are then the whole images.

    Args:
        data_root: folder of the data set.
        split: ``'training'`` or ``'evaluation'``.
        backgrounds: versions of the training images: green screen, homogenised, two recolourings.
        mano: your ``MANO_RIGHT.pkl``. Poses are stored relative to MANO's mean pose, so they are unknown without it.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError, BadFile: a file is missing or damaged.
        ValueError: unknown split or background.
    """
    if split not in ('training', 'evaluation'):
        raise ValueError(f"split={split!r} should be 'training' or 'evaluation'")
    unknown = sorted(set(backgrounds) - set(BACKGROUNDS))
    if unknown or not backgrounds:
        raise ValueError(f'backgrounds={tuple(backgrounds)} should be some of {BACKGROUNDS}')
    root = require(data_root, DOWNLOAD)
    require(root / split / 'rgb', DOWNLOAD)
    needed = ('K', 'xyz') if split == 'training' else ('K',)
    sources = [require(root / f'{split}_{name}.json', DOWNLOAD) for name in needed]
    sources += [path for name in ('xyz', 'mano', 'verts') if (path := root / f'{split}_{name}.json').is_file()
                and path not in sources]
    sources += [require(mano, 'mano should be your MANO_RIGHT.pkl')] if mano is not None else []
    return cached_store('freihand', sources, [str(root.resolve()), split, list(backgrounds), str(mano)],
                        lambda: _parse(root, split, backgrounds, mano), cache_dir)


def _parse(root: Path, split: str, backgrounds: tuple, mano: str | None) -> SequenceStore:
    intrinsics = _numbers(root / f'{split}_K.json', (3, 3))
    num_hands, labels = len(intrinsics), {}
    if (root / f'{split}_xyz.json').is_file():
        xyz = _numbers(root / f'{split}_xyz.json', (21, 3), num_hands)
        labels = dict(joints=with_confidence(xyz), keypoints=project_keypoints(xyz, intrinsics))
        labels |= _parameters(root / f'{split}_mano.json', num_hands, mano)
    if split == 'evaluation' and (root / f'{split}_verts.json').is_file():
        labels['vertices'] = _numbers(root / f'{split}_verts.json', (778, 3), num_hands).astype(np.float32)
    versions = [BACKGROUNDS.index(name) for name in backgrounds] if split == 'training' else [0]
    files = [f'{split}/rgb/{i + num_hands * version:08d}.jpg' for version in versions for i in range(num_hands)]
    columns = {name: np.concatenate([values] * len(versions)) for name, values in labels.items()}
    if not labels:
        columns['box'] = np.full((num_hands, 4), (SIDE / 2, SIDE / 2, SIDE, SIDE))
    return image_store('hand', root, 'FreiHAND', split, file=files, image_size=(SIDE, SIDE), clean=bool(labels),
                       **columns)


def _parameters(path, num_hands: int, mano: str | None) -> dict:
    """``pose (n,16,3)`` and ``betas (n,10)``; only what is known."""
    if not path.is_file():
        return {}
    rows = _numbers(path, (1, 61), num_hands)[:, 0]  # 48 pose, 10 shape, 2 root, 1 scale
    found = dict(betas=rows[:, 48:58])
    if mano is not None:
        model = read_pickle(mano)
        mean = model.get('hands_mean') if isinstance(model, dict) else None
        if np.shape(mean) != (45,):
            raise BadFile(f'{mano} has no hands_mean of 45 numbers; mano should be MANO_RIGHT.pkl')
        found['pose'] = (rows[:, :48] + np.pad(mean, (3, 0))).reshape(-1, 16, 3)
    return found


def _numbers(path, shape: tuple, count: int | None = None) -> np.ndarray:
    content = read_json(path, list)
    try:
        values = as_floats(content)
    except ValueError:
        values = np.empty(0)
    count = len(content) if count is None else count
    if values.shape != (count, *shape):
        raise BadFile(f'{path} should hold {count} times {shape} numbers; copy or download it again')
    return values
