"""Who is to be reconstructed: one hand or person, in one picture or through a video, with boxes and 2D poses."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...files import as_floats
from ...structures import get_skeleton
from ..detectors import Detection
from ..inputs.poses_2d import box_of
from ..inputs.timed_image import TimedImage
from ..tracking import PersonTrack


@dataclass(eq=False)
class Subject:
    """One hand or person.

    Attributes:
        person: name.
        right: False: a left hand.
        frame: ``(n,)`` numbers of the pictures in which it is, ascending.
        box: ``(n,4)`` left, top, right, bottom, tight, pixels.
        keypoints: ``(n,J,3)`` pixels and confidence in the skeleton of the model; confidence 0: not there.
        filled: ``(n,)`` bool: the box and the keypoints were filled in.
    """
    person: str
    right: bool
    frame: np.ndarray
    box: np.ndarray
    keypoints: np.ndarray
    filled: np.ndarray

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.frame)

    def area(self) -> float:
        """Of its boxes, on average, pixels squared."""
        return float(np.prod(self.box[:, 2:] - self.box[:, :2], 1).mean())


def subjects_of_boxes(boxes, right, skeleton: str, single: bool, separate: bool) -> list[Subject]:
    """Subjects of boxes alone.

    Args:
        boxes: ``(4,)`` or ``(P,4)`` of one picture; ``(T,P,4)``, or a list with ``(P,4)`` or None for each picture: box
            k of each picture is subject k, NaN where it is not there.
        right: bool, or one for each of the P.
        skeleton: of the model.
        single: there is one picture.
        separate: the pictures are no sequence; each box is a subject of its own.

    Raises:
        ValueError: boxes of another shape.
    """
    if isinstance(boxes, (list, tuple)) and not boxes:
        return []
    wanted = 'boxes should be left, top, right, bottom: (4,) or (P,4) of one picture, (T,P,4) of several'
    try:
        if single and not _is_ragged(boxes) and (whole := as_floats(boxes)).ndim in (1, 2):
            boxes = [np.atleast_2d(whole)]
        elif not single and isinstance(boxes, np.ndarray) and boxes.ndim == 2:
            boxes = boxes[:, None]
        pictures = [_rows(entry) for entry in boxes]
    except (TypeError, ValueError) as error:
        raise ValueError(f'{wanted}: {error}') from None
    if any(len(entry) and entry.shape[1:] != (4,) for entry in pictures):
        raise ValueError(f'{wanted}, got {[entry.shape for entry in pictures][:3]}')
    count = max((len(entry) for entry in pictures), default=0)
    sides = np.asarray(True if right is None else right)
    if sides.dtype != bool or sides.shape not in ((), (1,), (count,)):
        raise ValueError(f'right={right!r} should be True, False, or one of them for each of the {count} boxes')
    sides = np.broadcast_to(sides, (count,))
    subjects = []
    for k in range(count):
        frame = np.array([t for t, entry in enumerate(pictures) if k < len(entry) and np.isfinite(entry[k]).all()], int)
        box = np.array([pictures[t][k] for t in frame]).reshape(-1, 4)
        keypoints = np.zeros((len(frame), get_skeleton(skeleton).num_joints, 3), np.float32)
        subjects.append(Subject(str(k), bool(sides[k]), frame, box, keypoints, np.zeros(len(frame), bool)))
    return apart(subjects) if separate else [subject for subject in subjects if len(subject)]


def subjects_of_tracks(tracks: list[PersonTrack], right: bool, skeleton: str, name: str = '') -> list[Subject]:
    """Subjects of tracks; frames without any joint are left out.

    Args:
        name: goes before the names of the tracks, e.g. ``'left'``.
    """
    subjects = []
    for track in tracks:
        rows = np.flatnonzero(track.detected.any(1))
        keypoints = to_model(track.keypoints, np.where(track.detected, track.confidence, 0), track.skeleton, skeleton)
        subjects.append(Subject(f'{name}-{track.person}' if name else track.person, right, track.frame[rows],
                                track.box[rows].astype(float), keypoints[rows], track.filled_frames[rows]))
    return [subject for subject in subjects if len(subject)]


def subjects_of_pictures(found: Iterable[tuple[TimedImage, Sequence[Detection]]], source: str, skeleton: str,
                         right: bool | None, min_confidence: float = 0.0) -> tuple[list[Subject], int]:
    """Every detection in pictures that are no sequence, and how many of them are hands whose side is not known.

    Args:
        found: pictures with what was found in them.
        source, skeleton: of the detector and of the model.
        right: side of hands whose side is not known; None: right.
        min_confidence: joints at or below it are not there.
    """
    subjects, unknown = [], 0
    for shot, people in found:
        for k, person in enumerate(people):
            there = np.isfinite(person.keypoints).all(-1) & (np.nan_to_num(person.confidence) > min_confidence)
            if there.sum() < 2:
                continue
            points = np.where(there[:, None], person.keypoints, 0)
            unknown += person.right is None
            side = (right is None or bool(right)) if person.right is None else bool(person.right)
            keypoints = to_model(points, np.where(there, np.minimum(person.confidence, 1), 0), source, skeleton)
            subjects.append(Subject(f'{shot.number}-{k}', side, np.array([shot.number]), box_of(points, there)[None],
                                    keypoints[None], np.zeros(1, bool)))
    return subjects, unknown


def apart(subjects: list[Subject]) -> list[Subject]:
    """A subject for each picture of each subject."""
    return [Subject(f'{subject.frame[i]}-{subject.person}', subject.right, subject.frame[i:i + 1],
                    subject.box[i:i + 1], subject.keypoints[i:i + 1], subject.filled[i:i + 1])
            for subject in subjects for i in range(len(subject))]


def to_model(keypoints: np.ndarray, confidence: np.ndarray, source: str, target: str) -> np.ndarray:
    """Keypoints ``(...,Js,2)`` and confidence ``(...,Js)`` as ``(...,Jt,3)`` float32: joints of the same name; what the
    source has not is not there."""
    names = get_skeleton(source).joints
    wanted = get_skeleton(target).joints
    out = np.zeros((*keypoints.shape[:-2], len(wanted), 3), np.float32)
    shared = [(i, names.index(name)) for i, name in enumerate(wanted) if name in names]
    if not shared:
        raise ValueError(f'2D poses of {source!r} and the model\'s {target!r} share no joint')
    rows, columns = (list(index) for index in zip(*shared))
    out[..., rows, :2], out[..., rows, 2] = keypoints[..., columns, :], confidence[..., columns]
    return out


def _rows(boxes) -> np.ndarray:
    """Boxes of a picture ``(P,4)``, if they are any."""
    values = np.zeros((0, 4)) if boxes is None else as_floats(boxes)
    return values.reshape(-1, *values.shape[-1:]) if values.size else np.zeros((0, 4))


def _is_ragged(boxes) -> bool:
    return isinstance(boxes, list) and any(entry is None or _depth(entry) > 1 for entry in boxes)


def _depth(value) -> int:
    """Dimensions of an array, or of lists of any lengths by their first entries."""
    if isinstance(value, (list, tuple)):
        return 1 + (_depth(value[0]) if value else 0)
    return np.ndim(value)
