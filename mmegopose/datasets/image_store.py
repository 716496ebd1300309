"""Contiguous arrays of an image data set: one row per hand or person."""
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

SHAPES = dict(hand=(21, 16), body=(24, 24))
"""Joints J and rotations K of the two kinds of data sets."""

CONFIDENT = 0.5   # a keypoint that defines a box
FEW_KEYPOINTS = 4  # fewer do not define a box
MESSAGES = 5      # warnings of one reason


class SkipReport(Counter):
    """Counts of what was left out, by reason."""

    def skip(self, reason: str, where='', count: int = 1) -> None:
        """Count ``count`` samples; the first few places ``where`` of a reason are logged."""
        if not count:
            return
        if self[reason] < MESSAGES and where:
            MMLogger.get_current_instance().warning(f'left out, {reason}: {where}')
        self[reason] += count


@dataclass(eq=False)
class ImageStore:
    """Rows of an image data set. N rows, J joints, K rotations; see ``SHAPES``.

    Arrays that are not given are filled with "unknown". Left hands are stored as they are, not mirrored.

    Args:
        kind: ``'hand'``: 21 joints wrist, thumb, index, middle, ring, little finger, 16 rotations of MANO; ``'body'``:
            the 24 joints and rotations of SMPL.
        root: folder of the images.
        files: ``(N,)`` str, image of each row, relative to ``root``; ``archive.tar/key`` for those in an archive.
        boxes: ``(N,4)`` centre x, y and size w, h in pixels. Without it, the box of the confident keypoints.
        keypoints: ``(N,J,3)`` x, y in pixels and confidence in [0,1], 0: unknown.
        joints: ``(N,J,4)`` metres in camera axes (x right, y down, z forward) and confidence.
        pose: ``(N,K,3)`` axis-angle, radians: the root in camera axes, then the others relative to their parents.
        betas: ``(N,10)`` shape coefficients.
        has_pose, has_betas: ``(N,)`` bool.
        right: ``(N,)`` bool; False: a left hand.
        image_size: ``(N,2)`` width and height in pixels, 0: unknown.
        spans: ``(N,2)`` offset and length of the image in an archive; whole files without it.
        tight: boxes are tight; False: they are as large as crops should be.
        sequence, frame: ``(N,)`` index into ``sequences`` and frame number, for videos.
        sequences: dicts ``uid, name, root_dir`` of the videos, one per person in it.
        occluded: ``(N,J)`` bool.
        vertices: ``(N,V,3)`` metres, camera axes.
        gender: ``(N,)`` str, key of ``body_models``.
        body_models: options of :class:`.SkinnedModel` by gender, for vertices that are not stored.
        report: counts of what was left out, by reason.
    """
    kind: str
    root: Path
    files: np.ndarray
    boxes: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    joints: np.ndarray | None = None
    pose: np.ndarray | None = None
    betas: np.ndarray | None = None
    has_pose: np.ndarray | None = None
    has_betas: np.ndarray | None = None
    right: np.ndarray | None = None
    image_size: np.ndarray | None = None
    spans: np.ndarray | None = None
    tight: bool = True
    sequence: np.ndarray | None = None
    frame: np.ndarray | None = None
    sequences: list = field(default_factory=list)
    occluded: np.ndarray | None = None
    vertices: np.ndarray | None = None
    gender: np.ndarray | None = None
    body_models: dict | None = None
    report: SkipReport = field(default_factory=SkipReport)

    def __post_init__(self):
        n, (num_joints, num_rotations) = len(self.files), SHAPES[self.kind]
        self.root, self.files = Path(self.root), np.asarray(self.files, str)
        self.has_pose = self._flag('has_pose', self.pose is not None)
        self.has_betas = self._flag('has_betas', self.betas is not None)
        self.right = self._flag('right', True)
        self.keypoints = _known(_floats(self.keypoints, (n, num_joints, 3)))
        self.joints = _known(_floats(self.joints, (n, num_joints, 4)))
        self.pose, self.has_pose = _finite(_floats(self.pose, (n, num_rotations, 3)), self.has_pose)
        self.betas, self.has_betas = _finite(_floats(self.betas, (n, 10)), self.has_betas)
        self.boxes = keypoint_boxes(self.keypoints) if self.boxes is None else _floats(self.boxes, (n, 4))
        self.image_size = np.zeros((n, 2), np.int64) if self.image_size is None else \
            np.broadcast_to(np.asarray(self.image_size, np.int64), (n, 2)).copy()
        self.sequence = np.zeros(n, np.int64) if self.sequence is None else np.asarray(self.sequence, np.int64)
        self.frame = np.arange(n) if self.frame is None else np.asarray(self.frame, np.int64)

    def _flag(self, name: str, default: bool) -> np.ndarray:
        value = getattr(self, name)
        return np.full(len(self.files), default) if value is None else np.asarray(value).astype(bool)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def video(self) -> bool:
        return bool(self.sequences)

    def read(self, row: int) -> bytes:
        """The encoded image of a row. Raises ``OSError`` if it cannot be read."""
        if self.spans is None:
            return (self.root / self.files[row]).read_bytes()
        archive, _, _ = self.files[row].partition('.tar/')
        offset, length = self.spans[row].tolist()
        with open(self.root / f'{archive}.tar', 'rb') as file:
            file.seek(offset)
            return file.read(length)

    def clips(self, length: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
        """Clips of consecutive frames, which never cross a missing frame; a clip begins every ``stride`` frames.

        Returns:
            Rows ``(C,length)``, the last one repeated at the end of a video, and what is such padding, bool.
        """
        if length == 1 and stride == 1:
            return np.arange(len(self))[:, None], np.zeros((len(self), 1), bool)
        order = np.lexsort((self.frame, self.sequence))
        same = np.diff(self.sequence[order]) == 0
        breaks = np.flatnonzero(~same | (np.diff(self.frame[order]) != 1)) + 1
        bounds = np.concatenate([[0], breaks, [len(self)]])
        begins = np.concatenate([np.arange(begin, end, stride) for begin, end in zip(bounds[:-1], bounds[1:])])
        last = bounds[np.searchsorted(bounds, begins, side='right')] - 1
        place = begins[:, None] + np.arange(length)
        return order[np.minimum(place, last[:, None])], place > last[:, None]

    def keep(self, rows: np.ndarray) -> 'ImageStore':
        """The store of some rows, a mask or indices."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return ImageStore(**{name: value[rows] if isinstance(value, np.ndarray) else value
                             for name, value in values.items()})

    def cleaned(self) -> 'ImageStore':
        """The rows that can be used; the others are counted in ``report``.

        Raises ``ValueError`` with the counts if none is left.
        """
        center, size = self.boxes[:, :2], self.boxes[:, 2:]
        known = (self.keypoints[..., 2] > 0).any(1) | (self.joints[..., 3] > 0).any(1) | self.has_pose
        outside = (self.image_size > 0).all(1) & (
            (center + size / 2 <= 0) | (center - size / 2 >= self.image_size)).any(1)
        good = np.ones(len(self), bool)
        for reason, bad in (('no valid joint', ~known), ('empty box', ~(np.isfinite(self.boxes).all(1)
                                                                      & (size > 0).all(1))),
                            ('box outside the image', outside)):
            rows = np.flatnonzero(good & bad)
            for row in rows[:MESSAGES]:
                self.report.skip(reason, self.files[row])
            self.report.skip(reason, count=len(rows) - MESSAGES if len(rows) > MESSAGES else 0)
            good[rows] = False
        if not good.any():
            raise ValueError(f'{self.root} has no usable sample; left out: {dict(self.report) or "nothing"}')
        return self if good.all() else self.keep(good)


def keypoint_boxes(keypoints: np.ndarray) -> np.ndarray:
    """Tight boxes ``(N,4)`` (centre, size) of the confident keypoints ``(N,J,3)``; size 0 where there are too few."""
    confident = keypoints[..., 2:] > CONFIDENT
    low = np.where(confident, keypoints[..., :2], np.inf).min(1)
    high = np.where(confident, keypoints[..., :2], -np.inf).max(1)
    enough = confident.sum(1) >= FEW_KEYPOINTS  # (N,1)
    low, high = np.where(enough, low, 0), np.where(enough, high, 0)
    return np.concatenate([(low + high) / 2, high - low], 1).astype(np.float32)


def boxes_from_corners(corners: np.ndarray) -> np.ndarray:
    """Boxes ``(N,4)`` x0, y0, x1, y1 as centre and size."""
    low, high = np.asarray(corners, np.float32).reshape(-1, 2, 2).transpose(1, 0, 2)
    return np.concatenate([(low + high) / 2, high - low], 1)


def _floats(values, shape: tuple) -> np.ndarray:
    """Contiguous float32 of the given shape; zeros for None."""
    if values is None:
        return np.zeros(shape, np.float32)
    values = np.ascontiguousarray(values, np.float32)
    if values.shape != shape:
        raise ValueError(f'an array of the data set has shape {values.shape} and should have {shape}')
    return values


def _known(points: np.ndarray) -> np.ndarray:
    """Points ``(..., D+1)`` with confidence in [0,1]; what is not finite becomes unknown."""
    good = np.isfinite(points).all(-1, keepdims=True)
    points = np.where(good, points, 0)
    points[..., -1] = points[..., -1].clip(0, 1)
    return points


def _finite(values: np.ndarray, has: np.ndarray):
    """Values ``(N, ...)`` that are not finite become zero and unknown."""
    good = np.isfinite(values.reshape(len(values), -1)).all(1)
    has = has & good
    return np.where(has.reshape(-1, *[1] * (values.ndim - 1)), values, 0).astype(np.float32), has
