"""Windows that end at the frame to predict, so that nothing of the future is seen: those of head tracks."""
import numpy as np

from ...registry import WINDOWS
from ..random import KeyedRandom
from .base import WindowRows, Windows, check_counts


class TrailingWindows(Windows):
    """One window for each frame to predict, its last one.

    These are the frames that the field ``target (F,)`` of the store marks, or all frames without it.
    """

    def __init__(self, num_frames: int = 20):
        check_counts(num_frames=num_frames)
        self.num_frames = num_frames

    def list(self) -> None:
        target = self.store.frames.get('target')
        self.ends = np.arange(self.store.num_rows) if target is None else np.flatnonzero(target)  # (W,)
        self.sequence = self.store.sequence_of(self.ends)
        self.positions = np.array([self.num_frames - 1])

    def seconds(self, rows: np.ndarray, sequence: np.ndarray) -> np.ndarray:
        """Time of ``rows (B,T)`` before the last one, seconds; the store tells its ``fps``."""
        number = self.store.frame_ids(rows, sequence[:, None])
        return (number - number[:, -1:]) / self.store.info['fps']

    def predicted(self, index):
        return self.ends[index, None], np.ones((len(index), 1), bool)


@WINDOWS.register_module()
class StridedWindows(TrailingWindows):
    """``num_frames`` frames, ``frame_step`` frames apart, that end at the frame to predict.

    Frames before the start of a sequence repeat its first frame and are not valid. 20 frames at a step of 3 (2 s at
    30 Hz) is the window of PCIE_EgoPose (arXiv 2505.24411) and of the Level-wise ViT.

    Args:
        num_frames: frames in a window, T.
        frame_step: frames of the sequence from one frame of a window to the next.
        tempo: range of random playing speeds; 1.25 reads frames 1.25 steps apart as if they were one step apart.
    """

    def __init__(self, num_frames: int = 20, frame_step: int = 3, tempo: tuple = (1.0, 1.0)):
        super().__init__(num_frames)
        check_counts(frame_step=frame_step)
        low, high = tempo if isinstance(tempo, (tuple, list)) and len(tempo) == 2 else (0, 0)
        if not 0 < low <= high < float('inf'):
            raise ValueError(f'tempo={tempo} should be two speeds above 0, the lower one first, e.g. (0.8, 1.25)')
        self.frame_step, self.tempo = frame_step, tempo

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        sequence = self.sequence[index]
        back = self.frame_step * np.arange(self.num_frames - 1, -1, -1)  # (T,)
        speed = 1.0 if random is None else random.uniform(1, low=self.tempo[0], high=self.tempo[1]).numpy()  # (B,1)
        wanted = self.ends[index, None] - np.rint(back * speed).astype(np.int64)  # (B,T)
        rows = np.maximum(wanted, self.store.offsets[sequence, None])
        return WindowRows(rows, wanted == rows, self.seconds(rows, sequence) / speed)


@WINDOWS.register_module()
class AnnotatedWindows(TrailingWindows):
    """``num_frames`` consecutive annotated frames, whatever time lies between them: the official baseline's window.

    Annotated are the frames with a label (``label`` in the store is not -1) and those to predict. A store without any
    label thus has those that a challenge wants predicted (``target``), or else all frames.

    Args:
        num_frames: frames in a window, T; before the first annotated frame of a sequence that one repeats.
    """

    def list(self) -> None:
        super().list()
        label = self.store.frames.get('label')
        labelled = () if label is None else np.flatnonzero(np.asarray(label) >= 0)
        self.annotated = np.union1d(labelled, self.ends).astype(np.int64)

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        sequence = self.sequence[index]
        last = np.searchsorted(self.annotated, self.ends[index], side='right') - 1
        first = np.searchsorted(self.annotated, self.store.offsets[sequence])
        wanted = last[:, None] - np.arange(self.num_frames - 1, -1, -1)  # (B,T) places in ``annotated``
        place = np.maximum(wanted, first[:, None])
        rows = self.annotated[place]
        return WindowRows(rows, wanted == place, self.seconds(rows, sequence))
