"""From what the files of detectors hold to :class:`.Poses2D`. Every reader of 2D poses ends here."""
import warnings
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....structures import get_skeleton
from .poses_2d import Poses2D, box_of

SKELETONS = {17: 'coco17', 18: 'openpose18', 21: 'hand21', 26: 'halpe26', 33: 'mediapipe33'}
# Keypoints of the whole body: which of them are the body and the hands.
PARTS = {133: dict(body=('coco17', range(17)), left_hand=('hand21', range(91, 112)), right_hand=('hand21', range(
             112, 133))),
         136: dict(body=('halpe26', range(26)), left_hand=('hand21', range(94, 115)), right_hand=('hand21', range(
             115, 136)))}
USUAL_CONFIDENCE = 1.5  # some networks give a little more than 1; more is another scale
NORMALIZED = 2.0        # coordinates in shares of the image are smaller, but for joints far outside
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
        if image_size is not None and not (len(image_size) == 2 and min(image_size) > 0):
            raise ValueError(f'image_size should be the width and height in pixels, got {image_size}')
        self.source, self.name, self.skeleton, self.part = str(source), name, skeleton, part
        self.image_size = None if image_size is None else (int(image_size[0]), int(image_size[1]))
        self.fps, self.num_frames, self.min_confidence = fps, num_frames, min_confidence
        self.normalized, self.notes, self.rows = normalized, [], []
        self.count: int | None = None

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
            points = np.array(keypoints, float)
            scores = None if confidence is None else np.array(confidence, float)
        except (TypeError, ValueError):
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
        if not 0 <= frame < MAX_FRAMES:
            raise BadFile(f'{self.source}: {where}: {frame} is no number of a frame')
        if len(self.rows) >= MAX_ROWS:
            raise BadFile(f'{self.source} holds more than {MAX_ROWS} detections')
        self.count = len(points)
        known = person is not None and np.isfinite(person) and person >= 0
        self.rows.append((int(frame), points[:, :2], scores, box, 1.0 if score is None else float(score),
                          int(person) if known else -1))

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
        detected &= ~((points == 0).all(-1) & (score <= 0))
        points, score = np.where(detected[..., None], points, 0), np.where(detected, score, 0)
        scale = self._scale(points, detected)
        points = points * scale
        if score.max(initial=0) > USUAL_CONFIDENCE:
            self._note(f'confidences reach {score.max():.2f}; they are cut at 1')
        box = self._boxes(rows, points, detected, scale)
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
        reach = float(np.quantile(np.abs(points[detected]).max(-1), 0.9))
        normalized = reach <= NORMALIZED if self.normalized is None else self.normalized
        if normalized:
            if self.normalized and reach > 2 * NORMALIZED:
                raise BadFile(f'{self.source}: coordinates should be shares of the image, but reach {reach:.0f}: pass '
                              'normalized=False')
            if self.image_size is None:
                raise ValueError(f'{self.source}: coordinates are shares of the image ({reach:.2f} at most): pass '
                                 'image_size, its width and height in pixels')
            return np.array(self.image_size, float)
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
                given = np.array(row[3], float).ravel()
                if given.shape == (4,) and np.isfinite(given).all() and (given[2:] > given[:2]).all():
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


def frame_number(name: str, source) -> int:
    """The last number in the name of a file or picture. Raises ``BadFile`` if there is none."""
    stem = Path(str(name)).stem
    digits = ''.join(c if c.isdigit() else ' ' for c in stem.removesuffix('_keypoints')).split()
    if not digits:
        raise BadFile(f'{source}: {name!r} holds no number of a frame')
    return int(digits[-1])


def check_image_size(given: tuple | None, found: tuple | None, source) -> tuple | None:
    """The size that the file tells, or the given one; both are compared."""
    if given is not None and found is not None and tuple(given) != tuple(found):
        warnings.warn(f'{source} tells of images of {found[0]} x {found[1]}, image_size is {given[0]} x {given[1]}; '
                      'the given one is taken', stacklevel=4)
    return given or found
