"""MediaPipe 0.10 (Lugaresi et al. 2019): BlazePose for one person, hands with their sides.

The weights are inside of the package of version 0.10.21, nothing is downloaded. Its metadata forbids numpy 2, with
which it runs nevertheless; of what else the metadata name it needs two packages.
"""
import numpy as np

from ...registry import DETECTORS
from .detection import Detection
from .install import load_package
from .one_person import OnePersonFollower

ADVICE = 'pip install --no-deps mediapipe==0.10.21 && pip install "protobuf<7" attrs   (Python 3.9 to 3.12)'


def _solutions():
    return load_package('mediapipe', ADVICE).solutions


@DETECTORS.register_module('mediapipe')
class MediaPipePose:
    """33 landmarks of one person, who is followed; confidence is what MediaPipe calls visibility.

    MediaPipe looks for one person and jumps to another when it loses the first. Here it only gets to see the
    surroundings of the person that it follows (the rest is painted over), and what is too far from where that person
    was is not taken: the frame is lost. After ``max_absence`` seconds it may look everywhere again, and whoever it
    finds then has another number. See :class:`.OnePersonFollower`.

    Args:
        follow: False: take what MediaPipe finds, jumps included.
        max_absence: seconds.
        min_confidence: of the detection and of the tracking, in [0,1].
        single: every picture for itself, slower: for pictures that are no video.

    Attributes:
        follows: its numbers of people can be relied on.

    Raises:
        ModuleNotFoundError: mediapipe is not installed.
    """
    skeleton = 'mediapipe33'

    def __init__(self, follow: bool = True, max_absence: float = 1.0, min_confidence: float = 0.5,
                 single: bool = False):
        self.network = _solutions().pose.Pose(
            static_image_mode=single, model_complexity=1, min_detection_confidence=min_confidence,
            min_tracking_confidence=min_confidence)
        self.follower = OnePersonFollower(max_absence) if follow and not single else None
        self.follows = self.follower is not None

    def __call__(self, image: np.ndarray, time: float) -> list[Detection]:
        """At most one person."""
        if self.follower is None:
            return self._detect(image)
        found = self._detect(self.follower.covered(image, time))
        kept = self.follower.choose(found, time)
        if found and not kept:
            self.network.reset()  # it has begun to follow something else
        return kept

    def _detect(self, image: np.ndarray) -> list[Detection]:
        marks = self.network.process(np.ascontiguousarray(image)).pose_landmarks
        if marks is None:
            return []
        points = np.array([[mark.x, mark.y, mark.visibility] for mark in marks.landmark])
        return [Detection(points[:, :2] * image.shape[1::-1], points[:, 2])]


@DETECTORS.register_module('mediapipe_hands')
class MediaPipeHands:
    """21 joints of each hand, left or right; all joints of a hand have the confidence of its side.

    Args:
        num_hands: at most.
        min_confidence: of the detection and of the tracking, in [0,1].
        single: every picture for itself.
        mirrored: the pictures are mirror images, as a front camera shows them. MediaPipe takes this for granted, so
            otherwise its left is right.

    Raises:
        ModuleNotFoundError: mediapipe is not installed.
    """
    skeleton = 'hand21'

    def __init__(self, num_hands: int = 2, min_confidence: float = 0.5, single: bool = False, mirrored: bool = False):
        self.mirrored = mirrored
        self.network = _solutions().hands.Hands(
            static_image_mode=single, max_num_hands=num_hands, min_detection_confidence=min_confidence,
            min_tracking_confidence=min_confidence)

    def __call__(self, image: np.ndarray, time: float) -> list[Detection]:
        result = self.network.process(np.ascontiguousarray(image))
        found = []
        for marks, sides in zip(result.multi_hand_landmarks or (), result.multi_handedness or ()):
            side = sides.classification[0]
            points = np.array([[mark.x, mark.y] for mark in marks.landmark]) * image.shape[1::-1]
            found.append(Detection(points, np.full(len(points), side.score),
                                   (side.label == 'Right') == self.mirrored))
        return found
