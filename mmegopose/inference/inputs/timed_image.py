"""A picture with its place and time, and what gives them."""
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class TimedImage(NamedTuple):
    """One picture of a source.

    Attributes:
        number: of the frame, from 0; none is left out.
        time: seconds from the first frame, strictly ascending.
        image: ``(H,W,3)`` uint8 RGB, upright; None: it is damaged or was lost.
        name: of the file, or that of the video with the number.
    """
    number: int
    time: float
    image: np.ndarray | None
    name: str


class ImageSource:
    """What gives pictures, in order; only the one at hand is in memory.

    Attributes:
        name: for messages.
        num_frames: how many there are, as far as it is known before they are read; None: not known.
        fps: frames per second, or None where they are no sequence in time.
        report: after they have been read: counts by reason, with ``'read'``.
    """
    name: str
    num_frames: int | None
    fps: float | None
    report: Counter

    def __iter__(self) -> Iterator[TimedImage]:
        """Each picture; every loop begins anew."""
        raise NotImplementedError
