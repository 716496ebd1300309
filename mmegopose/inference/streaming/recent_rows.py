"""The last rows of a recording, and the window that a config makes of them."""
from typing import Any

import numpy as np
import torch

from ...datasets import SequenceStore, WindowDataset
from ...registry import WINDOWS
from ..loading import dataset_over

PROBE_ROWS = 4096


class RecentRows:
    """As many of the last rows as a window needs, in a store, read by the windows and transforms of a config.

    It takes as much memory and time for the millionth row as for the hundredth.

    Args:
        config: data set of the config.
        num_rows: rows to keep.
        info: facts of the store.
        windows: config of other windows than those of the data set.
        masks: fields that are left out where they are True everywhere, so that also models run that know of no mask.
        changes: arguments of the data set to change.
    """

    def __init__(self, config: dict, num_rows: int, info: dict, windows: dict | None = None, masks: tuple = (),
                 **changes):
        self.config, self.num_rows, self.info, self.changes = config, num_rows, info, changes
        self.masks = masks
        self.policy = WINDOWS.build(windows) if windows else None
        self.frames: dict[str, np.ndarray] = {}
        self.dataset: WindowDataset | None = None
        self.count = 0

    def __len__(self) -> int:
        """Rows that are there."""
        return self.count

    def clear(self) -> None:
        """Forget all rows; the next one begins a sequence."""
        self.count = 0

    def append(self, **row: Any) -> None:
        """Add a row, a value for each field.

        Raises ``ValueError`` for other fields than those of the rows before, or other shapes.
        """
        values = {name: np.asarray(value) for name, value in row.items()}
        if not self.frames:
            self.frames = {name: np.zeros((self.num_rows, *value.shape), value.dtype) for name, value in values.items()}
        shapes = {name: array.shape[1:] for name, array in self.frames.items()}
        if shapes != {name: value.shape for name, value in values.items()}:
            raise ValueError(f'each row should have the fields {shapes}, got '
                             f'{ {name: value.shape for name, value in values.items()} }')
        if self.count == self.num_rows:
            for array in self.frames.values():
                array[:-1] = array[1:]
        self.count = min(self.count + 1, self.num_rows)
        for name, value in values.items():
            self.frames[name][self.count - 1] = value

    @torch.inference_mode()
    def batch(self, row: int = -1) -> dict:
        """The window that predicts a row, as a batch of one."""
        frames = {name: array[:self.count] for name, array in self.frames.items()}
        frames = {name: array for name, array in frames.items() if not (name in self.masks and array.all())}
        store = SequenceStore([0, self.count], frames, [dict(uid='stream', name='stream')], info=self.info)
        dataset = self.dataset
        if dataset is None:
            dataset = self.dataset = dataset_over(store, self.config, **self.changes)
            store = dataset.store  # some data sets add facts
            self.info = store.info
        dataset.bind(store, self.policy)
        return dataset.__getitems__([range(len(dataset))[row]])


def rows_behind(windows: dict, fps: float) -> int:
    """Rows from the first one that the window of a frame reads to that frame.

    Args:
        windows: config of windows that end at the frame to predict.
        fps: of the store.

    Raises:
        ValueError: the windows predict another frame than their last one, or read from the begin of the recording.
    """
    store = SequenceStore([0, PROBE_ROWS], dict(frame=np.arange(PROBE_ROWS, dtype=np.int32)),
                          [dict(uid='probe', name='probe')], info=dict(fps=fps))
    policy = WINDOWS.build(windows).bind(store, True)
    last = np.array([len(policy) - 1])
    rows, predicted = policy.rows(last, None).rows[0], policy.predicted(last)[0][0]
    if predicted.tolist() != [PROBE_ROWS - 1] or rows.max() > PROBE_ROWS - 1:
        raise ValueError(f'{windows["type"]}: a stream needs windows that end at the frame they predict')
    if rows.min() == 0:
        raise ValueError(f'{windows["type"]} reads a recording from its begin, which a stream does not keep')
    return int(PROBE_ROWS - 1 - rows.min())
