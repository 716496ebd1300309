"""The 2D poses of everybody in a video, whatever detector they came from."""
from dataclasses import dataclass, field, replace

import numpy as np

from ....structures import convert_confidence, convert_joints


def check_fps(fps) -> None:
    """Raise ``ValueError`` if frames per second are no positive number; None: not known."""
    if fps is None:
        return
    try:
        good = 1e-6 <= fps <= 1e6
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f'fps={fps!r} should be positive and finite: frames per second, from 1e-6 to 1e6')


@dataclass(frozen=True, eq=False, repr=False)
class Poses2D:
    """Detections of a video, one row a person in a frame, in the order of the frames.

    "Not there" has one meaning: a joint that the file leaves out, or gives as NaN, null, with confidence zero, at
    exactly (0, 0), or far outside of the image, has ``detected`` False, and its numbers are 0. A frame without a person
    has no row.

    Attributes:
        frame: ``(D,)`` int64 number of the frame, from 0, ascending.
        keypoints: ``(D,J,2)`` float32 pixels of the image.
        confidence: ``(D,J)`` float32 in [0,1]; 0 where not detected.
        detected: ``(D,J)`` bool: the joint is there.
        box: ``(D,4)`` float32 left, top, right, bottom of the person, pixels.
        score: ``(D,)`` float32 how sure the detector is of the person, in [0,1]; 1 where it does not say.
        person: ``(D,)`` int64 identity from the file, -1 where it tells none.
        num_frames: of the video, N; those without a row have no person.
        skeleton: name of the skeleton.
        image_size: width and height, pixels, or None if not known.
        fps: frames per second, or None if not known.
        facts: plain facts: file, format, counts and notes.
        frame_time: ``(N,)`` seconds of each frame of the video, or None: at a constant rate.
    """
    frame: np.ndarray
    keypoints: np.ndarray
    confidence: np.ndarray
    detected: np.ndarray
    box: np.ndarray
    score: np.ndarray
    person: np.ndarray
    num_frames: int
    skeleton: str
    image_size: tuple | None = None
    fps: float | None = None
    facts: dict = field(default_factory=dict)
    frame_time: np.ndarray | None = None

    def __post_init__(self):
        check_fps(self.fps)

    def __repr__(self) -> str:
        return (f'Poses2D({len(self)} detections of {self.skeleton} in {self.num_frames} frames, image '
                f'{self.image_size or "of unknown size"}, {self.fps or "unknown"} frames a second)')

    def __len__(self) -> int:
        """Number of detections, of all frames together."""
        return len(self.frame)

    @property
    def num_people(self) -> int:
        """Most people in one frame."""
        return int(np.bincount(self.frame).max()) if len(self) else 0

    @property
    def has_identities(self) -> bool:
        """Whether the file says who is who, for every detection."""
        return len(self) > 0 and bool((self.person >= 0).all())

    def __getitem__(self, rows) -> 'Poses2D':
        """Some detections, by a slice, a mask ``(D,)`` or ascending numbers."""
        return replace(self, **{key: getattr(self, key)[rows] for key in (
            'frame', 'keypoints', 'confidence', 'detected', 'box', 'score', 'person')})

    def convert(self, skeleton: str) -> 'Poses2D':
        """The joints of another skeleton, by the rules of :mod:`.structures.conversion`; boxes stay.

        A joint is there if all that it is made of are; its confidence is the least of theirs.
        """
        if skeleton == self.skeleton:
            return self
        pair = self.skeleton, skeleton
        detected = convert_confidence(self.detected, *pair)
        keypoints = np.where(detected[..., None], convert_joints(self.keypoints, *pair), 0)
        confidence = np.where(detected, convert_confidence(self.confidence, *pair), 0)
        return replace(self, skeleton=skeleton, keypoints=keypoints.astype(np.float32), detected=detected,
                       confidence=confidence.astype(np.float32))

    def describe(self) -> str:
        """A few lines to read after an import."""
        frames = len(np.unique(self.frame))
        lines = [f'{self.facts.get("source", "poses")}: {len(self)} detections of {self.skeleton} in {frames} of '
                 f'{self.num_frames} frames, {self.num_people} at once at most, '
                 + ('with' if self.has_identities else 'without') + ' identities',
                 f'{100 * self.detected.mean() if len(self) else 0:.0f} % of the joints are there, mean confidence '
                 f'{self.confidence[self.detected].mean() if self.detected.any() else 0:.2f}; image '
                 f'{self.image_size or "of unknown size"}, {self.fps or "unknown"} frames a second']
        return '\n'.join(lines + [f'note: {note}' for note in self.facts.get('notes', ())])


def box_of(keypoints: np.ndarray, detected: np.ndarray) -> np.ndarray:
    """Tight box ``(...,4)`` around the joints ``(...,J,2)`` that are there; zeros if none is."""
    low = np.where(detected[..., None], keypoints, np.inf).min(-2)
    high = np.where(detected[..., None], keypoints, -np.inf).max(-2)
    return np.where(detected.any(-1, keepdims=True), np.concatenate([low, high], -1), 0)
