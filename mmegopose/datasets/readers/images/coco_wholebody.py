"""COCO-WholeBody, its hands (Jin et al., ECCV 2020)."""
from pathlib import Path

import numpy as np

from ....files import BadFile, as_floats, read_json, require
from ....geometry.crops import boxes_from_corners
from ....registry import READERS
from ...cache import cached_store
from ...store import SequenceStore
from .annotations import BAD_ANNOTATION
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
    images, hands = {}, []
    for image in _list(path, content, 'images'):
        try:
            numbers = [int(image[key]) for key in ('width', 'height', 'id')]
            if not all(0 <= number < 2 ** 31 for number in numbers):
                raise ValueError(f'{numbers} of an image')
            images[image['id']] = (f'{split}2017/{image["file_name"]}', *numbers)
        except BAD_ANNOTATION:
            report.skip('image not in the official layout', f'{path}: {str(image)[:60]}')
    people = _list(path, content, 'annotations')
    for side in ('left', 'right'):
        for person in people:
            try:
                if person.get(f'{side}hand_valid'):
                    hands.append(_hand(person, side, images))
            except BAD_ANNOTATION:
                who = person.get('id') if isinstance(person, dict) else person
                report.skip('annotation not in the official layout', f'{path}: {side} hand of {str(who)[:60]}')
    if not hands:
        raise no_usable_sample(path, report)
    hands, boxes, keypoints, right, area = zip(*hands)
    file, width, height, number = zip(*hands)
    boxes = np.stack(boxes)
    boxes[:, 2:] += boxes[:, :2]
    return image_store(
        'hand', root, 'COCOWholeBodyHand', split, file=list(file), box=boxes_from_corners(boxes),
        keypoints=np.stack(keypoints), right=list(right), report=report, image_size=list(zip(width, height)),
        image_id=list(number), area=list(area) if np.isfinite(area).all() else None)


def _list(path: Path, content: dict, key: str) -> list:
    if not isinstance(content[key], list):
        raise BadFile(f'{path}: {key!r} should be a list; download it again from the site of COCO-WholeBody')
    return content[key]


def _hand(person: dict, side: str, images: dict) -> tuple:
    """``(image, box (4,), keypoints (21,3), right, area)`` of one hand."""
    box, points = as_floats(person[f'{side}hand_box']), as_floats(person[f'{side}hand_kpts'])
    if box.shape != (4,):
        raise ValueError(f'{box.shape} numbers of a box')
    return images[person['image_id']], box, points.reshape(21, 3), side == 'right', float(person.get('area', np.nan))
