"""From what the files of detectors hold to :class:`.Poses2D`. Every reader of 2D poses ends here."""
import math
import warnings

import numpy as np

from ....files import BadFile, as_floats
from ....structures import get_skeleton
from .pixel_checks import (
    NORMALIZED,
    check_num_frames,
    check_size,
    doubt_pixels,
    doubt_upright,
    far_outside,
    usual_reach,
)
from .poses_2d import Poses2D, box_of, check_fps

SKELETONS = {17: 'coco17', 18: 'openpose18', 21: 'hand21', 26: 'halpe26', 33: 'mediapipe33'}
# Keypoints of the whole body: which of them are the body and the hands.
PARTS = {133: dict(body=('coco17', range(17)), left_hand=('hand21', range(91, 112)), right_hand=('hand21', range(
             112, 133))),
         136: dict(body=('halpe26', range(26)), left_hand=('hand21', range(94, 115)), right_hand=('hand21', range(
             115, 136)))}
USUAL_CONFIDENCE = 1.5  # some networks give a little more than 1; more is another scale
MAX_FRAMES, MAX_ROWS = 10_000_000, 10_000_000


class Collector:
    """Takes detections one by one, in any order.

    Args:
        source: file, for messages.
        name: of the format.
        skeleton: of the keypoints; default: by their number.
        part: ``'body'``, ``'left_hand'`` or ``'right_hand'`` of keypoints of the whole body.
        image_size: width and height, pixels.
        fps: frames per second.
        num_frames: of the video; default: up to the last frame with a person.
        min_confidence: joints at or below it are not there.
        normalized: the file holds shares of the width and height; None: found out.
    """

    def __init__(self, source, name: str, *, skeleton: str | None = None, part: str = 'body',
                 image_size: tuple | None = None, fps: float | None = None, num_frames: int | None = None,
                 min_confidence: float = 0.0, normalized: bool | None = None):
        if part not in ('body', 'left_hand', 'right_hand'):
            raise ValueError(f"part={part!r} should be 'body', 'left_hand' or 'right_hand'")
        check_fps(fps)
        check_num_frames(num_frames, MAX_FRAMES)
        self.source, self.name, self.skeleton, self.part = str(source), name, skeleton, part
        self.image_size = check_size(image_size)
        self.fps, self.num_frames, self.min_confidence = fps, num_frames, min_confidence
        self.normalized, self.notes, self.rows = normalized, [], []
        self.count: int | None = None
        self.unreadable: dict[str, int] = {}

    def add(self, frame: int, keypoints, confidence=None, *, person=None, box=None, score=None,
            where: str = '') -> None:
        """One person in one frame.

        Args:
            frame: number of the frame, from 0.
            keypoints: ``(K,2)``, or ``(K,3)`` with the confidence; what is not there may be NaN or None.
            confidence: ``(K,)``; None: it is the third column, else 1.
            person: identity, None or negative: not known.
            box: left, top, right, bottom; None: around the keypoints.
            score: of the person.
            where: place in the file, for messages.
        """
        where = where or f'frame {frame}'
        try:
            points = as_floats(keypoints)
            scores = None if confidence is None else as_floats(confidence)
        except ValueError:
            raise BadFile(f'{self.source}: {where}: keypoints should be numbers, got {str(keypoints)[:80]}') from None
        if points.ndim != 2 or points.shape[1] not in (2, 3) or not len(points):
            raise BadFile(f'{self.source}: {where}: keypoints should be rows of x, y and perhaps a confidence, got '
                          f'the shape {points.shape}')
        if scores is None:
            scores = points[:, 2] if points.shape[1] == 3 else np.ones(len(points))
        if scores.shape != (len(points),):
            raise BadFile(f'{self.source}: {where}: {len(points)} keypoints, but {scores.size} confidences')
        if self.count not in (None, len(points)):
            raise BadFile(f'{self.source}: {where} has {len(points)} keypoints, the ones before have {self.count}')
        try:
            known = 0 <= int(frame) < MAX_FRAMES
        except (TypeError, ValueError, OverflowError):
            known = False
        if not known:
            raise BadFile(f'{self.source}: {where}: {str(frame)[:60]} is no number of a frame')
        if len(self.rows) >= MAX_ROWS:
            raise BadFile(f'{self.source} holds more than {MAX_ROWS} detections')
        self.count = len(points)
        person, score = self._number(person, -1.0, 'identities'), self._number(score, 1.0, 'scores')
        known = 0 <= person < 2 ** 62
        self.rows.append((int(frame), points[:, :2], scores, box, score, int(person) if known else -1))

    def _number(self, value, default: float, what: str) -> float:
        """A number that a person can do without; what is none is counted."""
        if value is None:
            return default
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            self.unreadable[what] = self.unreadable.get(what, 0) + 1
            return default
        return number if math.isfinite(number) else default

    def finish(self) -> Poses2D:
        """Everything that was added.

        Raises:
            ValueError: the size of the image is needed and not known, or the skeleton is.
            BadFile: numbers that cannot be pixels of the image.
        """
        rows = sorted(self.rows, key=lambda row: row[0])
        skeleton, chosen = self._skeleton()
        joints = len(chosen)
        frame = np.array([row[0] for row in rows], np.int64)
        points = np.array([row[1] for row in rows], float).reshape(len(rows), self.count or joints, 2)[:, chosen]
        score = np.array([row[2] for row in rows], float).reshape(len(rows), self.count or joints)[:, chosen]
        detected = np.isfinite(points).all(-1) & np.isfinite(score) & (score > self.min_confidence)
        zero, seen = detected & (points == 0).all(-1), detected
        detected = detected & ~zero  # what networks and arrays write for a joint that is not there
        detected &= ~far_outside(points, None)  # before the scale is found
        scale = self._scale(np.where(detected[..., None], points, 0), detected)
        points = np.where(detected[..., None], points, 0) * scale
        detected &= ~far_outside(points, self.image_size)
        for lost, text in ((zero, 'at exactly (0, 0)'), (seen & ~zero & ~detected, 'far outside of the image')):
            if number := int(lost[detected.any(1)].sum()):
                self._note(f'{number} joints {text} count as not there')
        points, score = np.where(detected[..., None], points, 0), np.where(detected, score, 0)
        doubts = [doubt_upright(points, detected, get_skeleton(skeleton))]
        if self.image_size is not None:
            doubts.append(doubt_pixels(points, detected, score, self.image_size))
        for doubt in filter(None, doubts):
            self._note(doubt)
            warnings.warn(f'{self.source}: {doubt}', stacklevel=3)
        if score.max(initial=0) > USUAL_CONFIDENCE:
            self._note(f'confidences reach {score.max():.2f}; they are cut at 1')
        box = self._boxes(rows, points, detected, scale)
        for what, number in self.unreadable.items():
            self._note(f'{number} {what} that are no numbers are left out')
        people = np.array([row[5] for row in rows], np.int64)
        keep = detected.any(1) & self._once(frame, people, score)
        if (~detected.any(1)).any():
            self._note(f'{int((~detected.any(1)).sum())} detections without a joint left out')
        number = int(frame.max(initial=-1)) + 1
        if self.num_frames is not None and self.num_frames < number:
            raise ValueError(f'{self.source} has a pose in frame {number - 1}, but the video has {self.num_frames} '
                             'frames: is it the right file?')
        person_score = np.clip(np.nan_to_num([row[4] for row in rows], nan=1.0), 0, 1)
        facts = dict(source=self.source, format=self.name, notes=self.notes, part=self.part)
        return Poses2D(frame[keep], points[keep].astype(np.float32), np.minimum(score, 1)[keep].astype(np.float32),
                       detected[keep], box[keep].astype(np.float32), person_score[keep].astype(np.float32),
                       people[keep], max(number, self.num_frames or 0), skeleton, self.image_size, self.fps, facts)

    def _note(self, text: str) -> None:
        self.notes.append(text)

    def _skeleton(self) -> tuple[str, list]:
        """Name of the skeleton, and which of the file's keypoints are its joints."""
        if self.count is None:
            if self.part != 'body':
                return 'hand21', list(range(21))
            name = self.skeleton or 'coco17'
            return name, list(range(get_skeleton(name).num_joints))
        if self.count in PARTS and self.skeleton is None:
            name, chosen = PARTS[self.count][self.part]
            return name, list(chosen)
        if self.part != 'body' and self.count != 21:
            raise ValueError(f'{self.source}: {self.count} keypoints have no {self.part}')
        name = self.skeleton or SKELETONS.get(self.count)
        if name is None:
            raise ValueError(f'{self.source}: {self.count} keypoints are no known skeleton: pass skeleton, e.g. one '
                             'that you made known with register_skeleton')
        if get_skeleton(name).num_joints != self.count:
            raise ValueError(f'{self.source}: there are {self.count} keypoints, but skeleton={name!r} has '
                             f'{get_skeleton(name).num_joints}')
        return name, list(range(self.count))

    def _scale(self, points: np.ndarray, detected: np.ndarray) -> np.ndarray:
        """What the coordinates are multiplied with, ``(2,)``."""
        if not detected.any():
            return np.ones(2)
        reach = usual_reach(points, detected)
        normalized = reach <= NORMALIZED if self.normalized is None else self.normalized
        if normalized:
            if self.normalized and reach > 2 * NORMALIZED:
                raise BadFile(f'{self.source}: coordinates should be shares of the image, but reach {reach:.0f}: pass '
                              'normalized=False')
            if self.image_size is None:
                raise ValueError(f'{self.source}: coordinates are shares of the image (about {reach:.2f}): pass '
                                 'image_size, its width and height in pixels')
            return np.array(self.image_size, float)
        if reach <= NORMALIZED:
            size = f' of {self.image_size[0]} x {self.image_size[1]}' if self.image_size else ''
            raise ValueError(f'{self.source}: the keypoints reach {reach:.2f} in half of the joints at most, but '
                             f'should be pixels of an image{size}: for shares of it pass normalized=True')
        if self.image_size is not None:
            center = np.median(points[detected], 0)
            if (center > 1.2 * np.array(self.image_size)).any() or (center < -0.2 * np.array(self.image_size)).any():
                raise BadFile(f'{self.source}: the keypoints lie about ({center[0]:.0f}, {center[1]:.0f}), outside of '
                              f'an image of {self.image_size[0]} x {self.image_size[1]}: another image_size?')
        return np.ones(2)

    def _boxes(self, rows: list, points: np.ndarray, detected: np.ndarray, scale: np.ndarray) -> np.ndarray:
        boxes = box_of(points, detected)
        for number, row in enumerate(rows):
            if row[3] is not None:
                try:
                    given = np.array(row[3], float).ravel()
                except (TypeError, ValueError):
                    self.unreadable['boxes'] = self.unreadable.get('boxes', 0) + 1
                    continue
                if given.shape == (4,) and np.isfinite(given).all() and (given[2:] > given[:2]).all() \
                        and not far_outside(given.reshape(2, 2) * scale, self.image_size).any():
                    boxes[number] = given * np.tile(scale, 2)
        return boxes

    def _once(self, frame: np.ndarray, people: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Which rows to keep so that nobody is twice in a frame: the surer one."""
        keep = np.ones(len(frame), bool)
        known = np.flatnonzero(people >= 0)
        order = known[np.lexsort((-score[known].mean(1), people[known], frame[known]))]
        again = (np.diff(frame[order], prepend=-1) == 0) & (np.diff(people[order], prepend=-1) == 0)
        keep[order[again]] = False
        if again.any():
            self._note(f'{int(again.sum())} detections of somebody who is in the frame already left out')
        return keep
