"""Base of the metrics that see whole sequences."""
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from .gathering import SkippedFrames, gather_or_raise

PER_PREDICTION = ('frame_ids', 'slots', 'weights', 'activity', 'scale')
"""Entries of ``dataset_meta['sequences']`` with one row per prediction."""


def to_world(T_world_target: Tensor, points: Tensor) -> Tensor:
    """Points ``(...,J,3)`` of the target frame in world coordinates; transforms are ``(...,4,4)``."""
    # Sums of products, not a matrix product, whose last bits depend on how many frames share the batch.
    R, t = T_world_target[..., None, :3, :3], T_world_target[..., None, :3, 3]
    x, y, z = points[..., None].unbind(-2)                                   # (...,J,1) each
    return R[..., 0] * x + R[..., 1] * y + R[..., 2] * z + t


class SequenceBuffer:
    """The scored frames of one sequence that have arrived so far, in world coordinates."""

    def __init__(self, num_frames: int, num_joints: int):
        shape = num_frames, num_joints
        self.pred, self.gt = np.zeros((*shape, 3)), np.zeros((*shape, 3))
        self.visible = np.zeros(shape, dtype=bool)
        self.arrived = np.zeros(shape[0], dtype=bool)

    def put(self, rows, pred, gt, visible):
        """Store frames in ``rows``. A frame that is here already is ignored: samplers pad by repetition."""
        fresh = ~self.arrived[rows]
        rows = rows[fresh]
        self.pred[rows], self.gt[rows], self.visible[rows] = pred[fresh], gt[fresh], visible[fresh]
        self.arrived[rows] = True

    def merge(self, other: 'SequenceBuffer'):
        """Add the frames that another process has of this sequence."""
        rows = np.flatnonzero(other.arrived)
        self.put(rows, other.pred[rows], other.gt[rows], other.visible[rows])


class SequenceMetric(BaseMetric):
    """Collects the frames of each sequence and scores the sequence once it is complete.

    Frames may arrive in any order, in any window and in any process: the result is the same to the last bit. With
    batches that do not cross sequences (``SequenceBatchSampler``) memory is that of one sequence.

    The metric reads the fields of ``PoseDataSample`` (``joints, visible, T_world_target, frame_ids, sequence, scored,
    pred_joints``) and ``dataset_meta['sequences']``, which lists all frames to be scored. Samples without
    ``T_world_target`` are scored in the target frame. Frames that a sample names in ``skipped``, because they could not
    be read, are not expected; they are counted and reported. Subclasses define :meth:`score` and
    ``compute_metrics(results)``, which gets the results of all sequences, sorted by uid.

    A frame is predicted once, unless the sequences have ``slots``: then these, a field of the samples too, tell the
    predictions of a sequence apart.

    Attributes:
        visualization_hook: type of the hook that draws the predictions; None: they cannot be drawn.
        greater: parts of the names of results that are better when they are greater; all others are errors.
        baselines: function that scores simple rules on the same data, see :mod:`mmegopose.evaluation.baselines`; None:
            none are known.

    Args:
        prefix: prefix of the names of the results; ``default_prefix`` without it.
    """

    visualization_hook: ClassVar[str | None] = 'PoseVisualizationHook'
    greater: ClassVar[tuple[str, ...]] = ()
    baselines: ClassVar[Callable | None] = None

    def __init__(self, prefix: str | None = None):
        super().__init__(prefix=prefix)
        self.buffers: dict[int, SequenceBuffer] = {}
        self.finished: set[int] = set()
        self.skipped = SkippedFrames()

    @abstractmethod
    def score(self, sequence: dict, pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor) -> Any:
        """Result of one complete sequence, small enough to be kept and sent between processes.

        Args:
            sequence: entry of ``dataset_meta['sequences']``.
            pred: ``(n,J,3)`` float64, world coordinates, metres.
            gt: ``(n,J,3)`` float64.
            visible: ``(n,J)`` bool.
            frame_ids: ``(n,)`` int64, ascending; where there are slots, in their order.
        """

    def table_columns(self) -> dict[str, str]:
        """Names of results by the heading, with unit, of a column in a table that compares models; may be empty.

        Called when ``dataset_meta`` is known.
        """
        return {}

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        """Take in the scored frames of batched samples; a sample may have none.

        Raises:
            ValueError: a scored frame is not among the frames of its sequence, or the model has other joints.
        """
        for sample in data_samples:
            scored = self.skipped.counted(sample)  # (B,T)
            if not scored.any():
                continue
            sequences = sample['sequence'].cpu()[:, None].expand_as(scored)[scored].numpy()
            visible, ids, pred, gt = (sample[key].detach().cpu()[scored]
                                      for key in ('visible', self.id_field, 'pred_joints', 'joints'))
            if pred.shape != gt.shape:
                raise ValueError(f'{type(self).__name__} compares {pred.shape[1]} joints of the model with '
                                 f'{gt.shape[1]} of the data: num_joints of the head should be that of the data')
            pred, gt = pred.double(), gt.double()
            if 'T_world_target' in sample:
                T_world_target = sample['T_world_target'].detach().cpu()[scored].double()
                pred, gt = to_world(T_world_target, pred), to_world(T_world_target, gt)
            pred, gt, visible, ids = pred.numpy(), gt.numpy(), visible.numpy(), ids.numpy()
            for sequence in np.unique(sequences).tolist():
                own = sequences == sequence
                self._put(sequence, ids[own], pred[own], gt[own], visible[own])

    def _put(self, index: int, ids, pred, gt, visible):
        if index in self.finished:
            return
        sequence = self._sequences[index]
        known = sequence[self.id_field]
        rows = np.searchsorted(known, ids).clip(max=len(known) - 1)
        if (known[rows] != ids).any():
            strange = ids[known[rows] != ids]
            raise ValueError(f'{len(strange)} scored frames of sequence {sequence["name"]} ({sequence["uid"]}) are not '
                             f'in its {self.id_field}: {strange[:5].tolist()}. Mark with `scored` only frames of the '
                             'sequence')
        if index not in self.buffers:
            self.buffers[index] = SequenceBuffer(len(known), pred.shape[1])
        buffer = self.buffers[index]
        buffer.put(rows, pred, gt, visible)
        if buffer.arrived.all():
            self.results.append((index, self._close(index, self.buffers.pop(index))))
            self.finished.add(index)

    def _close(self, index: int, buffer: SequenceBuffer) -> Any:
        """Result of a sequence from all that arrived of it."""
        sequence, rows = self._sequences[index], slice(None)
        if not buffer.arrived.all():
            rows = np.flatnonzero(buffer.arrived)
            sequence = sequence | {key: np.asarray(sequence[key])[rows] for key in PER_PREDICTION if key in sequence}
        return self.score(sequence, torch.from_numpy(buffer.pred[rows]), torch.from_numpy(buffer.gt[rows]),
                          torch.from_numpy(buffer.visible[rows]), torch.from_numpy(np.asarray(sequence['frame_ids'])))

    @property
    def id_field(self) -> str:
        """Field that tells the predictions of a sequence apart."""
        return 'slots' if 'slots' in self._sequences[0] else 'frame_ids'

    @property
    def _sequences(self) -> list[dict]:
        if 'sequences' not in (self.dataset_meta or {}):
            raise KeyError(f"{type(self).__name__} needs dataset_meta['sequences'], the frames to be scored of each "
                           'sequence: evaluate on a data set with test_mode=True')
        return self.dataset_meta['sequences']

    def evaluate(self, size: int) -> dict:
        """Bring the sequences of all processes together and compute the results. Every process gets them.

        Raises:
            ValueError: frames were never predicted; names the sequences. What ``compute_metrics`` raises in the main
                process is raised in all.
        """
        part = self.results, self.buffers, set(self.skipped)
        try:
            return gather_or_raise(part, lambda parts: self.compute_metrics(self._join(parts)), self.prefix)
        finally:
            self.results.clear()
            self.buffers.clear()
            self.finished.clear()
            self.skipped.clear()

    def _join(self, parts: list[tuple[list, dict, set]]) -> list:
        """Results of all sequences, sorted by uid, from the results and unfinished buffers of each process."""
        results, buffers = {}, {}
        for finished, _, _ in parts:
            for index, result in finished:
                results.setdefault(index, result)
        for _, unfinished, skipped in parts:
            self.skipped |= skipped
            for index, buffer in unfinished.items():
                if index in buffers:
                    buffers[index].merge(buffer)
                elif index not in results:
                    buffers[index] = buffer
        if lacking := self._lacking(results, buffers):
            more = f' and {len(lacking) - 5} more' if len(lacking) > 5 else ''
            raise ValueError(f'frames without a prediction in {len(lacking)} of {len(self._sequences)} sequences: '
                             f'{"; ".join(lacking[:5])}{more}. Evaluate the whole split: use the SequenceBatchSampler, '
                             'and no drop_last or limit on the number of batches')
        self.skipped.report(type(self).__name__, self._sequences)
        results.update((index, self._close(index, buffer)) for index, buffer in buffers.items())
        if self.skipped and not results:
            raise ValueError(f'{type(self).__name__} has nothing to score: none of the frames could be read')
        return [results[index] for index in sorted(results, key=lambda index: self._sequences[index]['uid'])]

    def _lacking(self, results: dict, buffers: dict) -> list[str]:
        """What was expected of each sequence and neither arrived nor was skipped."""
        lacking = []
        for index, sequence in enumerate(self._sequences):
            if index in results:
                continue
            missing = ~buffers[index].arrived if index in buffers else np.ones(len(sequence['frame_ids']), bool)
            skipped = [frame for number, frame in self.skipped if number == index]
            count = int((missing & ~np.isin(sequence['frame_ids'], skipped)).sum())
            if count:
                lacking.append(f'{sequence["name"]} ({sequence["uid"]}): {count} of {len(missing)}')
        return lacking
