"""The webdataset shards that HaMeR is trained with (Pavlakos et al., CVPR 2024, arXiv 2312.05251)."""
import tarfile
from pathlib import Path

import numpy as np

from ....files import require
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import BAD_ANNOTATION, read_annotation_pickle, skip_reason
from .image_rows import SkipReport, image_store, no_usable_sample

PIXELS_PER_SCALE = 200.0
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
HAND_SHAPES = dict(keypoints_2d=(21, 3), keypoints_3d=(21, 4), center=(2,), hand_pose=(16, 3), betas=(10,), right=(),
                   has_hand_pose=(), has_betas=())


@READERS.register_module('hamer_tar')
def read_hamer_tar(data_root: str, pattern: str = '*.tar', min_confidence: float = 0.3, min_keypoints: int = 5,
                   max_beta: float = 3.0, max_fitting_loss: float = 31000.0,
                   cache_dir: str | None = None) -> SequenceStore:
    """Hands of webdataset shards: an image and a pickle ``data.pyd``, the list of its hands, under each key.

    The shards are indexed once and images read in place. A hand has ``keypoints_2d (21,3)``, ``keypoints_3d (21,4)``,
    ``center`` in pixels, ``scale`` in units of 200 pixels, ``hand_pose (48,)``, ``betas``, ``right`` and ``has_*``.
    Its box is already enlarged (the fact ``tight`` is False). A ``file`` is named ``000000.tar/key``.

    Args:
        data_root: folder of the shards.
        pattern: their names.
        min_confidence: keypoints below it are unknown.
        min_keypoints: hands with fewer known keypoints are left out.
        max_beta: shapes beyond it are unknown, and so is the pose then.
        max_fitting_loss: hands whose fit reprojects worse are left out.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError: the folder is missing or has no shard.
        ValueError: no usable sample.
    """
    root = require(data_root, 'data_root should be the folder of the .tar shards of HaMeR')
    shards = sorted(root.glob(pattern))
    if not shards:
        raise FileNotFoundError(f'{root / pattern} matches no file: data_root should hold the .tar shards of HaMeR')
    limits = dict(min_confidence=min_confidence, min_keypoints=min_keypoints, max_beta=max_beta,
                  max_fitting_loss=max_fitting_loss)
    return cached_store('hamer_tar', shards, [pattern, limits], lambda: _parse(root, shards, **limits), cache_dir)


def _parse(root: Path, shards: list, min_confidence: float, min_keypoints: int, max_beta: float,
           max_fitting_loss: float) -> SequenceStore:
    report, rows = SkipReport(), []
    for shard in shards:
        try:
            for key, image, content in _entries(shard):
                _read_hands(f'{shard.name}/{key}', image, content, rows, report, max_fitting_loss)
        except (tarfile.TarError, EOFError, OSError) as error:
            report.skip('shard cut off or damaged (its rest is lost)', f'{shard} ({error}); download it again')
    if not rows:
        raise no_usable_sample(root, report)
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    keypoints, center = columns.pop('keypoints_2d'), columns.pop('center')
    keypoints[..., 2] *= keypoints[..., 2] >= min_confidence
    known = (columns.pop('has_hand_pose') > 0) & (columns.pop('has_betas') > 0) & \
        (np.abs(columns['betas']) <= max_beta).all(1)
    enough = (keypoints[..., 2] > 0).sum(1) >= min_keypoints
    report.skip('too few keypoints', count=int((~enough).sum()))
    columns |= dict(box=np.concatenate([center, columns.pop('size')], 1), joints=columns.pop('keypoints_3d'),
                    pose=columns.pop('hand_pose'), has_pose=known, has_betas=known, keypoints=keypoints,
                    frame=np.arange(len(rows)))
    columns = {name: values[enough] for name, values in columns.items()}
    return image_store('hand', root, 'HaMeRTar', tight=False, report=report, **columns)


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
            if f'.{suffix.lower()}' in IMAGE_SUFFIXES:
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
            row['size'] = np.broadcast_to(np.ravel(np.asarray(hand['scale'], np.float64)) * PIXELS_PER_SCALE, 2)
            loss = _fitting_loss(hand)
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), f'{name}: {error!r}')
            continue
        if loss >= max_loss:
            report.skip('bad fit', name)
        else:
            rows.append(dict(row, file=name, span=np.array(image)))


def _fitting_loss(hand: dict) -> float:
    losses = (hand.get('extra_info') or {}).get('fitting_loss')
    losses = losses.item() if isinstance(losses, np.ndarray) else losses
    loss = (losses or {}).get('reprojection_loss')
    return 0.0 if loss is None else float(loss)
