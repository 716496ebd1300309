"""What a detector finds in a picture."""
from typing import NamedTuple

import numpy as np


class Detection(NamedTuple):
    """One person or hand.

    Attributes:
        keypoints: ``(J,2)`` pixels of the picture; NaN where a joint is not there.
        confidence: ``(J,)``; at most 0 where a joint is not there.
        right: of a hand: True right, False left, None: not known.
        person: identity that the detector gives it, -1: none.
    """
    keypoints: np.ndarray
    confidence: np.ndarray
    right: bool | None = None
    person: int = -1


def as_detections(found, num_joints: int, where: str) -> list[Detection]:
    """What a callable returned for a picture, checked.

    Args:
        found: a list of :class:`Detection` or of tuples that begin as it does; None: nobody.
        num_joints: J of the detector's skeleton.
        where: for messages.

    Raises:
        ValueError: something else.
    """
    detections = []
    for item in found if found is not None else ():
        try:
            detection = Detection(*item)
            points = np.asarray(detection.keypoints, np.float64)
            confidence = np.asarray(detection.confidence, np.float64)
            wrong = points.shape != (num_joints, 2) or confidence.shape != (num_joints,)
        except (TypeError, ValueError):
            wrong, points, confidence = True, np.empty(0), np.empty(0)
        if wrong:
            raise ValueError(f'{where}: a detector returns a list of (keypoints ({num_joints},2), confidence '
                             f'({num_joints},)), got {points.shape} and {confidence.shape}')
        detections.append(detection._replace(keypoints=points, confidence=confidence))
    return detections
