"""Videos: upright frames with their times, as far as the file can be read."""
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import MMLogger

from ...files import BadFile
from .timed_image import ImageSource, TimedImage
from .times import DEFAULT_FPS

TRIES = 50           # frames in a row that cannot be decoded, after which the rest is given up
MEMORY = 31          # intervals between frames from which the usual one is taken
MIN_INTERVALS = 5        # fewer do not tell whether the rate is constant
MAX_GAP = 10.0       # seconds; after a longer gap no lost frames are listed
ADVICE = 'copy it again, or convert it: ffmpeg -i IN -c:v libx264 OUT.mp4'


class VideoFile(ImageSource):
    """The frames of a video, decoded one after the other by OpenCV; never more than one is held.

    Frames come upright, as the rotation in the file says, with the times that it tells for each; so a variable frame
    rate is no problem. Where frames come at a constant rate and some are not there (a damaged part of the file, or the
    camera was too slow), they are listed without an image. Where the file ends too early, what can be read is given,
    and the report counts what it promised.

    What a decoder conceals cannot be seen here: a damaged frame may come as a smeared picture.

    Args:
        path: file.
        fps: frames per second, instead of the times in the file; e.g. of a slow-motion recording.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: it cannot be opened, or its first frame cannot be decoded.
        ValueError: ``fps`` is not positive.
    """

    def __init__(self, path: str | Path, fps: float | None = None):
        self.path = Path(path).expanduser()
        if not self.path.is_file():
            raise FileNotFoundError(f'there is no video {self.path}')
        if fps is not None and not 0 < fps < 1e5:
            raise ValueError(f'fps={fps} should be frames per second')
        self.name, self.given, self.report = str(self.path), fps, Counter()
        capture = self._open()
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        capture.release()
        self.fps = fps or (float(rate) if np.isfinite(rate) and 0.1 < rate < 1e4 else DEFAULT_FPS)
        self.num_frames = int(count) if np.isfinite(count) and 0 < count < 1e8 else None

    def __iter__(self) -> Iterator[TimedImage]:
        self.report = Counter(read=0)
        capture, clock, number, failed = self._open(), _Clock(self.fps or DEFAULT_FPS), 0, 0
        try:
            while failed < TRIES:
                if not capture.grab():
                    if self.num_frames is None or number + failed >= self.num_frames:
                        break
                    failed += 1
                    continue
                failed, (good, image) = 0, capture.retrieve()
                time = number / self.given if self.given else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                for lost in () if self.given else clock.lost_before(time):
                    self.report['lost'] += 1
                    yield TimedImage(number, lost, None, f'{self.name}[{number}]')
                    number += 1
                time = clock.tick(time)
                good = good and image is not None and image.size > 0
                self.report['read' if good else 'cannot be decoded'] += 1
                yield TimedImage(number, time, cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if good else None,
                                 f'{self.name}[{number}]')
                number += 1
        finally:
            capture.release()
        self._finish()

    def _finish(self) -> None:
        if not self.report['read']:
            raise BadFile(f'{self.path}: no frame can be decoded; {ADVICE}')
        short = (self.num_frames or 0) - self.report['read'] - self.report['cannot be decoded']
        if short > max(1, 0.01 * (self.num_frames or 0)):
            self.report['promised but not there'] = short
            MMLogger.get_current_instance().warning(
                f'{self.path}: {self.report["read"]} of the {self.num_frames} frames that it promises can be read; '
                f'it is cut off or damaged: {ADVICE}')

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise BadFile(f'{self.path} cannot be opened as a video: it is none, it is cut off before its index (which '
                          f'mp4 files end with), or this build of OpenCV does not know its codec; {ADVICE}')
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        return capture


class _Clock:
    """Times that ascend, and which frames were lost in between."""

    def __init__(self, fps: float):
        self.first: float | None = None
        self.last, self.lost = 0.0, []
        self.nominal, self.intervals = 1 / fps, deque(maxlen=MEMORY)

    def lost_before(self, time: float) -> list:
        """Times of the frames that should lie between the last one and this, at a constant rate."""
        self.lost = []
        if self.first is None or len(self.intervals) < MIN_INTERVALS:
            return []
        intervals = np.array(self.intervals)
        usual, gap = float(np.median(intervals)), time - self.first - self.last
        steady = (np.abs(intervals - usual) < 0.25 * usual).mean() >= 0.9
        count = round(gap / usual)
        if steady and count > 1 and gap <= MAX_GAP and abs(gap / usual - count) <= 0.25:
            self.lost = [self.last + gap * k / count for k in range(1, count)]
        return self.lost

    def tick(self, time: float) -> float:
        """Seconds from the first frame; where the file repeats a time or goes back, the usual step is taken."""
        if self.first is None:
            self.first = time
            return 0.0
        step = time - self.first - self.last
        if step <= 1e-6:
            step = float(np.median(np.array(self.intervals))) if self.intervals else self.nominal
            self.first = time - self.last - step
        self.intervals.append(step / (len(self.lost) + 1))
        self.last += step
        return self.last
