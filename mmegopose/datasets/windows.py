"""Window policies: which frames of a store a sample reads."""
from dataclasses import dataclass

import numpy as np

from ..registry import TRANSFORMS


@dataclass
class WindowIndex:
    """Frames of a batch of windows: ``frames (B,T)`` rows of the store, ``valid (B,T)``, ``time (B,T)`` seconds."""
    frames: np.ndarray
    valid: np.ndarray
    time: np.ndarray


@TRANSFORMS.register_module()
class StridedWindow:
    """``length`` frames, ``stride`` video frames apart, that end at the target frame.

    Frames before the start of the take repeat its first frame and are not valid. 20 frames at stride 3 (2 s at
    30 Hz) is the window of PCIE_EgoPose and of the Level-wise ViT.

    Args:
        length: frames in a window.
        stride: video frames between two frames of a window.
        tempo: range of random playing speeds; 1.25 reads frames 1.25 strides apart as if they were one stride apart.
    """

    def __init__(self, length: int = 20, stride: int = 3, tempo: tuple = (1.0, 1.0)):
        self.length, self.stride, self.tempo = length, stride, tempo

    def __call__(self, store, ends: np.ndarray, starts: np.ndarray, fps: float, random) -> WindowIndex:
        """``ends (B,)`` target rows, ``starts (B,)`` first rows of their takes."""
        back = self.stride * np.arange(self.length - 1, -1, -1)  # (T,)
        speed = random.uniform(1, low=self.tempo[0], high=self.tempo[1]).numpy()  # (B, 1)
        wanted = ends[:, None] - np.rint(back * speed).astype(np.int64)  # (B, T)
        frames = np.maximum(wanted, starts[:, None])
        number = store.frames['frame'][frames].astype(np.int64)
        return WindowIndex(frames, wanted == frames, (number - number[:, -1:]) / fps / speed)


@TRANSFORMS.register_module()
class AnnotatedWindow:
    """``length`` consecutive labelled frames, whatever time lies between them: the official baseline's window."""

    def __init__(self, length: int = 20):
        self.length = length

    def __call__(self, store, ends: np.ndarray, starts: np.ndarray, fps: float, random) -> WindowIndex:
        labelled = self._labelled(store)
        last = np.searchsorted(labelled, ends, side='right') - 1
        first = np.searchsorted(labelled, starts)
        wanted = last[:, None] - np.arange(self.length - 1, -1, -1)  # (B, T) rows of ``labelled``
        clipped = np.maximum(wanted, first[:, None])
        frames = labelled[clipped]
        number = store.frames['frame'][frames].astype(np.int64)
        return WindowIndex(frames, wanted == clipped, (number - number[:, -1:]) / fps)

    def _labelled(self, store):
        if getattr(self, '_cached', (None,))[0] is not store:
            self._cached = (store, np.flatnonzero(store.frames['label'] >= 0))
        return self._cached[1]
