"""Windows of images: single ones, stretches of videos, and numbers of pictures that are drawn."""
import numpy as np

from ...registry import WINDOWS
from ..random import KeyedRandom
from .base import WindowRows, Windows, check_counts


@WINDOWS.register_module()
class ConsecutiveWindows(Windows):
    """``num_frames`` frames in a row, which never cross a missing frame; the last one repeats where a stretch ends.

    Args:
        num_frames: frames in a window, T.
        window_stride: frames from one window to the next in training; None: T. In evaluation it is always T, so that
            each frame comes once.
    """

    def __init__(self, num_frames: int = 1, window_stride: int | None = None):
        check_counts(num_frames=num_frames, window_stride=window_stride)
        self.num_frames, self.window_stride = num_frames, window_stride

    def list(self) -> None:
        T, rows = self.num_frames, np.arange(self.store.num_rows)
        self.positions = np.arange(T)
        stride = T if self.test_mode else self.window_stride or T
        sequence = self.store.sequence_of(rows)
        if T == 1 and stride == 1:
            # In the order of the official list, where the store tells one.
            order, begins, last = np.argsort(self.store.frames.get('listed', rows)), rows, rows
        else:
            frame = self.store.frame_ids(rows, sequence)
            order = np.lexsort((frame, sequence))
            same = np.diff(sequence[order]) == 0
            breaks = np.flatnonzero(~same | (np.diff(frame[order]) != 1)) + 1
            bounds = np.concatenate([[0], breaks, [len(rows)]])
            begins = np.concatenate([np.arange(begin, end, stride) for begin, end in zip(bounds[:-1], bounds[1:])])
            last = bounds[np.searchsorted(bounds, begins, side='right')] - 1
        self.order, self.begins, self.last = order, begins, last
        self.sequence = sequence[order[begins]] if len(rows) else sequence

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        place = self.begins[index, None] + np.arange(self.num_frames)
        last = self.last[index, None]
        return WindowRows(self.order[np.minimum(place, last)], place <= last)


@WINDOWS.register_module()
class SampleWindows(Windows):
    """Frames of samples that are made, not read: row ``n T + t`` is frame t of sample number n.

    The store holds no arrays, only the bounds of the sequences and facts.

    Args:
        num_samples: samples in an epoch.
        num_frames: frames in a window, T.
        fixed: the same samples in every epoch, else new ones.
    """

    def __init__(self, num_samples: int, num_frames: int = 1, fixed: bool = False):
        check_counts(num_samples=num_samples, num_frames=num_frames)
        self.num_samples, self.num_frames, self.fixed = num_samples, num_frames, fixed

    def list(self) -> None:
        self.positions = np.arange(self.num_frames)
        self.sequence = self.store.sequence_of(np.arange(self.num_samples) * self.num_frames)

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        number = index if self.fixed or random is None else random.keys
        frame = np.arange(self.num_frames)
        frame_ids = index[:, None] * self.num_frames + frame - self.store.offsets[self.sequence[index], None]
        return WindowRows(number[:, None] * self.num_frames + frame, np.ones(frame_ids.shape, bool),
                          frame_ids=frame_ids)
