"""The files that HaMeR (Pavlakos et al., CVPR 2024, arXiv 2312.05251) is trained and evaluated with."""
import tarfile
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....registry import FUNCTIONS
from ...image_store import ImageStore, SkipReport
from ..object_npz import read_object
from .annotations import BAD_ANNOTATION, read_annotation_pickle, require, skip_reason

PIXELS = 200.0  # of a unit of scale
IMAGES = ('.jpg', '.jpeg', '.png')
HAND_SHAPES = dict(keypoints_2d=(21, 3), keypoints_3d=(21, 4), center=(2,), hand_pose=(16, 3), betas=(10,), right=(),
              has_hand_pose=(), has_betas=())


@FUNCTIONS.register_module('HaMeRNpz')
def read_hamer_npz(file: str, root: str) -> ImageStore:
    """Hands of an ``.npz``: evaluation lists of FreiHAND, HO-3D and HInt, or your own.

    Keys: ``imgname``, ``center (N,2)`` and ``scale (N,1|2)`` in pixels, and optionally ``right``, ``hand_pose (N,48)``
    axis-angle, ``has_hand_pose``, ``betas (N,10)``, ``has_betas``, ``hand_keypoints_2d (N,21,3)`` and
    ``hand_keypoints_3d (N,21,4)``. Rows without any label are kept: they can be predicted.

    Args:
        file: the ``.npz``.
        root: folder of the images.

    Raises:
        FileNotFoundError: the file or the folder is missing.
        BadFile: the file is damaged or lacks a key.
    """
    file = require(file, 'file should be an .npz in the layout of HaMeR')
    root = require(root, 'root should be the folder of the images that the .npz names')
    try:
        with np.load(file, allow_pickle=False) as archive:
            names = set(archive.files)
    except Exception as error:  # numpy raises what the zip and npy layers raise
        raise BadFile(f'{file} cannot be read ({error}): it is cut off or no npz; copy or download it again') from None

    def read(key, shape, default=None):
        if key not in names and default is not None:
            return np.full((count, *shape), default)
        try:
            return np.array(read_object(file, key), np.float64).reshape(count, *shape)
        except (TypeError, ValueError) as error:
            if isinstance(error, BadFile):
                raise
            raise BadFile(f'{file}: {key} should hold {count} times {shape} numbers') from None

    files = [name.decode() if isinstance(name, bytes) else str(name) for name in read_object(file, 'imgname')]
    count = len(files)
    size = np.array(read_object(file, 'scale'), np.float64).reshape(count, -1)
    store = ImageStore(
        'hand', root, files, np.concatenate([read('center', (2,)), np.broadcast_to(size, (count, 2))], 1),
        read('hand_keypoints_2d', (21, 3), 0.0), read('hand_keypoints_3d', (21, 4), 0.0),
        read('hand_pose', (16, 3), 0.0), read('betas', (10,), 0.0), read('has_hand_pose', (), 0.0),
        read('has_betas', (), 0.0), right=read('right', (), 1.0))
    labelled = (store.keypoints[..., 2] > 0).any() or (store.joints[..., 3] > 0).any() or store.has_pose.any()
    return store.cleaned() if labelled else store


@FUNCTIONS.register_module('HaMeRTar')
def read_hamer_tar(root: str, pattern: str = '*.tar', min_confidence: float = 0.3, min_keypoints: int = 5,
                   max_beta: float = 3.0, max_fitting_loss: float = 31000.0) -> ImageStore:
    """Hands of webdataset shards: an image and a pickle ``data.pyd``, the list of its hands, under each key.

    The shards are indexed once and images read in place. A hand has ``keypoints_2d (21,3)``, ``keypoints_3d (21,4)``,
    ``center`` in pixels, ``scale`` in units of 200 pixels, ``hand_pose (48,)``, ``betas``, ``right`` and ``has_*``.
    Its box is already enlarged (``store.tight`` is False). ``store.files`` are named ``000000.tar/key``.

    Args:
        root: folder of the shards.
        pattern: their names.
        min_confidence: keypoints below it are unknown.
        min_keypoints: hands with fewer known keypoints are left out.
        max_beta: shapes beyond it are unknown, and so is the pose then.
        max_fitting_loss: hands whose fit reprojects worse are left out.

    Raises:
        FileNotFoundError: the folder is missing or has no shard.
        ValueError: no usable sample.
    """
    root, report, rows = require(root, 'root should be the folder of the .tar shards of HaMeR'), SkipReport(), []
    shards = sorted(root.glob(pattern))
    if not shards:
        raise FileNotFoundError(f'{root / pattern} matches no file: root should hold the .tar shards of HaMeR')
    for shard in shards:
        try:
            for key, image, content in _entries(shard):
                _read_hands(f'{shard.name}/{key}', image, content, rows, report, max_fitting_loss)
        except (tarfile.TarError, EOFError, OSError) as error:
            report.skip('shard cut off or damaged (its rest is lost)', f'{shard} ({error}); download it again')
    if not rows:
        raise ValueError(f'{root} has no usable sample; left out: {dict(report) or "nothing"}')
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    keypoints, center = columns.pop('keypoints_2d'), columns.pop('center')
    keypoints[..., 2] *= keypoints[..., 2] >= min_confidence
    known = (columns.pop('has_hand_pose') > 0) & (columns.pop('has_betas') > 0) & \
        (np.abs(columns['betas']) <= max_beta).all(1)
    enough = (keypoints[..., 2] > 0).sum(1) >= min_keypoints
    report.skip('too few keypoints', count=int((~enough).sum()))
    columns |= dict(boxes=np.concatenate([center, columns.pop('size')], 1), joints=columns.pop('keypoints_3d'),
                    pose=columns.pop('hand_pose'), has_pose=known, has_betas=known)
    return ImageStore('hand', root, keypoints=keypoints, tight=False, report=report, **columns).keep(enough).cleaned()


def _entries(shard: Path):
    """``(key, (offset, length) of the image or None, bytes of data.pyd or None)`` of each key of a shard."""
    with tarfile.open(shard, 'r:') as archive:
        last, image, content = None, None, None
        for member in archive:
            folder, _, name = member.name.rpartition('/')
            stem, _, suffix = name.partition('.')
            key = f'{folder}/{stem}' if folder else stem
            if key != last:
                if last is not None:
                    yield last, image, content
                last, image, content = key, None, None
            if f'.{suffix.lower()}' in IMAGES:
                image = (member.offset_data, member.size)
            elif suffix == 'data.pyd':
                content = archive.extractfile(member).read()
        if last is not None:
            yield last, image, content


def _read_hands(name: str, image, content, rows: list, report: SkipReport, max_loss: float) -> None:
    """Append the hands of one key, ``name``, to ``rows``."""
    if image is None or content is None:
        report.skip('image missing' if image is None else 'data.pyd missing', name)
        return
    try:
        hands = list(read_annotation_pickle(content, name))
    except BAD_ANNOTATION as error:
        report.skip(skip_reason(error), error)
        return
    for hand in hands:
        try:
            row = {key: np.asarray(hand[key], np.float64).reshape(shape) for key, shape in HAND_SHAPES.items()}
            row['size'] = np.broadcast_to(np.ravel(np.asarray(hand['scale'], np.float64)) * PIXELS, 2)
            loss = _fitting_loss(hand)
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), f'{name}: {error!r}')
            continue
        if loss >= max_loss:
            report.skip('bad fit', name)
        else:
            rows.append(dict(row, files=name, spans=np.array(image)))


def _fitting_loss(hand: dict) -> float:
    losses = (hand.get('extra_info') or {}).get('fitting_loss')
    losses = losses.item() if isinstance(losses, np.ndarray) else losses
    loss = (losses or {}).get('reprojection_loss')
    return 0.0 if loss is None else float(loss)
