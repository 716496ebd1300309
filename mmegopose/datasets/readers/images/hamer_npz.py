"""The ``.npz`` lists that HaMeR is evaluated with (Pavlakos et al., CVPR 2024, arXiv 2312.05251)."""
from pathlib import Path

import numpy as np

from ....files import DAMAGE, BadFile, require
from ....npz import array_names
from ....pickles import read_object
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .image_rows import image_store


@READERS.register_module('hamer_npz')
def read_hamer_npz(data_root: str, file: str, cache_dir: str | None = None) -> SequenceStore:
    """Hands of an ``.npz``: evaluation lists of FreiHAND, HO-3D and HInt, or your own.

    Keys: ``imgname``, ``center (N,2)`` and ``scale (N,1|2)`` in pixels, and optionally ``right``, ``hand_pose (N,48)``
    axis-angle, ``has_hand_pose``, ``betas (N,10)``, ``has_betas``, ``hand_keypoints_2d (N,21,3)`` and
    ``hand_keypoints_3d (N,21,4)``. Rows without any label are kept: they can be predicted.

    Args:
        data_root: folder of the images.
        file: the ``.npz``, relative to ``data_root`` unless its path is absolute.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError: the file or the folder is missing.
        BadFile: the file is damaged or lacks a key.
    """
    root = require(data_root, 'data_root should be the folder of the images that the .npz names')
    path = require(root / Path(file).expanduser(), 'file should be an .npz in the layout of HaMeR')
    return cached_store('hamer_npz', [path], [str(root.resolve()), str(path.resolve())], lambda: _parse(root, path),
                        cache_dir)


def _parse(root: Path, file: Path) -> SequenceStore:
    names = array_names(file)

    def read(key, shape, default=None):
        if key not in names and default is not None:
            return np.full((count, *shape), default)
        try:
            return np.array(read_object(file, key), np.float64).reshape(count, *shape)
        except DAMAGE as error:
            if isinstance(error, BadFile):
                raise
            raise BadFile(f'{file}: {key} should hold {count} times {shape} numbers') from None

    listed = read_object(file, 'imgname')
    if not isinstance(listed, (list, np.ndarray)) or np.ndim(listed) != 1 or not len(listed):
        raise BadFile(f'{file}: imgname should list the names of pictures, got {str(listed)[:60]!r}')
    files = [name.decode(errors='replace') if isinstance(name, bytes) else str(name) for name in listed]
    count = len(files)
    size = read('scale', (np.size(read_object(file, 'scale')) // count,))
    if size.shape[1] not in (1, 2):
        raise BadFile(f'{file}: scale should hold {count} times one or two numbers, got {size.size}')
    columns = dict(
        box=np.concatenate([read('center', (2,)), np.broadcast_to(size, (count, 2))], 1),
        keypoints=read('hand_keypoints_2d', (21, 3), 0.0), joints=read('hand_keypoints_3d', (21, 4), 0.0),
        pose=read('hand_pose', (16, 3), 0.0), betas=read('betas', (10,), 0.0),
        has_pose=read('has_hand_pose', (), 0.0), has_betas=read('has_betas', (), 0.0), right=read('right', (), 1.0))
    labelled = any((columns[name][..., -1] > 0).any() for name in ('keypoints', 'joints')) or columns['has_pose'].any()
    return image_store('hand', root, 'HaMeRNpz', file=files, clean=bool(labelled), **columns)
