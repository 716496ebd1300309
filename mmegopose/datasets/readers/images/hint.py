"""HInt, hands in the wild with occlusion (Pavlakos et al., CVPR 2024)."""
import numpy as np

from ....files import read_json
from ....registry import FUNCTIONS
from ...image_store import ImageStore, SkipReport, boxes_from_corners, keypoint_boxes
from .annotations import BAD_ANNOTATION, require, skip_reason, with_confidence

SUBSETS = ('newdays_img', 'epick_img', 'ego4d_img', 'ego4d_seq')
DOWNLOAD = 'root should be the folder HInt_annotation_partial or HInt_annotation, with TRAIN_newdays_img/ and so on'


@FUNCTIONS.register_module('HInt')
def read_hint(root: str, split: str = 'TEST', subsets: tuple = SUBSETS[:2]) -> ImageStore:
    """Hands with 21 keypoints, of which some are occluded; no 3D.

    ``{split}_{subset}`` holds one ``.jpg`` and one ``.json`` per hand, whose names end in ``_l`` or ``_r``. Every
    keypoint is labelled, the occluded ones too. Ego4D comes without images: fill them in as its authors describe.

    Args:
        root: folder of the data set.
        split: ``'TRAIN'``, ``'VAL'`` or ``'TEST'``.
        subsets: some of ``'newdays_img', 'epick_img', 'ego4d_img', 'ego4d_seq'``. Papers give each its own score.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: unknown split or subset, or no usable sample.
    """
    if split not in ('TRAIN', 'VAL', 'TEST'):
        raise ValueError(f"split={split!r} should be 'TRAIN', 'VAL' or 'TEST'")
    if not subsets or set(subsets) - set(SUBSETS):
        raise ValueError(f'subsets={tuple(subsets)} should be some of {SUBSETS}')
    root, report, rows = require(root, DOWNLOAD), SkipReport(), []
    for subset in subsets:
        folder = require(root / f'{split}_{subset}', DOWNLOAD)
        images = {path.stem for path in folder.glob('*.jpg')}
        for path in sorted(folder.glob('*.json')):
            if path.stem not in images:
                report.skip('image missing', path.with_suffix('.jpg'))
                continue
            try:
                rows.append(dict(_label(path), files=f'{folder.name}/{path.stem}.jpg'))
            except BAD_ANNOTATION as error:
                report.skip(skip_reason(error), f'{path}: {error}')
    if not rows:
        raise ValueError(f'{root} {split} {tuple(subsets)} has no usable sample; left out: {dict(report) or "nothing"}')
    columns = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    corners, tight = boxes_from_corners(columns.pop('corners')), keypoint_boxes(columns['keypoints'])
    boxes = np.where((corners[:, 2:] > 0).all(1, keepdims=True), corners, tight)
    return ImageStore('hand', root, boxes=boxes, report=report, **columns).cleaned()


def _label(path) -> dict:
    """One hand of a file; raises if there is not exactly one."""
    hand, = read_json(path, list)
    side = path.stem.rpartition('_')[2]
    if side not in ('l', 'r'):
        raise ValueError('the name should end in _l or _r')
    return dict(
        keypoints=with_confidence(np.array(hand['keypoints'], np.float64).reshape(21, 2)),
        occluded=np.array(hand['occlusion'], np.float64).reshape(21) > 0.5,
        corners=np.array(hand['bbox'], np.float64).reshape(4), right=side == 'r')
