"""What every window policy answers."""
import copy
from dataclasses import dataclass

import numpy as np

from ..random import KeyedRandom
from ..store import SequenceStore


@dataclass
class WindowRows:
    """Frames of a batch of windows.

    Attributes:
        rows: ``(B,T)`` int64 rows of the store.
        valid: ``(B,T)`` bool; False where the sequence has no such frame and the row repeats another one.
        time: ``(B,T)`` float64 seconds, 0 at the last frame; None if the policy does not tell.
        mirrored: ``(B,)`` bool, windows that are to be read mirrored; None: no window is.
        trained: ``(B,T)`` bool, frames that count in training; None: all.
        frame_ids: ``(B,T)`` int64 frame numbers; None: those that the store tells.
    """
    rows: np.ndarray
    valid: np.ndarray
    time: np.ndarray | None = None
    mirrored: np.ndarray | None = None
    trained: np.ndarray | None = None
    frame_ids: np.ndarray | None = None


class Windows:
    """A policy: which frames of a store a sample reads, and for which of them it answers.

    A policy is made from a config and then bound to a store; only then it has windows. To add one, derive from this
    class, register it in ``WINDOWS``, and define :meth:`list` and :meth:`rows`.

    Attributes:
        num_frames: frames in a window, T.
        sequence: ``(W,)`` int64, the sequence of each window; ascending, unless an official list has another order.
        positions: ``(P,)`` int64, the positions in a window that are scored.
        numbered: a frame may be predicted more than once, so that the predictions of a test are numbered (``slots``).
    """
    num_frames: int
    sequence: np.ndarray
    positions: np.ndarray
    numbered = False

    def bind(self, store: SequenceStore, test_mode: bool) -> 'Windows':
        """A copy of this policy that lists the windows of ``store``, for training or for evaluation.

        Raises ``ValueError`` if there is none.
        """
        bound = copy.copy(self)
        bound.store, bound.test_mode = store, test_mode
        bound.list()
        if not len(bound.sequence):
            raise ValueError(f'{store.title} has no window of num_frames={self.num_frames} with a visible frame')
        return bound

    def __len__(self) -> int:
        return len(self.sequence)

    def list(self) -> None:
        """Set ``sequence`` and ``positions`` for ``self.store`` and ``self.test_mode``."""
        raise NotImplementedError

    def rows(self, index: np.ndarray, random: KeyedRandom | None) -> WindowRows:
        """Frames of the windows ``index (B,)``. ``random`` is None where nothing may be random."""
        raise NotImplementedError

    def predicted(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the scored positions of windows ``index (B,)``, and whether they are valid, both ``(B,P)``."""
        window = self.rows(index, None)
        return window.rows[:, self.positions], window.valid[:, self.positions]

    def slot_weights(self, index: np.ndarray) -> np.ndarray:
        """Weight of each numbered prediction of windows ``index (B,)``, ``(B,P)`` float32."""
        return np.ones((len(index), len(self.positions)), np.float32)


def check_counts(**counts) -> None:
    """Raise ``ValueError`` for the first of the arguments that is below 1; None is not checked."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ValueError(f'{name}={value} should be at least 1')


def enumerate_each(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeat ``arange(S)`` by ``counts (S,)``, and count 0, 1, ... within each: two arrays ``(W,)``."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - (np.cumsum(counts) - counts)[group]
