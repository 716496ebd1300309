"""Who is who in a video: one track of 2D poses for each person, with short holes filled and marked."""
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..structures import convert_confidence, convert_joints
from .inputs.poses_2d import Poses2D
from .inputs.times import DEFAULT_FPS

MIN_MATCH = 0.2   # of the similarity in [0,1] of a detection and the person it continues
REACH = 0.15      # of the person's size: joints so far from where they were are as like as exp(-1/2)
KEEP_SPEED = 0.7  # of the last velocity, in the mean of the velocities before
FILLED_CONFIDENCE = 0.5  # of the less sure end of a hole


@dataclass(frozen=True, eq=False, repr=False)
class PersonTrack:
    """2D poses of one person, one row for each frame from the first to the last in which it was seen.

    Attributes:
        person: name or number.
        frame: ``(T,)`` int64 consecutive numbers of frames.
        keypoints: ``(T,J,2)`` float32 pixels; a joint that is not there repeats its place in the frame before, or in
            the first one in which it is there.
        confidence: ``(T,J)`` float32 in [0,1]; 0 where not detected.
        detected: ``(T,J)`` bool: the joint was found, or stands in a short hole and was filled in.
        filled: ``(T,J)`` bool: the joint was filled in.
        box: ``(T,4)`` float32 left, top, right, bottom, pixels; in frames without the person that of the frame before.
        present: ``(T,)`` bool: the detector saw the person.
        skeleton: name of the skeleton.
        image_size: width and height, pixels, or None.
        fps: frames per second, or None.
        facts: plain facts of the file.
        frame_time: ``(T,)`` seconds from the first frame of the video, or None: at a constant rate.
    """
    person: str
    frame: np.ndarray
    keypoints: np.ndarray
    confidence: np.ndarray
    detected: np.ndarray
    filled: np.ndarray
    box: np.ndarray
    present: np.ndarray
    skeleton: str
    image_size: tuple | None = None
    fps: float | None = None
    facts: dict = field(default_factory=dict)
    frame_time: np.ndarray | None = None

    def __repr__(self) -> str:
        return (f'PersonTrack(person={self.person!r}, {len(self)} frames, seen in {int(self.present.sum())}, '
                f'keypoints of {self.skeleton})')

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frame)

    def __getitem__(self, rows: slice) -> 'PersonTrack':
        """Some frames, by a slice."""
        return replace(self, **{key: getattr(self, key)[rows] for key in (
            'frame', 'keypoints', 'confidence', 'detected', 'filled', 'box', 'present', 'frame_time')
            if getattr(self, key) is not None})

    @property
    def time(self) -> np.ndarray:
        """``(T,)`` seconds from the first frame of the video."""
        return self.frame / (self.fps or DEFAULT_FPS) if self.frame_time is None else self.frame_time

    @property
    def filled_frames(self) -> np.ndarray:
        """``(T,)`` bool: frames in which a joint was filled in."""
        return np.asarray(self.filled.any(1))

    def convert(self, skeleton: str) -> 'PersonTrack':
        """The joints of another skeleton; a joint is there, or filled, if all, or any, that it is made of are."""
        if skeleton == self.skeleton:
            return self
        pair = self.skeleton, skeleton
        detected = convert_confidence(self.detected, *pair)
        return replace(self, skeleton=skeleton, keypoints=convert_joints(self.keypoints, *pair).astype(np.float32),
                       confidence=np.where(detected, convert_confidence(self.confidence, *pair), 0), detected=detected,
                       filled=detected & ~convert_confidence(~self.filled, *pair))


def track_people(poses: Poses2D, *, use_identities: bool | str = True, max_absence: float = 1.0, max_hole: float = 0.25,
                 min_frames: int = 3) -> list[PersonTrack]:
    """One track for each person of a video, in the order in which they appear.

    A detection continues the person whose box it overlaps and whose joints it is near to, where these are expected;
    who is unlike everybody is somebody new. So a track never jumps from one person to another, not even where the file
    says that it is the same: then the identity is cut there, and goes on where the first person is seen again.

    A joint that is missing for at most ``max_hole`` seconds is filled in linearly between the two frames around, with
    half of the confidence of the less sure one, and marked. Longer holes, and what is before the first or after the
    last frame of a joint, stay holes.

    Args:
        poses: everybody.
        use_identities: take those of the file, if it has them for everybody; ``'always'``: even where somebody seems
            to jump, which is for detectors that see to this themselves.
        max_absence: seconds after which a person who is seen again is somebody new.
        max_hole: seconds.
        min_frames: who is seen in fewer frames is left out, and counted in a warning; no more than the video has.

    Raises:
        ValueError: a negative time.
    """
    if not (0 <= max_absence < np.inf and 0 <= max_hole < np.inf):
        raise ValueError(f'max_absence={max_absence} and max_hole={max_hole} should be seconds, 0 or more')
    fps = poses.fps or DEFAULT_FPS
    patience, longest = round(max_absence * fps), round(max_hole * fps)
    if use_identities and poses.has_identities:
        groups = []
        for number in dict.fromkeys(poses.person.tolist()):
            rows = np.flatnonzero(poses.person == number)
            pieces = [rows] if use_identities == 'always' else _link(poses, rows, patience)
            groups += [(f'{number}' + (f'#{k + 1}' if k else ''), piece) for k, piece in enumerate(pieces)]
    else:
        groups = [(str(number), rows) for number, rows in enumerate(_link(poses, np.arange(len(poses)), patience))]
    found, fewest = len(groups), min(min_frames, poses.num_frames)
    groups = [(name, rows) for name, rows in groups if len(rows) >= fewest]
    if brief := found - len(groups):
        warnings.warn(f'{poses.facts.get("source", "poses")}: {brief} of {found} people are seen in fewer than '
                      f'{fewest} frames and left out: false detections, or pictures that are no video? To keep '
                      'them pass tracking=dict(min_frames=1)', stacklevel=2)
    groups.sort(key=lambda group: poses.frame[group[1][0]])
    return [_assemble(poses, name, rows, longest) for name, rows in groups]


def one_person(poses: Poses2D, person: str = '0', max_hole: float = 0.25) -> list[PersonTrack]:
    """All detections as one track, for a file or array that is known to hold one person; holes as in
    :func:`track_people`. Empty if there is nobody.

    Raises ``ValueError`` if two are in one frame.
    """
    if poses.num_people > 1:
        raise ValueError(f'there are up to {poses.num_people} people in a frame, not one')
    longest_hole = round(max_hole * (poses.fps or DEFAULT_FPS))
    return [_assemble(poses, person, np.arange(len(poses)), longest_hole)] if len(poses) else []


def choose_person(tracks: list[PersonTrack], rule: str = 'longest') -> PersonTrack:
    """One person of several: seen for the ``'longest'`` time, or on average the ``'largest'``.

    Raises ``ValueError`` if there is nobody, or for another rule.
    """
    rules = dict(longest=lambda track: track.present.sum(),
                 largest=lambda track: np.prod(track.box[:, 2:] - track.box[:, :2], axis=1)[track.present].mean())
    if rule not in rules:
        raise ValueError(f'rule={rule!r} should be one of {list(rules)}')
    if not tracks:
        raise ValueError('there is nobody to choose from')
    return max(tracks, key=rules[rule])


def box_overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes ``(A,4)`` and ``(B,4)``, ``(A,B)``."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(box[:, 2:] - box[:, :2], 0, None).prod(-1) for box in (a, b)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


class _Person:
    """Where somebody was last seen, and is expected."""

    def __init__(self, row: int, poses: Poses2D):
        self.rows, self.velocity = [], np.zeros(2)
        self.center = None
        self.follow(row, poses)

    def follow(self, row: int, poses: Poses2D) -> None:
        center = (poses.box[row, :2] + poses.box[row, 2:]) / 2
        if self.center is not None:
            step = (center - self.center) / (poses.frame[row] - self.frame)
            self.velocity = KEEP_SPEED * self.velocity + (1 - KEEP_SPEED) * step
        self.center, self.frame = center, int(poses.frame[row])
        self.rows.append(row)

    def moved(self, frame: int) -> np.ndarray:
        """How far it should be from where it was, ``(2,)`` pixels; nobody is expected to go on for long."""
        return self.velocity * min(frame - self.frame, 10)


def _link(poses: Poses2D, rows: np.ndarray, patience: int) -> list:
    """Rows ``(D,)`` of several frames as one array of rows for each person."""
    people, gone = [], []
    bounds = np.flatnonzero(np.diff(poses.frame[rows])) + 1
    for found in np.split(rows, bounds) if len(rows) else ():
        frame = int(poses.frame[found[0]])
        gone += [person for person in people if frame - person.frame > patience + 1]
        people = [person for person in people if frame - person.frame <= patience + 1]
        taken = set()
        if people:
            likeness = _likeness(poses, people, found, frame)
            for i, j in zip(*linear_sum_assignment(-likeness)):
                if likeness[i, j] >= MIN_MATCH:
                    people[i].follow(found[j], poses)
                    taken.add(j)
        people += [_Person(row, poses) for j, row in enumerate(found) if j not in taken]
    return sorted((np.array(person.rows) for person in gone + people), key=lambda rows: rows[0])


def _likeness(poses: Poses2D, people: list, found: np.ndarray, frame: int) -> np.ndarray:
    """Similarity in [0,1] of people and detections of a frame, ``(P,D)``: overlap of boxes and nearness of joints."""
    last = np.array([person.rows[-1] for person in people])
    shift = np.array([person.moved(frame) for person in people])
    boxes = poses.box[last] + np.tile(shift, 2)
    overlap = box_overlap(boxes, poses.box[found])
    expected = poses.keypoints[last] + shift[:, None]
    both = poses.detected[last][:, None] & poses.detected[found][None]                      # (P,D,J)
    square = np.square(expected[:, None] - poses.keypoints[found][None]).sum(-1)            # (P,D,J)
    size = np.sqrt(np.clip(poses.box[last, 2:] - poses.box[last, :2], 1, None).prod(-1))    # (P,)
    nearness = np.exp(-square / (2 * np.square(REACH * size)[:, None, None]))
    nearness = np.where(both, nearness, 0).sum(-1) / np.maximum(both.sum(-1), 1)
    return (overlap + np.where(both.any(-1), nearness, overlap)) / 2


def _assemble(poses: Poses2D, name: str, rows: np.ndarray, longest: int) -> PersonTrack:
    first, last = int(poses.frame[rows[0]]), int(poses.frame[rows[-1]])
    count, place = last - first + 1, poses.frame[rows] - first
    shape = (count, poses.keypoints.shape[1])
    keypoints, confidence = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    detected, present, box = np.zeros(shape, bool), np.zeros(count, bool), np.zeros((count, 4), np.float32)
    keypoints[place], confidence[place], detected[place] = (
        values[rows] for values in (poses.keypoints, poses.confidence, poses.detected))
    present[place], box[place] = True, poses.box[rows]
    box = box[np.maximum.accumulate(np.where(present, np.arange(count), 0))]
    filled = fill_holes(keypoints, confidence, detected, longest)
    return PersonTrack(name, np.arange(first, last + 1), keypoints, confidence, detected | filled, filled, box, present,
                       poses.skeleton, poses.image_size, poses.fps, poses.facts,
                       None if poses.frame_time is None else poses.frame_time[first:last + 1])


def fill_holes(keypoints: np.ndarray, confidence: np.ndarray, detected: np.ndarray, longest: int) -> np.ndarray:
    """Fill the holes of each joint that are at most ``longest`` frames long, in place; see :func:`track_people`.

    Args:
        keypoints: ``(T,J,2)``; afterwards each joint has a place in every frame, if it has one in any.
        confidence: ``(T,J)``.
        detected: ``(T,J)`` bool, is not changed.
        longest: frames.

    Returns:
        ``(T,J)`` bool: what was filled in.
    """
    frames = np.arange(len(detected))[:, None]
    before = np.maximum.accumulate(np.where(detected, frames, -1))                               # (T,J)
    after = np.minimum.accumulate(np.where(detected, frames, len(detected))[::-1])[::-1]
    inside = (before >= 0) & (after < len(detected)) & ~detected
    filled = inside & (after - before - 1 <= longest)
    joint = np.broadcast_to(np.arange(detected.shape[1]), detected.shape)
    low, high = np.maximum(before, 0), np.minimum(after, len(detected) - 1)
    weight = ((frames - low) / np.maximum(high - low, 1))[..., None]
    ends = keypoints[low, joint], keypoints[high, joint]
    sure = np.minimum(confidence[low, joint], confidence[high, joint])
    held = np.where((before >= 0)[..., None], ends[0], np.where((after < len(detected))[..., None], ends[1], 0))
    keypoints[:] = np.where(filled[..., None], (1 - weight) * ends[0] + weight * ends[1], held)
    confidence[filled] = FILLED_CONFIDENCE * sure[filled]
    return filled
