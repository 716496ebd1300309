"""Frames of a video by their numbers, which the times of its pictures tell, not a count of what could be decoded."""
from pathlib import Path

import cv2
import numpy as np

from ..files import BadFile

MAX_GRABS = 90             # pictures that are decoded in passing rather than sought
EARLIER = (0, 16, 64, 256)  # pictures before the one that is wanted, from which it is tried
OFF = 0.1                  # of a frame: times in milliseconds, which some containers have, are less off their rate
EVEN = 0.75                # of the steps between pictures, in a film of constant rate
TRIES = 50                 # packets in a row that cannot be used, after which the rest is given up


class FilmFrames:
    """Some frames of a video file, by their numbers; those that lie between are decoded in passing.

    A decoder leaves out what it cannot decode, so that a count of its pictures is off after a damaged part. The number
    of a picture is what its time says, at the rate of the file. If that is not the next one, or no whole number, the
    times of all packets are read: where the file has each picture that it promises, as every mp4, frame n is the n-th
    of them, at whatever rate; else see :func:`numbers_of_times`. What a decoder conceals cannot be seen here: a damaged
    picture may come as one before it, or smeared.

    Args:
        upright: turn pictures as the rotation in the file says.

    Raises:
        BadFile: it cannot be opened as a video.
    """

    def __init__(self, path: str | Path, upright: bool = True):
        self.path, self.upright = str(path), upright
        self._open()
        rate, count = self.capture.get(cv2.CAP_PROP_FPS), self.capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.fps = float(rate) if np.isfinite(rate) and rate > 0 else None
        self.num_frames = int(count) if np.isfinite(count) and 0 < count < 1e8 else None
        self.times: np.ndarray | None = None    # of all packets, ascending, in frames; None: not needed so far
        self.numbers: np.ndarray | None = None  # theirs; None: what was decoded is counted

    def _open(self) -> None:
        self.capture = cv2.VideoCapture(self.path)
        if not self.capture.isOpened():
            raise BadFile('it cannot be opened as a video: it is none, or cut off before its index')
        self.capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, int(self.upright))
        self.before, self.place = -1, -1  # numbers of the pictures that were decoded last; there is none in between

    def has_any(self) -> bool:
        """Whether any picture can be decoded; the first one is."""
        if self.place < 0:
            self._grab(0)
        return np.isfinite(self.place)

    def frame(self, number: int) -> np.ndarray | None:
        """Pixels ``(H,W,3)`` uint8 RGB; None: the file has no such frame, or it cannot be decoded."""
        if self.num_frames is not None and number >= self.num_frames:
            return None
        if not self.before < number <= self.place + MAX_GRABS:
            self._seek(number)
        while self.place < number:
            self._grab(self.place + 1)
        if self.place > number:
            return None
        good, image = self.capture.retrieve()
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if good and image is not None and image.size else None

    def _seek(self, number: int) -> None:
        """Stand at a picture up to ``number``, or at the one that follows where it should be."""
        target = number
        if self.numbers is not None:
            target = int(self.times[np.searchsorted(self.numbers, number).clip(max=len(self.numbers) - 1)])
        for earlier in EARLIER:
            self.capture.set(cv2.CAP_PROP_POS_FRAMES, max(target - earlier, 0))
            self._grab(round(self.capture.get(cv2.CAP_PROP_POS_FRAMES)))
            self.before = self.place - 1
            if self.place <= number:
                return
        self.capture.release()  # a container that does not seek: from its start
        self._open()

    def _grab(self, expected: int) -> None:
        """Decode the next picture, of which ``expected`` is the number if none was left out."""
        self.before = self.place
        if not any(self.capture.grab() for _ in range(TRIES)):
            self.place = np.inf  # the end
            return
        self.place = expected
        if self.fps is None:
            return
        time = self.capture.get(cv2.CAP_PROP_POS_MSEC) * self.fps / 1000
        if self.times is None and abs(time - expected) > OFF:
            self._read_times()
        if self.numbers is not None:
            self.place = int(self.numbers[np.abs(self.times - time).argmin()])

    def _read_times(self) -> None:
        packets, times, failed = cv2.VideoCapture(self.path), [], 0
        if packets.set(cv2.CAP_PROP_FORMAT, -1):  # packets as they are, nothing is decoded
            while failed < TRIES:
                failed = 0 if packets.grab() else failed + 1
                if not failed:
                    times.append(packets.get(cv2.CAP_PROP_POS_MSEC) * self.fps / 1000)
        packets.release()
        self.times = np.sort(times)
        self.numbers = numbers_of_times(self.times, self.num_frames)


def numbers_of_times(times: np.ndarray, num_frames: int | None) -> np.ndarray | None:
    """Numbers of pictures from their times, where the container may have lost some.

    Args:
        times: of the pictures of a video, ascending, from its start, in frames at its rate, ``(n,)``.
        num_frames: how many it promises.

    Returns:
        Numbers ``(n,)`` int: the times, if some are lost and most of the others are a frame apart; else a count. None:
        the times do not tell one from another.
    """
    steps = np.diff(times)
    if not len(steps) or (steps <= 0).any():
        return None
    if len(times) != num_frames and (np.abs(steps - 1) < OFF).mean() >= EVEN:
        return np.round(times).astype(np.int64)
    return np.arange(len(times))
