"""Window policies of the lifting papers: which frames of a clip a sample reads, and which it answers for."""
import numpy as np


class LiftingWindows:
    """Windows of ``length`` frames over clips, listed clip by clip.

    Window w reads the frames ``first[w] + step * arange(length)`` of clip ``clip[w]``; frames outside
    ``low[w]..high[w]`` repeat the nearest one inside.

    With ``step > 1`` a clip is cut as ``step`` interleaved clips, so that each frame is still read.

    Args:
        lengths: frames of each clip ``(S,)``.
        length: frames in a window, T.
        train: windows for training, else for evaluation.
        step: frames of the clip from one frame of a window to the next.
        stride: frames of the (down-sampled) clip from one window to the next; ``None``: the policy's own.

    Attributes:
        clip: ``(W,)`` int64, ascending.
        positions: ``(P,)`` int64, the window positions that are predicted in evaluation.
        weights: ``(T,)`` float32 of the window positions, for averaging the predictions of a frame.
        skip_padded: repeated frames neither train nor count.
    """
    skip_padded = False

    def __init__(self, lengths, length: int, train: bool, step: int = 1, stride: int | None = None):
        for name, value in (('length', length), ('step', step), ('stride', stride)):
            if value is not None and value < 1:
                raise ValueError(f'{name}={value} should be at least 1')
        self.length, self.train, self.step, self.stride = length, train, step, stride
        self.positions = np.arange(length)
        self.weights = np.ones(length, np.float32)
        self._list(np.asarray(lengths, np.int64))

    def __len__(self) -> int:
        return len(self.clip)

    def rows(self, index, positions=slice(None)) -> np.ndarray:
        """Rows inside the clips ``(B,T)`` int64 of windows ``index (B,)``; ``positions`` picks some of the T."""
        return np.clip(self._wanted(index, positions), self.low[index, None], self.high[index, None])

    def valid(self, index, positions=slice(None)) -> np.ndarray:
        """``(B,T)`` bool; elsewhere the frame only repeats the first or the last one."""
        wanted = self._wanted(index, positions)
        return (wanted >= self.low[index, None]) & (wanted <= self.high[index, None])

    def slot_weights(self, index) -> np.ndarray:
        """``(B,P)`` float32: weights of the predicted positions of windows ``index (B,)``."""
        weights = np.tile(self.weights[self.positions], (len(index), 1))
        return np.where(self.valid(index, self.positions), weights, 0) if self.skip_padded else weights

    def _wanted(self, index, positions):
        return self.first[index, None] + self.step * np.arange(self.length)[positions]

    def _list(self, lengths) -> None:
        """Set ``clip, first, low, high``, all ``(W,)``."""
        clip, phase = np.divmod(np.arange(len(lengths) * self.step), self.step)
        frames = -((phase - lengths[clip]) // self.step)  # of each interleaved clip
        clip, phase, frames = (x[frames > 0] for x in (clip, phase, frames))
        part, start = self.starts(frames)
        self.clip, self.low = clip[part], phase[part]
        self.high = self.low + self.step * (frames[part] - 1)
        self.first = self.low + self.step * start

    def starts(self, frames):
        """``clip (W,), start (W,)`` for clips of ``frames (S,)`` frames each, at least 1."""
        raise NotImplementedError


def _enumerate(counts):
    """Repeat ``arange(S)`` by ``counts (S,)``, and count 0, 1, ... within each: two arrays ``(W,)``."""
    clip = np.repeat(np.arange(len(counts)), counts)
    return clip, np.arange(len(clip)) - (np.cumsum(counts) - counts)[clip]


class MixSTEWindows(LiftingWindows):
    """MixSTE (Zhang et al., CVPR 2022), official code.

    Training: windows that do not overlap, padded alike at both ends of the clip. Evaluation: windows from the first
    frame on, the last one ending with the clip; short clips repeat their last frame.
    """

    def __init__(self, lengths, length, train, step=1, stride=None):
        if step != 1:
            raise ValueError(f"step={step}: the protocol 'mixste' reads every frame; use 'overlap' or 'stcformer' to "
                             'skip frames')
        if stride not in (None, length):
            raise ValueError(f"stride={stride}: windows of the protocol 'mixste' do not overlap; use 'overlap'")
        super().__init__(lengths, length, train, step, stride)

    def starts(self, frames):
        T = self.length
        counts = -(-frames // T)
        clip, k = _enumerate(counts)
        if self.train:
            return clip, k * T - ((counts * T - frames) // 2)[clip]
        return clip, np.minimum(k * T, np.maximum(frames - T, 0)[clip])


class STCFormerWindows(LiftingWindows):
    """STCFormer (Tang et al., CVPR 2023), official code, where ``step`` is called ``tds``.

    Training: the clip is cut in chunks of ``stride`` frames (default 1) that stick out alike at both ends. The window
    of a chunk that ends before frame e is centred on frame e - 1 - (T - 1) / 2. Evaluation: one window per frame, which
    answers for its centre only.
    """

    def __init__(self, lengths, length, train, step=1, stride=None):
        if length % 2 == 0:
            raise ValueError(f"length={length}: the protocol 'stcformer' predicts the centre frame; take an odd length")
        if not train and stride not in (None, 1):
            raise ValueError(f"stride={stride}: the protocol 'stcformer' is evaluated with one window per frame")
        super().__init__(lengths, length, train, step, stride or 1)
        self.positions = np.array([length // 2])

    def _list(self, lengths):
        counts = -(-lengths // self.stride)
        self.clip, k = _enumerate(counts)
        if self.train:
            centre = (k + 1) * self.stride - ((counts * self.stride - lengths) // 2)[self.clip] - 1 - self.length // 2
        else:
            centre = k
        self.first = centre - self.length // 2 * self.step
        self.low, self.high = np.zeros_like(k), (lengths - 1)[self.clip]


class MotionBERTWindows(LiftingWindows):
    """MotionBERT (Zhu et al., ICCV 2023), official code, also used by MotionAGFormer.

    Windows start every ``stride`` frames (default: T // 3 in training, T in evaluation) as long as they fit: the rest
    of the clip is dropped. A clip shorter than T is stretched to T by repeating frames at random, from one stream with
    seed 0 (the official reader drops it if it is the very last clip).
    """

    def starts(self, frames):
        T = self.length
        stride = self.stride or (max(T // 3, 1) if self.train else T)
        clip, k = _enumerate(np.maximum(frames - T, 0) // stride + 1)
        self.stretched = np.flatnonzero(frames[clip] < T)
        even = np.linspace(0, frames[clip[self.stretched]], T, endpoint=False, axis=1).reshape(-1, T)
        low = np.random.RandomState(0).randint(2, size=even.shape).astype(bool)
        stretch = np.sort(np.where(low, np.floor(even), np.ceil(even)), axis=1)
        self.stretch = np.minimum(stretch, frames[clip[self.stretched], None] - 1).astype(np.int64)  # (K,T)
        return clip, k * stride

    def _wanted(self, index, positions):
        wanted = super()._wanted(index, positions)
        if len(self.stretched):
            found = np.searchsorted(self.stretched, index)
            hit = self.stretched[np.minimum(found, len(self.stretched) - 1)] == index
            wanted[hit] = self.low[index[hit], None] + self.step * self.stretch[found[hit]][:, positions]
        return wanted


class OverlapWindows(LiftingWindows):
    """Overlapping windows that cover every frame; predictions of a frame are blended.

    Windows start every ``stride`` frames (default T // 2) and the last one ends with the clip. Weights fall linearly
    from the centre of a window to its ends, so that predictions do not jump from one window to the next. Short clips
    repeat their last frame, with no weight.
    """
    skip_padded = True

    def __init__(self, lengths, length, train, step=1, stride=None):
        if stride is not None and stride > length:
            raise ValueError(f'stride={stride} leaves out frames between windows of length={length}; take at most '
                             'the length')
        super().__init__(lengths, length, train, step, stride or max(length // 2, 1))
        rise = np.arange(1, length + 1, dtype=np.float32)
        self.weights = np.minimum(rise, rise[::-1]) / ((length + 1) // 2)

    def starts(self, frames):
        beyond = np.maximum(frames - self.length, 0)
        clip, k = _enumerate(-(-beyond // self.stride) + 1)
        return clip, np.minimum(k * self.stride, beyond[clip])


POLICIES = dict(mixste=MixSTEWindows, stcformer=STCFormerWindows, motionbert=MotionBERTWindows, overlap=OverlapWindows)
