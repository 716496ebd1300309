"""COCO-WholeBody, its hands (Jin et al., ECCV 2020)."""
from pathlib import Path

import numpy as np

from ....files import BadFile, read_json, require
from ....geometry.crops import boxes_from_corners
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .image_rows import SkipReport, image_store, no_usable_sample

DOWNLOAD = ('data_root should be the folder of COCO, with train2017/, val2017/ and '
            'annotations/coco_wholebody_*_v1.0.json')


@READERS.register_module('coco_wholebody_hand')
def read_coco_wholebody_hands(data_root: str, split: str = 'train', cache_dir: str | None = None) -> SequenceStore:
    """Left and right hands that are labelled (``lefthand_valid``, ``righthand_valid``) with 21 keypoints; no 3D.

    Args:
        data_root: folder of COCO.
        split: ``'train'`` or ``'val'``.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError, BadFile: a file is missing or damaged.
        ValueError: unknown split, or no usable sample.
    """
    if split not in ('train', 'val'):
        raise ValueError(f"split={split!r} should be 'train' or 'val'")
    root = require(data_root, DOWNLOAD)
    require(root / f'{split}2017', DOWNLOAD)
    path = require(root / 'annotations' / f'coco_wholebody_{split}_v1.0.json', DOWNLOAD)
    return cached_store('coco_wholebody_hand', [path], [split], lambda: _parse(root, split, path), cache_dir)


def _parse(root: Path, split: str, path: Path) -> SequenceStore:
    content, report = read_json(path), SkipReport()
    if missing := {'images', 'annotations'} - set(content):
        raise BadFile(f'{path} lacks {sorted(missing)}; download it again from the site of COCO-WholeBody')
    images = {image['id']: image for image in content['images']}
    hands, boxes, keypoints, right, area = [], [], [], [], []
    for side in ('left', 'right'):
        for person in content['annotations']:
            if not person.get(f'{side}hand_valid'):
                continue
            box, points = person.get(f'{side}hand_box'), person.get(f'{side}hand_kpts')
            if person['image_id'] not in images or np.size(box) != 4 or np.size(points) != 63:
                report.skip('annotation not in the official layout', f'{path}: {side} hand of {person.get("id")}')
                continue
            hands.append(images[person['image_id']])
            boxes.append(box)
            keypoints.append(points)
            right.append(side == 'right')
            area.append(person.get('area', np.nan))
    if not hands:
        raise no_usable_sample(path, report)
    boxes = np.array(boxes, np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return image_store(
        'hand', root, 'COCOWholeBodyHand', split, file=[f'{split}2017/{image["file_name"]}' for image in hands],
        box=boxes_from_corners(boxes), keypoints=np.array(keypoints, np.float64).reshape(-1, 21, 3), right=right,
        report=report, image_size=[(image['width'], image['height']) for image in hands],
        image_id=[image['id'] for image in hands], area=area if np.isfinite(area).all() else None)
