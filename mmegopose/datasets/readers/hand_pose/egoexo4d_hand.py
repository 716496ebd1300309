"""The hand pose benchmark of Ego-Exo4D (Grauman et al., CVPR 2024), as its official preparation writes it."""
from contextlib import suppress
from pathlib import Path

import numpy as np

from ....files import BadFile, as_floats, json_entries, require
from ....geometry.crops import boxes_from_corners
from ....registry import READERS
from ...cache import cached_store
from ...image_files import WrongSize, decode_labelled, read_picture
from ...store import SequenceStore
from ..head_pose.egoexo4d_files import frame_number
from ..images.annotations import BAD_ANNOTATION, skip_reason
from ..images.image_rows import SkipReport, image_store, no_usable_sample
from ..units import MAX_COORDINATE_M

SPLITS, LABELS, SIDES = ('train', 'val', 'test'), ('manual', 'auto'), ('right', 'left')
SIDE, PINHOLE = 512, (150., 150., 255.5, 255.5)  # of the undistorted pictures: pixels, fx fy cx cy
DOWNLOAD = ('data_root should be the folder that mmegopose prepare egoexo4d-hand, or the official preparation, has '
            'written, with annotation/ and image/ in it')
TEMPLATE = ('copy it from handpose/data_preparation of https://github.com/EGO4D/ego-exo4d-egopose, or name it in '
            'template')


@READERS.register_module('egoexo4d_hand')
def read_egoexo4d_hand(data_root: str, split: str = 'train', labels: str = 'manual', template: str | None = None,
                       mirror_left: bool = True, cache_dir: str | None = None) -> SequenceStore:
    """Hands of wearers in undistorted pictures of 512 x 512 from their headset; a sequence is one hand of a take.

    ``annotation/{labels}/ego_pose_gt_anno_{split}_public.json`` holds the labels and boxes, those of the test split
    boxes only, and ``image/undistorted/{split}/{take_name}/{frame:06d}.jpg`` the pictures. Joints are in the axes of
    the camera, which lies on its side (x down, y to the wearer's left, z forward), from the wrist, whose place is known
    even where it is not visible. In the mirrored scene y changes its sign, and the picture is upside down.

    Args:
        data_root: folder of the prepared data.
        split: ``'train'``, ``'val'`` or ``'test'``.
        labels: ``'manual'``, ``'auto'``, or ``'both'``: hands that nobody labelled by hand get automatic labels. The
            test split is the same for all.
        template: path of the annotation file of the split where it lies elsewhere, e.g. the official
            ``ego_pose_gt_anno_test_public.json``; relative to ``data_root`` or to here.
        mirror_left: left hands are shown mirrored, so that a model sees right hands only; False: as they are.
        cache_dir: see :func:`.cached_store`.

    Raises:
        FileNotFoundError, BadFile: a file is missing or damaged.
        ValueError: unknown split or labels, or no usable sample.
    """
    if split not in SPLITS or labels not in (*LABELS, 'both'):
        raise ValueError(f'split={split!r} should be one of {SPLITS}, and labels={labels!r} one of '
                         f"{(*LABELS, 'both')}")
    root = require(data_root, DOWNLOAD)
    sources = [_annotations(root, split, kind, template) for kind in (LABELS if labels == 'both' else (labels,))]
    sources = sources[:1] if template or split == 'test' else sources
    store = cached_store('egoexo4d_hand', sources, [str(root.resolve()), split],
                         lambda: _parse(root, split, sources), cache_dir)
    _require_size(store)
    return store.extended(info=dict(mirror_left=mirror_left))


def _require_size(store: SequenceStore) -> None:
    """``BadFile`` if the first picture that can be read is not as large as labels and boxes say."""
    for row in range(min(store.num_rows, 20)):
        name = str(store.frames['file'][row])
        with suppress(OSError):
            try:
                decode_labelled(read_picture(store.info['root'], name), np.array([SIDE, SIDE]))
            except WrongSize as error:
                raise BadFile(f'{Path(store.info["root"]) / name}: {error}. A rendered sample needs --size {SIDE}') \
                    from None
            return


def _annotations(root: Path, split: str, kind: str, template: str | None) -> Path:
    if template is not None:
        path = root / template
        return path if path.is_file() else require(template, f'template should be an annotation file; {TEMPLATE}')
    name = f'ego_pose_gt_anno_{split}_public.json'
    places = [root / 'annotation' / kind / name]
    if split == 'test':  # one file for all
        places += [root / 'annotation' / other / name for other in LABELS if other != kind] + [root / name]
    return next((path for path in places if path.is_file()), None) or require(
        places[0], TEMPLATE if split == 'test' else DOWNLOAD)


def _parse(root: Path, split: str, sources: list) -> SequenceStore:
    report, known, sequences, parts = SkipReport(), set(), {}, []
    for path in sources:
        for uid, take in json_entries(path):
            hands = []
            for frame, entry in take.items() if isinstance(take, dict) else ():
                for side in SIDES:
                    try:
                        hand = _hand(entry, _number(frame), side, split)
                    except BAD_ANNOTATION as error:
                        report.skip(skip_reason(error), f'{path}, take {uid}, frame {frame}, {side} hand: {error}')
                        continue
                    if hand is not None and (uid, side, frame) not in known:  # the first source wins
                        known.add((uid, side, frame))
                        name = hand.pop('take')
                        facts = dict(uid=f'{uid}/{side}', name=name, root_dir=f'takes/{name}', take_uid=uid, side=side)
                        number, _ = sequences.setdefault((uid, side), (len(sequences), facts))
                        hands.append(hand | dict(sequence=number))
            if hands:
                parts.append({name: np.stack([hand[name] for hand in hands]) for name in hands[0]})
    if not parts:
        raise no_usable_sample(f'{root} {split}', report)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    store = image_store(
        'hand', root, 'Ego-Exo4D hands', split, sequences=[facts for _, facts in sequences.values()], report=report,
        clean=split != 'test', image_size=(SIDE, SIDE), box=boxes_from_corners(columns.pop('corners')), **columns)
    return store.extended(info=dict(mirror_axis='y', labelled=split != 'test'))


def _number(key: str) -> int:
    number = frame_number(key)
    if number is None or str(number) != key:
        raise ValueError('a video has no frame of this number')
    return number


def _hand(entry: dict, frame: int, side: str, split: str) -> dict | None:
    """Labels of a hand; None: the frame has not this hand."""
    corners = entry[f'{side}_hand_bbox']
    if not corners:
        return None
    take, number = entry['metadata']['take_name'], entry['metadata'].get('frame_number', frame)
    if number != frame:
        raise ValueError(f'frame_number={number!r} in its metadata is another frame')
    if not isinstance(take, str) or '/' in take or '\\' in take or take in ('', '.', '..') \
            or not take.isprintable():
        raise BadFile(f'take_name={take!r} is no name of a folder')
    hand = dict(take=take, file=f'image/undistorted/{split}/{take}/{frame:06d}.jpg', frame=frame, right=side == 'right',
                corners=_numbers(corners).reshape(4))
    if split == 'test':
        return hand
    joints, keypoints = (_numbers(entry[f'{side}_hand_{size}d']).reshape(21, size) for size in (3, 2))
    valid = np.asarray(entry[f'{side}_hand_valid_3d']).reshape(21)
    if valid.dtype.kind not in 'biuf' or not ((valid == 0) | (valid == 1)).all():
        raise ValueError(f'{side}_hand_valid_3d should be truth values')
    valid = valid.astype(bool)
    if not np.isfinite(joints[0]).all():
        raise ValueError('the wrist, from which all joints are measured, is not known')
    return hand | dict(joints=np.c_[joints - joints[0], valid].astype(np.float32),
                       keypoints=np.c_[keypoints, valid].astype(np.float32))


def _numbers(values: list) -> np.ndarray:
    """Of a list as the official files have it, without a look at each of its hundreds of millions of numbers; NaN for
    those that are none, or too large for any place."""
    array = np.asarray(values)
    array = array if array.dtype == np.float64 else as_floats(values)
    return np.where(np.abs(array) < 1000 * MAX_COORDINATE_M, array, np.nan)
