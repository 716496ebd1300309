"""HInt, hands in the wild with occlusion (Pavlakos et al., CVPR 2024)."""
from pathlib import Path

import numpy as np

from ....files import as_floats, read_json, require
from ....geometry.crops import boxes_from_corners, keypoint_boxes
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import BAD_ANNOTATION, skip_reason, with_confidence
from .image_rows import SkipReport, image_store, no_usable_sample

SUBSETS = ('newdays_img', 'epick_img', 'ego4d_img', 'ego4d_seq')
DOWNLOAD = ('data_root should be the folder HInt_annotation_partial or HInt_annotation, with TRAIN_newdays_img/ '
            'and so on')


@READERS.register_module('hint')
def read_hint(data_root: str, split: str = 'TEST', subsets: tuple = SUBSETS[:2],
              cache_dir: str | None = None) -> SequenceStore:
    """Hands with 21 keypoints, of which some are occluded; no 3D.

    ``{split}_{subset}`` holds one ``.jpg`` and one ``.json`` per hand, whose names end in ``_l`` or ``_r``. Every
    keypoint is labelled, the occluded ones too. Ego4D comes without images: fill them in as its authors describe.

    Args:
        data_root: folder of the data set.
        split: ``'TRAIN'``, ``'VAL'`` or ``'TEST'``.
        subsets: some of ``'newdays_img', 'epick_img', 'ego4d_img', 'ego4d_seq'``. Papers give each its own score.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: unknown split or subset, or no usable sample.
    """
    if split not in ('TRAIN', 'VAL', 'TEST'):
        raise ValueError(f"split={split!r} should be 'TRAIN', 'VAL' or 'TEST'")
    if not subsets or set(subsets) - set(SUBSETS):
        raise ValueError(f'subsets={tuple(subsets)} should be some of {SUBSETS}')
    root, labels, without_picture = require(data_root, DOWNLOAD), [], []
    for subset in subsets:
        folder = require(root / f'{split}_{subset}', DOWNLOAD)
        pictures = {path.stem for path in folder.glob('*.jpg')}
        for path in sorted(folder.glob('*.json')):
            (labels if path.stem in pictures else without_picture).append(path)
    if not labels and not without_picture:
        raise no_usable_sample(f'{root} {split} {tuple(subsets)}', SkipReport())
    options = [split, list(subsets), [f'{path.parent.name}/{path.name}' for path in without_picture]]
    return cached_store('hint', labels + without_picture, options,
                        lambda: _parse(root, split, labels, without_picture), cache_dir)


def _parse(root: Path, split: str, labels: list, without_picture: list) -> SequenceStore:
    report, rows = SkipReport(), []
    for path in without_picture:
        report.skip('image missing', path.with_suffix('.jpg'))
    for path in labels:
        try:
            rows.append(dict(_label(path), file=f'{path.parent.name}/{path.stem}.jpg'))
        except BAD_ANNOTATION as error:
            report.skip(skip_reason(error), f'{path}: {error}')
    if not rows:
        raise no_usable_sample(f'{root} {split}', report)
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    corners, tight = boxes_from_corners(columns.pop('corners')), keypoint_boxes(columns['keypoints'])
    boxes = np.where((corners[:, 2:] > 0).all(1, keepdims=True), corners, tight)
    return image_store('hand', root, 'HInt', split, box=boxes, report=report, **columns)


def _label(path) -> dict:
    """One hand of a file; raises if there is not exactly one."""
    hand, = read_json(path, list)
    side = path.stem.rpartition('_')[2]
    if side not in ('l', 'r'):
        raise ValueError('the name should end in _l or _r')
    return dict(
        keypoints=with_confidence(as_floats(hand['keypoints']).reshape(21, 2)),
        keypoint_visible=~(np.array(hand['occlusion'], np.float64).reshape(21) > 0.5),
        corners=as_floats(hand['bbox']).reshape(4), right=side == 'r')
