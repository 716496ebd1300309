"""COCO-WholeBody, its hands (Jin et al., ECCV 2020)."""
import numpy as np

from ....files import BadFile, read_json
from ....registry import FUNCTIONS
from ...image_store import ImageStore, SkipReport, boxes_from_corners
from .annotations import require

DOWNLOAD = 'root should be the folder of COCO, with train2017/, val2017/ and annotations/coco_wholebody_*_v1.0.json'


@FUNCTIONS.register_module('COCOWholeBodyHand')
def read_coco_wholebody_hands(root: str, split: str = 'train') -> ImageStore:
    """Left and right hands that are labelled (``lefthand_valid``, ``righthand_valid``) with 21 keypoints; no 3D.

    Args:
        root: folder of COCO.
        split: ``'train'`` or ``'val'``.

    Raises:
        FileNotFoundError, BadFile: a file is missing or damaged.
        ValueError: unknown split, or no usable sample.
    """
    if split not in ('train', 'val'):
        raise ValueError(f"split={split!r} should be 'train' or 'val'")
    root = require(root, DOWNLOAD)
    folder = require(root / f'{split}2017', DOWNLOAD).name
    path = require(root / 'annotations' / f'coco_wholebody_{split}_v1.0.json', DOWNLOAD)
    content, report = read_json(path), SkipReport()
    if missing := {'images', 'annotations'} - set(content):
        raise BadFile(f'{path} lacks {sorted(missing)}; download it again from the site of COCO-WholeBody')
    images = {image['id']: image for image in content['images']}
    hands, boxes, keypoints, right = [], [], [], []
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
    if not hands:
        raise ValueError(f'{path} has no usable sample; left out: {dict(report) or "nothing"}')
    boxes = np.array(boxes, np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return ImageStore(
        'hand', root, [f'{folder}/{image["file_name"]}' for image in hands], boxes_from_corners(boxes),
        np.array(keypoints, np.float64).reshape(-1, 21, 3), right=right, report=report,
        image_size=[(image['width'], image['height']) for image in hands]).cleaned()
