"""Window policies of the lifting papers: which frames of a sequence a sample reads, and which it answers for."""
import numpy as np

from ...registry import WINDOWS
from ..random import KeyedRandom
from .base import WindowRows, Windows, check_counts, enumerate_each


class LiftingWindows(Windows):
    """Windows of ``num_frames`` frames, listed sequence by sequence.

    Window w reads the frames ``first[w] + frame_step * arange(num_frames)`` of its sequence; frames outside
    ``low[w]..high[w]`` repeat the nearest one inside.

    With ``frame_step > 1`` a sequence is cut as ``frame_step`` interleaved ones, so that each frame is still read.
    Where a window answers for one frame only, windows for evaluation whose frame is not ``visible (F,)`` in the store
    are left out.

    Args:
        num_frames: frames in a window, T.
        frame_step: frames of the sequence from one frame of a window to the next.
        window_stride: frames of the (down-sampled) sequence from one window to the next; None: the policy's own.
        mirror: list each window twice, as it is and, after those of the whole sequence, mirrored; for training.

    Attributes:
        answers: ``(P,)`` int64, the positions of a window that are predicted in evaluation.
        weights: ``(T,)`` float32 of the positions, for averaging the predictions of a frame.
        only_valid: repeated frames neither train nor count.
        window: ``(W,)`` of the windows as they are and mirrored, number among those that the policy cuts.
        mirrored: ``(W,)`` bool.
    """
    numbered = True
    only_valid = False

    def __init__(self, num_frames: int = 243, frame_step: int = 1, window_stride: int | None = None,
                 mirror: bool = False):
        check_counts(num_frames=num_frames, frame_step=frame_step, window_stride=window_stride)
        self.num_frames, self.frame_step, self.window_stride = num_frames, frame_step, window_stride
        self.mirror = mirror
        self.answers = np.arange(num_frames)
        self.weights = np.ones(num_frames, np.float32)

    def list(self) -> None:
        if self.mirror and self.test_mode:
            raise ValueError('mirror=True is for training; for evaluation give the model test_cfg=dict(flip=...)')
        self.positions = self.answers if self.test_mode else np.arange(self.num_frames)
        group, self.first, self.low, self.high = self.cut(np.diff(self.store.offsets))
        windows = np.arange(len(group))
        if self.test_mode and len(self.answers) == 1 and 'visible' in self.store.frames:
            frames = self._frames(windows, self.answers)[0][:, 0]
            windows = windows[self.store.frames['visible'][self.store.offsets[group] + frames]]
        self.window, self.mirrored = windows, np.zeros(len(windows), bool)
        if self.mirror:
            order = np.argsort(np.tile(group, 2), kind='stable')
            self.window, self.mirrored = order % len(windows), order >= len(windows)
        self.sequence = group[self.window]

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        frames, valid = self._frames(self.window[index])
        return WindowRows(
            frames + self.store.offsets[self.sequence[index], None], valid,
            mirrored=self.mirrored[index] if self.mirror else None,
            trained=valid if self.only_valid and not self.test_mode else None)

    def predicted(self, index):
        frames, valid = self._frames(self.window[index], self.positions)
        return frames + self.store.offsets[self.sequence[index], None], valid

    def slot_weights(self, index) -> np.ndarray:
        weights = np.tile(self.weights[self.positions], (len(index), 1))
        return np.where(self.predicted(index)[1], weights, 0) if self.only_valid else weights

    def _frames(self, window, positions=slice(None)):
        """Frames in their sequences ``(B,T)`` int64 of the windows that the policy cut, and whether they are valid."""
        wanted = self.wanted(window, positions)
        frames = np.clip(wanted, self.low[window, None], self.high[window, None])
        return frames, wanted == frames

    def wanted(self, window, positions):
        """Frames ``(B,T)`` that the windows would read if their sequences had no end."""
        return self.first[window, None] + self.frame_step * np.arange(self.num_frames)[positions]

    def cut(self, total):
        """``sequence, first, low, high``, all ``(W,)``, for sequences of ``total (S,)`` frames."""
        step = self.frame_step
        sequence, phase = np.divmod(np.arange(len(total) * step), step)
        frames = -((phase - total[sequence]) // step)  # of each interleaved sequence
        sequence, phase, frames = (x[frames > 0] for x in (sequence, phase, frames))
        part, start = self.starts(frames)
        low = phase[part]
        return sequence[part], low + step * start, low, low + step * (frames[part] - 1)

    def starts(self, frames):
        """``sequence (W,), start (W,)`` for sequences of ``frames (S,)`` frames each, at least 1."""
        raise NotImplementedError


@WINDOWS.register_module()
class MixSTEWindows(LiftingWindows):
    """MixSTE (Zhang et al., CVPR 2022), official code.

    Training: windows that do not overlap, padded alike at both ends of the sequence. Evaluation: windows from the first
    frame on, the last one ending with the sequence; short sequences repeat their last frame.
    """

    def __init__(self, num_frames: int = 243, frame_step: int = 1, window_stride: int | None = None,
                 mirror: bool = False):
        if frame_step != 1:
            raise ValueError(f"frame_step={frame_step}: the protocol 'mixste' reads every frame; use 'overlap' or "
                             "'stcformer' to skip frames")
        if window_stride not in (None, num_frames):
            raise ValueError(f"window_stride={window_stride}: windows of the protocol 'mixste' do not overlap; use "
                             "'overlap'")
        super().__init__(num_frames, frame_step, window_stride, mirror)

    def starts(self, frames):
        T = self.num_frames
        counts = -(-frames // T)
        sequence, k = enumerate_each(counts)
        if self.test_mode:
            return sequence, np.minimum(k * T, np.maximum(frames - T, 0)[sequence])
        return sequence, k * T - ((counts * T - frames) // 2)[sequence]


@WINDOWS.register_module()
class STCFormerWindows(LiftingWindows):
    """STCFormer (Tang et al., CVPR 2023), official code, where ``frame_step`` is called ``tds``.

    Training: the sequence is cut in chunks of ``window_stride`` frames (default 1) that stick out alike at both ends.
    The window of a chunk that ends before frame e is centred on frame e - 1 - (T - 1) / 2, but that of a chunk of one
    frame on this frame. Evaluation: one window per frame, which answers for its centre only.

    Args:
        num_frames, frame_step, window_stride, mirror: see :class:`LiftingWindows`.
        whole_chunks: a window for training is its chunk and (T - 1) / 2 frames at each side of it, T + window_stride -
            1 frames in all, as the official code does on MPI-INF-3DHP.
    """

    def __init__(self, num_frames: int = 243, frame_step: int = 1, window_stride: int | None = None,
                 mirror: bool = False, whole_chunks: bool = False):
        if num_frames % 2 == 0:
            raise ValueError(f"num_frames={num_frames}: the protocol 'stcformer' predicts the centre frame; take an "
                             'odd number')
        if whole_chunks and frame_step != 1:
            raise ValueError(f'frame_step={frame_step}: windows of whole chunks read every frame; use the protocol '
                             "'stcformer' to skip frames")
        super().__init__(num_frames, frame_step, window_stride or 1, mirror)
        self.answers, self.half, self.whole_chunks = np.array([num_frames // 2]), num_frames // 2, whole_chunks

    def list(self) -> None:
        # From the numbers of the arguments: what was bound once may be bound again.
        self.num_frames = 2 * self.half + (self.window_stride if self.whole_chunks and not self.test_mode else 1)
        super().list()

    def cut(self, total):
        if self.test_mode and self.window_stride != 1:
            raise ValueError(f"window_stride={self.window_stride}: the protocol 'stcformer' is evaluated with one "
                             'window per frame')
        stride = self.window_stride
        counts = -(-total // stride)
        sequence, k = enumerate_each(counts)
        begin = k * stride - ((counts * stride - total) // 2)[sequence]
        centre = begin if stride == 1 or self.whole_chunks else begin + stride - 1 - self.half
        return sequence, centre - self.half * self.frame_step, np.zeros_like(k), (total - 1)[sequence]


@WINDOWS.register_module()
class DelayedWindows(LiftingWindows):
    """One window per frame, in which ``delay`` frames follow the frame that it answers for: what a live stream sees.

    With half a window of delay these are the windows of STCFormer's evaluation.

    Args:
        num_frames, frame_step: see :class:`LiftingWindows`.
        delay: frames of the sequence, a multiple of ``frame_step``.
    """

    def __init__(self, num_frames: int = 243, frame_step: int = 1, delay: int = 0):
        super().__init__(num_frames, frame_step)
        after, rest = divmod(delay, frame_step)
        if rest or not 0 <= after < num_frames:
            raise ValueError(f'delay={delay} should be a multiple of frame_step={frame_step} from 0 to '
                             f'{(num_frames - 1) * frame_step}')
        self.before, self.answers = num_frames - 1 - after, np.array([num_frames - 1 - after])

    def cut(self, total):
        sequence, k = enumerate_each(total)
        return sequence, k - self.before * self.frame_step, np.zeros_like(k), (total - 1)[sequence]


@WINDOWS.register_module()
class MotionBERTWindows(LiftingWindows):
    """MotionBERT (Zhu et al., ICCV 2023), official code, also used by MotionAGFormer.

    Windows start every ``window_stride`` frames (default: T // 3 in training, T in evaluation) as long as they fit: the
    rest of the sequence is dropped. A sequence shorter than T is stretched to T by repeating frames at random, from one
    stream with seed 0 (the official reader drops it if it is the very last one).
    """

    def starts(self, frames):
        T = self.num_frames
        stride = self.window_stride or (T if self.test_mode else max(T // 3, 1))
        sequence, k = enumerate_each(np.maximum(frames - T, 0) // stride + 1)
        self.stretched = np.flatnonzero(frames[sequence] < T)
        even = np.linspace(0, frames[sequence[self.stretched]], T, endpoint=False, axis=1).reshape(-1, T)
        low = np.random.RandomState(0).randint(2, size=even.shape).astype(bool)
        stretch = np.sort(np.where(low, np.floor(even), np.ceil(even)), axis=1)
        self.stretch = np.minimum(stretch, frames[sequence[self.stretched], None] - 1).astype(np.int64)  # (K,T)
        return sequence, k * stride

    def wanted(self, window, positions):
        wanted = super().wanted(window, positions)
        if len(self.stretched):
            found = np.searchsorted(self.stretched, window)
            hit = self.stretched[np.minimum(found, len(self.stretched) - 1)] == window
            wanted[hit] = self.low[window[hit], None] + self.frame_step * self.stretch[found[hit]][:, positions]
        return wanted


@WINDOWS.register_module()
class OverlapWindows(LiftingWindows):
    """Overlapping windows that cover every frame; predictions of a frame are blended.

    Windows start every ``window_stride`` frames (default T // 2) and the last one ends with the sequence. Weights fall
    linearly from the centre of a window to its ends, so that predictions do not jump from one window to the next. Short
    sequences repeat their last frame, with no weight.
    """
    only_valid = True

    def __init__(self, num_frames: int = 243, frame_step: int = 1, window_stride: int | None = None,
                 mirror: bool = False):
        if window_stride is not None and window_stride > num_frames:
            raise ValueError(f'window_stride={window_stride} leaves out frames between windows of '
                             f'num_frames={num_frames}; take at most num_frames')
        super().__init__(num_frames, frame_step, window_stride or max(num_frames // 2, 1), mirror)
        rise = np.arange(1, num_frames + 1, dtype=np.float32)
        self.weights = np.minimum(rise, rise[::-1]) / ((num_frames + 1) // 2)

    def starts(self, frames):
        beyond = np.maximum(frames - self.num_frames, 0)
        sequence, k = enumerate_each(-(-beyond // self.window_stride) + 1)
        return sequence, np.minimum(k * self.window_stride, beyond[sequence])
