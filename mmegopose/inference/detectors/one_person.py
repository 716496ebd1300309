"""Following one person with a detector that finds one person, and not always the same."""
import cv2
import numpy as np

from .detection import Detection

MIN_CONFIDENCE = 0.3   # of joints that tell where and how large the person is
MIN_JOINTS = 5
REACH, RUN = 0.4, 1.2  # how far a person may get, in sizes: at once, and in a second
GROWTH = 1.5           # times larger or smaller from one frame to the next, at most
MARGIN = 0.5           # of the person's size, that is shown around it
KEEP = 0.6             # of the last velocity, in the mean of the velocities before


class OnePersonFollower:
    """Which detections are the person that was seen before.

    Args:
        max_absence: seconds without the person after which anybody is followed, as the next person.
    """

    def __init__(self, max_absence: float = 1.0):
        if max_absence < 0:
            raise ValueError(f'max_absence={max_absence} should be seconds, 0 or more')
        self.max_absence, self.person = max_absence, -1
        self._forget()

    def _forget(self) -> None:
        self.center: np.ndarray | None = None
        self.velocity, self.size, self.time = np.zeros(2), 0.0, 0.0

    def covered(self, image: np.ndarray, time: float) -> np.ndarray:
        """The picture ``(H,W,3)`` with everything painted over that is too far from the person."""
        if self.center is not None and time - self.time > self.max_absence:
            self._forget()
        if self.center is None:
            return image
        away = time - self.time
        reach = self.size * (0.5 + MARGIN + RUN * away)
        low = np.floor(np.clip(self._expected(time) - reach, 0, image.shape[1::-1])).astype(int)
        high = np.ceil(np.clip(self._expected(time) + reach, 0, image.shape[1::-1])).astype(int)
        if (high - low < 8).any():
            return image
        rows, columns = slice(low[1], high[1]), slice(low[0], high[0])
        shown = np.empty_like(image)
        shown[:] = np.array(cv2.mean(image[rows, columns])[:3]).astype(np.uint8)
        shown[rows, columns] = image[rows, columns]
        return shown

    def choose(self, found: list[Detection], time: float) -> list[Detection]:
        """Of the detections of a picture the one that is the person, or none."""
        places = [place for detection in found if (place := _place(detection)) is not None]
        if self.center is None:
            if not places:
                return []
            detection, center, size = max(places, key=lambda place: place[2])
            self.person += 1
            self.center, self.size, self.time = center, size, time
            return [detection._replace(person=self.person)]
        away, expected = max(time - self.time, 1e-3), self._expected(time)
        reach = self.size * (REACH + RUN * away)
        fit = [place for place in places if np.linalg.norm(place[1] - expected) < reach
               and abs(np.log(place[2] / self.size)) < np.log(GROWTH) * (1 + 2 * away)]
        if not fit:
            return []
        detection, center, size = min(fit, key=lambda place: float(np.linalg.norm(place[1] - expected)))
        self.velocity = KEEP * self.velocity + (1 - KEEP) * (center - self.center) / away
        self.center, self.size, self.time = center, size, time
        return [detection._replace(person=self.person)]

    def _expected(self, time: float) -> np.ndarray:
        assert self.center is not None
        return self.center + self.velocity * min(time - self.time, 0.3)


def _place(detection: Detection) -> tuple | None:
    """The detection, the middle ``(2,)`` and the size of the joints that are sure; None if too few are."""
    sure = (detection.confidence > MIN_CONFIDENCE) & np.isfinite(detection.keypoints).all(-1)
    if sure.sum() < MIN_JOINTS:
        return None
    points = detection.keypoints[sure]
    low, high = points.min(0), points.max(0)
    size = float((high - low).max())
    return (detection, np.median(points, 0), size) if size > 0 else None
