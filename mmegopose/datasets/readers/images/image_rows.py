"""From what a reader found to a store of images: one row for each hand or person in a picture."""
from collections import Counter
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from ....files import BadFile
from ....geometry.crops import keypoint_boxes
from ...store import Field, SequenceStore
from ..units import MAX_COORDINATE_M, MAX_PIXEL_COORD, MAX_ROOT_DISTANCE_M

SKELETONS = dict(hand='hand21', body='smpl24')
NUM_ROTATIONS = dict(hand=16, body=24)
MAX_PARAMETER = 1e4  # of a pose, radians, or of a shape
MAX_WARNINGS = 5  # that are logged for one reason

IMAGE_SCHEMA = dict(
    file=Field('str', (), 'name of the picture, relative to the fact root; archive.tar/key in an archive'),
    span=Field('int64', (2,), 'offset and length in the archive, bytes'),
    frame=Field('int64', (), 'frame number; of single pictures the number in the official list'),
    listed=Field('int64', (), 'place in the official list, where that is not by sequence and frame'),
    box=Field('float32', (4,), 'centre x, y and size w, h, pixels'),
    keypoints=Field('float32', ('J', 3), 'x, y in pixels, confidence in [0,1]; 0: unknown'),
    keypoint_visible=Field('bool', ('J',), 'False: occluded'),
    joints=Field('float32', ('J', 4), 'metres, camera axes (x right, y down, z forward), confidence in [0,1]'),
    pose=Field('float32', ('K', 3), 'rotation vectors, radians: the root in camera axes, the others to their parents'),
    betas=Field('float32', (10,), 'shape coefficients'),
    has_pose=Field('bool', (), 'the pose is known'),
    has_betas=Field('bool', (), 'the shape is known'),
    right=Field('bool', (), 'False: a left hand, stored as it is, not mirrored'),
    image_size=Field('int64', (2,), 'width and height that the labels are for, pixels; 0: unknown'),
    vertices=Field('float32', ('V', 3), 'metres, camera axes; float64 where the files are as exact'),
    gender=Field('str', (), 'key of the fact body_models'),
    image_id=Field('int64', (), 'number of the picture in its annotation file'),
    area=Field('float32', (), 'of the person in the picture, pixels squared'))


class SkipReport(Counter):
    """Counts of what was left out, by reason."""

    def skip(self, reason: str, where='', count: int = 1) -> None:
        """Count ``count`` samples; the first few places ``where`` of a reason are logged."""
        if not count:
            return
        if self[reason] < MAX_WARNINGS and where:
            MMLogger.get_current_instance().warning(f'left out, {reason}: {where}')
        self[reason] += count


def image_store(kind: str, root: str | Path, dataset_name: str, split: str | None = None, *, file, sequences=None,
                sequence=None, report: SkipReport | None = None, tight: bool = True, body_models: dict | None = None,
                clean: bool = True, **columns) -> SequenceStore:
    """A store of the rows of a data set. Of N rows it has the fields :data:`IMAGE_SCHEMA`.

    What is not given is unknown, and so is what is not finite or absurdly large. Without ``box``, it is that of the
    confident keypoints.

    Args:
        kind: ``'hand'``: 21 joints wrist, thumb, index, middle, ring, little finger, 16 rotations of MANO; ``'body'``:
            the 24 joints and rotations of SMPL.
        root: folder of the pictures.
        dataset_name, split: for logs and checkpoints.
        file: ``(N,)`` names of the pictures.
        sequences: dicts ``uid, name, root_dir`` of the videos, one for each person in it; None: single pictures.
        sequence: ``(N,)`` number of the video of each row.
        report: counts of what the reader left out; more are added.
        tight: the boxes are tight; False: they are as large as crops should be.
        body_models: options of :class:`.SkinnedModel` by gender, for vertices that are not stored.
        clean: leave out rows without any label, and boxes that are empty or outside of the image.
        columns: more fields of :data:`IMAGE_SCHEMA`, ``(N,...)``; ``image_size`` may be one for all.

    Raises:
        ValueError: an array of another shape, 3D joints in millimetres, or no row is left; the message tells why.
    """
    report = SkipReport() if report is None else report
    frames = _complete(kind, np.asarray(file, str), columns)
    _require_metres(f'{root} {dataset_name}', frames['joints'])
    frames['joints'] = _finite_points(frames['joints'], MAX_COORDINATE_M)
    video = sequences is not None
    sequences = sequences if video else [dict(uid=dataset_name, name=dataset_name, root_dir='')]
    sequence = np.zeros(len(file), np.int64) if sequence is None else np.asarray(sequence, np.int64)
    if clean:
        good = _usable(frames, report)
        if not good.any():
            raise no_usable_sample(root, report)
        frames, sequence = {name: values[good] for name, values in frames.items()}, sequence[good]
    order = np.lexsort((frames['frame'], sequence))
    if (np.diff(order) < 0).any():
        frames = {name: values[order] for name, values in frames.items()} | dict(listed=order)
    info = dict(dataset_name=dataset_name, split=split, skeleton=SKELETONS[kind], kind=kind,
                root=str(Path(root).resolve()), tight=tight, video=video, body_models=body_models)
    counts = np.bincount(sequence, minlength=len(sequences))
    schema = {name: IMAGE_SCHEMA[name] for name in frames}
    if 'vertices' in frames:
        schema['vertices'] = schema['vertices']._replace(dtype=str(frames['vertices'].dtype))
    return SequenceStore(np.concatenate([[0], np.cumsum(counts)]), frames, sequences, info=info, schema=schema,
                         report=report)


def no_usable_sample(root: str | Path, report: Counter) -> ValueError:
    """The error for a data set of which nothing is left."""
    return ValueError(f'{root} has no usable sample; left out: {dict(report) or "nothing"}')


def _complete(kind: str, file: np.ndarray, columns: dict) -> dict:
    """All fields that every store of images has, of the right types."""
    n, K = len(file), NUM_ROTATIONS[kind]
    J = dict(hand=21, body=24)[kind]
    known = {name: values for name, values in columns.items() if values is not None}

    def numbers(name: str, *shape: int) -> np.ndarray:
        values = np.ascontiguousarray(known.get(name, np.zeros((n, *shape))), np.float32)
        if values.shape != (n, *shape):
            raise ValueError(f'{name} of the data set has shape {values.shape} and should have {(n, *shape)}')
        return values

    def flags(name: str, default: bool) -> np.ndarray:
        return np.asarray(known.get(name, np.full(n, default))).astype(bool)

    frames = dict(
        file=file, keypoints=_finite_points(numbers('keypoints', J, 3), MAX_PIXEL_COORD),
        joints=_finite_points(numbers('joints', J, 4), 1000 * MAX_COORDINATE_M),  # which may be millimetres
        right=flags('right', True), frame=np.asarray(known.get('frame', np.arange(n)), np.int64),
        image_size=np.broadcast_to(np.asarray(known.get('image_size', 0), np.int64), (n, 2)).copy())
    for name, shape in (('pose', (K, 3)), ('betas', (10,))):
        has = flags(f'has_{name}', name in known)
        frames[name], frames[f'has_{name}'] = _finite_rows(numbers(name, *shape), has)
    frames['box'] = numbers('box', 4) if 'box' in known else keypoint_boxes(frames['keypoints'])
    kinds = dict(span=np.int64, vertices=None, keypoint_visible=bool, gender=str, image_id=np.int64,
                 area=np.float32)  # None: as it is
    return frames | {name: np.asarray(known[name], dtype) for name, dtype in kinds.items() if name in known}


def _usable(frames: dict, report: SkipReport) -> np.ndarray:
    """Which rows ``(N,)`` can be used; the others are reported."""
    box = frames['box']
    center, size = box[:, :2], box[:, 2:]
    known = (frames['keypoints'][..., 2] > 0).any(1) | (frames['joints'][..., 3] > 0).any(1) | frames['has_pose']
    outside = (frames['image_size'] > 0).all(1) & (
        (center + size / 2 <= 0) | (center - size / 2 >= frames['image_size'])).any(1)
    good = np.ones(len(box), bool)
    for reason, bad in (('no valid joint', ~known),
                        ('empty box', ~(np.isfinite(box).all(1) & (size > 0).all(1))),
                        ('box beyond a million pixels', (np.abs(box) > MAX_PIXEL_COORD).any(1)),
                        ('box outside the image', outside)):
        rows = np.flatnonzero(good & bad)
        for row in rows[:MAX_WARNINGS]:
            report.skip(reason, frames['file'][row])
        report.skip(reason, count=max(len(rows) - MAX_WARNINGS, 0))
        good[rows] = False
    return good


def _require_metres(where: str, joints: np.ndarray) -> None:
    """``BadFile`` if confident joints ``(N,J,4)`` are typically as far from the others as millimetres are."""
    joints = joints[::max(1, len(joints) // 1000)]
    there = joints[..., 3:] > 0
    center = (joints[..., :3] * there).sum(1, keepdims=True) / np.maximum(there.sum(1, keepdims=True), 1)
    distance = np.linalg.norm(joints[..., :3] - center, axis=-1)[there[..., 0]]
    if len(distance) and np.median(distance) > MAX_ROOT_DISTANCE_M:
        raise BadFile(f'{where}: 3D joints should be in metres, but are typically {np.median(distance):.3g} from their '
                      'centre, which looks like millimetres; convert them')


def _finite_points(points: np.ndarray, limit: float) -> np.ndarray:
    """Points ``(..., D+1)`` with confidence in [0,1]; what is not finite or beyond ``limit`` becomes unknown."""
    good = np.isfinite(points).all(-1, keepdims=True) & (np.abs(points[..., :-1]) <= limit).all(-1, keepdims=True)
    points = np.where(good, points, 0)
    points[..., -1] = points[..., -1].clip(0, 1)
    return points


def _finite_rows(values: np.ndarray, has: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values ``(N, ...)`` that are not finite, or not there, become zero and unknown."""
    has = has & (np.abs(values.reshape(len(values), -1)) < MAX_PARAMETER).all(1)  # NaN is not
    return np.where(has.reshape(-1, *[1] * (values.ndim - 1)), values, 0).astype(np.float32), has
