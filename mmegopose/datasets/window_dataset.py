"""The data set: keys in, one whole batch out."""
from functools import cached_property

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from torch.utils.data import Dataset

from ..registry import DATASETS, READERS, TRANSFORMS, WINDOWS
from .random import KeyedRandom
from .store import SequenceStore
from .windows import Windows

PUBLISHED = ('dataset_name', 'skeleton', 'split', 'protocol')
"""Facts of a store that checkpoints and metrics get."""


@DATASETS.register_module()
class WindowDataset(Dataset):
    """Windows of a store, read by a pipeline: the class of every data set here.

    ``files -> reader -> SequenceStore -> windows -> rows (B,T) -> transforms -> dict(inputs, data_samples)``. A data
    set of your own is a reader, a function that returns a :class:`SequenceStore`::

        @READERS.register_module()
        def my_headsets(data_root, split):
            return SequenceStore(
                offsets, dict(head_pose=..., label=...), sequences, tables=dict(joints=..., visible=...),
                info=dict(dataset_name='mine', split=split, skeleton='coco17', camera_axes='opencv', fps=30.0))

        dataset = dict(type='WindowDataset', store=dict(type='my_headsets', data_root='...', split='train'),
                       windows=dict(type='StridedWindows', num_frames=20, frame_step=3),
                       pipeline=[dict(type='ReadHeadPose'), dict(type='TargetFrame'), dict(type='HeadPoseFeatures'),
                                 dict(type='PackInputs')])

    The transforms get a dict of the batch, change it and pass it on; the last one packs it. It begins with

    ======================= =======================================================================================
    ``store``               the store
    ``rows (B,T)``          rows of the store, numpy int64
    ``valid (B,T)``         bool; False where the sequence has no such frame, and a row stands for it that repeats
                            another. A transform that cannot read a frame sets False, too
    ``exists (B,T)``        bool; as ``valid`` was at first
    ``time (B,T)``          seconds, 0 at the last frame (only if the windows tell)
    ``index (B,)``          number of the window in this data set
    ``sequence (B,)``       number of the sequence
    ``frame_ids (B,T)``     numbers of the frames in their sequence
    ``scored (B,T)``        bool, frames that count
    ``slots (B,T)``         number of the prediction among those of its sequence, -1: not scored (only of windows that
                            predict a frame more than once)
    ``mirrored (B,)``       bool, windows to be read mirrored (only if the windows list any)
    ``trained (B,T)``       bool, frames that count in training (only if not all do)
    ``random``              :class:`KeyedRandom` of the keys
    ``test_mode``           bool
    the facts of the store  ``skeleton``, ``fps``, ``camera_axes``, ...
    ======================= =======================================================================================

    Args:
        store: a store, or the config of a reader.
        windows: config of a policy registered in ``WINDOWS``, e.g. ``dict(type='StridedWindows', num_frames=20)``.
        pipeline: configs of transforms of a whole batch; one with a method ``bind(store)`` can check the store and
            prepare for it.
        test_mode: windows for evaluation, and ``metainfo['sequences']`` for the metrics.
        seed: seed of everything random.

    Raises:
        ValueError: no window, or a store that a transform cannot use.
    """

    def __init__(self, store: SequenceStore | dict, windows: dict | Windows, pipeline: list, *,
                 test_mode: bool = False, seed: int = 0):
        self.store = READERS.build(store) if isinstance(store, dict) else store
        self.test_mode, self.seed = test_mode, seed
        self.pipeline = Compose([TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline])
        self.windows = WINDOWS.build(windows) if isinstance(windows, dict) else windows
        self.bind(self.store)
        self._log_summary()

    def bind(self, store: SequenceStore, windows: Windows | None = None) -> None:
        """Read another store: the transforms check it and prepare for it, and its windows are listed.

        Args:
            store: with the fields and facts of the first one.
            windows: another policy; default: the same one.

        Raises:
            ValueError: see above.
        """
        for step in self.pipeline.transforms:
            if hasattr(step, 'bind'):
                step.bind(store)
        self.store, self.windows = store, (self.windows if windows is None else windows).bind(store, self.test_mode)
        for name in ('sequence_bounds', 'metainfo'):  # are those of the store before
            self.__dict__.pop(name, None)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def skeleton(self) -> str:
        """Name of the skeleton of the labels."""
        return self.store.info['skeleton']

    @cached_property
    def sequence_bounds(self) -> np.ndarray:
        """``(S+1,)``: windows of sequence s are ``bounds[s]:bounds[s+1]``.

        Raises ``ValueError`` if the windows are listed in another order.
        """
        if (np.diff(self.windows.sequence) < 0).any():
            raise ValueError(f'the windows of {self.store.title} are not in the order of its sequences; use a '
                             'DefaultSampler')
        return np.searchsorted(self.windows.sequence, np.arange(len(self.store) + 1))

    @cached_property
    def metainfo(self) -> dict:
        """Plain facts for checkpoints; in test mode also ``sequences``, what is to be predicted of each.

        These have the entries of ``store.sequences`` and ``frame_ids (n,)``, the frames to score. Where a frame may be
        predicted more than once, entry i is one prediction: of frame ``frame_ids[i]``, with the number ``slots[i]`` and
        the weight ``weights[i]``.
        """
        info = {key: self.store.info[key] for key in PUBLISHED if key in self.store.info}
        if self.test_mode:
            index = np.argsort(self.windows.sequence, kind='stable')
            sequence = self.windows.sequence[index]
            rows, valid = self.windows.predicted(index)  # (W,P)
            ids = self.store.frame_ids(rows, sequence[:, None])
            weights = self.windows.slot_weights(index) if self.windows.numbered else None
            bounds = np.searchsorted(sequence, np.arange(len(self.store) + 1))
            info['sequences'] = [self._expected(s, slice(*bounds[s:s + 2]), rows, valid, ids, weights)
                                 for s in range(len(self.store))]
        return info

    def _expected(self, sequence: int, own: slice, rows, valid, frame_ids, weights) -> dict:
        """What is to be predicted of a sequence, whose windows are ``own``."""
        if weights is None:
            return dict(self.store.sequences[sequence], frame_ids=np.sort(frame_ids[own][valid[own]]))
        frame_ids = frame_ids[own].ravel()
        info = dict(self.store.sequences[sequence], frame_ids=frame_ids, slots=np.arange(len(frame_ids)),
                    weights=weights[own].ravel())
        own_rows = rows[own].ravel()
        return info | {name: self.store.frames[name][own_rows] for name in ('activity', 'scale')
                       if name in self.store.frames}

    def __getitem__(self, key: int) -> dict:
        return self.__getitems__([key])

    def __getitems__(self, keys) -> dict:
        """A batch of windows; ``key = epoch * len(self) + index`` (the epoch only varies what is random)."""
        keys = np.asarray(keys, np.int64)
        index, random = keys % len(self), KeyedRandom(keys, self.seed)
        sequence = self.windows.sequence[index]
        window = self.windows.rows(index, random)
        frame_ids = window.frame_ids
        if frame_ids is None:
            frame_ids = self.store.frame_ids(window.rows, sequence[:, None])
        scored = np.zeros(window.rows.shape, bool)
        scored[:, self.windows.positions] = True
        batch = dict(
            self.store.info, store=self.store, rows=window.rows, valid=torch.from_numpy(window.valid),
            exists=torch.from_numpy(window.valid.copy()), index=torch.from_numpy(index),
            sequence=torch.from_numpy(sequence), frame_ids=torch.from_numpy(frame_ids),
            scored=torch.from_numpy(scored), random=random, test_mode=self.test_mode)
        if self.windows.numbered:
            batch['slots'] = self._slots(index, sequence, window.rows.shape)
        batch |= {name: torch.from_numpy(values) for name in ('time', 'mirrored', 'trained')
                  if (values := getattr(window, name)) is not None}
        return self.pipeline(batch)

    def _slots(self, index: np.ndarray, sequence: np.ndarray, shape: tuple) -> torch.Tensor:
        """``(B,T)`` numbers of the predictions among those of their sequence; -1 in training."""
        slots, positions = np.full(shape, -1), self.windows.positions
        if self.test_mode:
            first = (index - self.sequence_bounds[sequence]) * len(positions)
            slots[:, positions] = first[:, None] + np.arange(len(positions))
        return torch.from_numpy(slots)

    def _log_summary(self) -> None:
        if not (self.store.report or 'root' in self.store.info):  # made in memory
            return
        logger = MMLogger.get_current_instance()
        logger.info(f'{self.store.title}: {len(self.store)} sequences, {len(self)} windows from '
                    f'{self.store.info.get("root", "memory")}')
        for reason, count in self.store.report.items():
            logger.info(f'  {count} {reason}')
