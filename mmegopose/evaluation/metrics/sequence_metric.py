"""Base of the metrics that see whole takes."""
from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from torch import Tensor


def to_world(T_world_target: Tensor, points: Tensor) -> Tensor:
    """Points ``(...,J,3)`` of the target frame in world coordinates; transforms are ``(...,4,4)``."""
    # Sums of products, not a matrix product, whose last bits depend on how many frames share the batch.
    R, t = T_world_target[..., None, :3, :3], T_world_target[..., None, :3, 3]
    x, y, z = points[..., None].unbind(-2)                                   # (...,J,1) each
    return R[..., 0] * x + R[..., 1] * y + R[..., 2] * z + t


class SequenceBuffer:
    """The scored frames of one take that have arrived so far, in world coordinates."""

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
        """Add the frames that another process has of this take."""
        rows = np.flatnonzero(other.arrived)
        self.put(rows, other.pred[rows], other.gt[rows], other.visible[rows])


class SequenceMetric(BaseMetric):
    """Collects the frames of each take and scores the take once it is complete.

    Frames may arrive in any order, in any window and in any process: the result is the same to the last bit. With
    batches that do not cross takes (``SequenceBatchSampler``) memory is that of one take.

    The metric reads the fields of ``PoseDataSample`` (``joints, visible, T_world_target, frame_ids, take, scored,
    pred_joints``) and ``dataset_meta['sequences']``, which lists all frames to be scored. Samples without
    ``T_world_target`` are scored in the target frame. Subclasses define :meth:`score` and
    ``compute_metrics(results)``, which gets the results of all takes, sorted by uid.

    A frame is predicted once, unless the sequences have ``slots``: then these, a field of the samples too, tell the
    predictions of a take apart.

    Args:
        prefix: prefix of the names of the results; ``default_prefix`` without it.
    """

    def __init__(self, prefix: str | None = None):
        super().__init__(prefix=prefix)
        self.buffers: dict[int, SequenceBuffer] = {}
        self.finished: set[int] = set()

    @abstractmethod
    def score(self, sequence: dict, pred: Tensor, gt: Tensor, visible: Tensor, frame_ids: Tensor) -> Any:
        """Result of one complete take, small enough to be kept and sent between processes.

        Args:
            sequence: entry of ``dataset_meta['sequences']``.
            pred: ``(n,J,3)`` float64, world coordinates, metres.
            gt: ``(n,J,3)`` float64.
            visible: ``(n,J)`` bool.
            frame_ids: ``(n,)`` int64, ascending; where there are slots, in their order.
        """

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        """Take in the scored frames of batched samples.

        Raises:
            ValueError: a scored frame is not among the frames of its take.
        """
        for sample in data_samples:
            scored = sample['scored'].cpu()                                  # (B,T)
            takes = sample['sequence'].cpu()[:, None].expand_as(scored)[scored].numpy()
            visible, ids, pred, gt = (sample[key].detach().cpu()[scored]
                                      for key in ('visible', self.id_field, 'pred_joints', 'joints'))
            pred, gt = pred.double(), gt.double()
            if 'T_world_target' in sample:
                T_world_target = sample['T_world_target'].detach().cpu()[scored].double()
                pred, gt = to_world(T_world_target, pred), to_world(T_world_target, gt)
            pred, gt, visible, ids = pred.numpy(), gt.numpy(), visible.numpy(), ids.numpy()
            for take in np.unique(takes).tolist():
                own = takes == take
                self._put(take, ids[own], pred[own], gt[own], visible[own])

    def _put(self, take: int, ids, pred, gt, visible):
        if take in self.finished:
            return
        sequence = self._sequences[take]
        known = sequence[self.id_field]
        rows = np.searchsorted(known, ids).clip(max=len(known) - 1)
        if (known[rows] != ids).any():
            strange = ids[known[rows] != ids]
            raise ValueError(f'{len(strange)} scored frames of take {sequence["name"]} ({sequence["uid"]}) are not in '
                             f'its {self.id_field}: {strange[:5].tolist()}. Mark with `scored` only frames of the '
                             'sequence')
        if take not in self.buffers:
            self.buffers[take] = SequenceBuffer(len(known), pred.shape[1])
        buffer = self.buffers[take]
        buffer.put(rows, pred, gt, visible)
        if buffer.arrived.all():
            self.results.append(self._close(take, self.buffers.pop(take)))
            self.finished.add(take)

    def _close(self, take: int, buffer: SequenceBuffer) -> tuple[int, Any]:
        sequence = self._sequences[take]
        return take, self.score(sequence, torch.from_numpy(buffer.pred), torch.from_numpy(buffer.gt),
                                torch.from_numpy(buffer.visible), torch.from_numpy(np.asarray(sequence['frame_ids'])))

    @property
    def id_field(self) -> str:
        """Field that tells the predictions of a take apart."""
        return 'slots' if 'slots' in self._sequences[0] else 'frame_ids'

    @property
    def _sequences(self) -> list[dict]:
        if 'sequences' not in (self.dataset_meta or {}):
            raise KeyError(f"{type(self).__name__} needs dataset_meta['sequences'], the frames to be scored of each "
                           'take: evaluate on a data set with test_mode=True')
        return self.dataset_meta['sequences']

    def evaluate(self, size: int) -> dict:
        """Bring the takes of all processes together and compute the results. Every process gets them.

        Raises:
            ValueError: frames were never predicted; names the takes. What ``compute_metrics`` raises in the main
                process is raised in all.
        """
        gathered = all_gather_object((self.results, self.buffers))
        outcome = [None]
        if is_main_process():
            try:
                metrics = self.compute_metrics(self._join(gathered))
                outcome[0] = {f'{self.prefix}/{key}' if self.prefix else key: value for key, value in metrics.items()}
            except Exception as error:  # the other processes wait for an answer
                outcome[0] = error
        broadcast_object_list(outcome)
        self.results.clear()
        self.buffers.clear()
        self.finished.clear()
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _join(self, gathered: list[tuple[list, dict]]) -> list:
        """Results of all takes, sorted by uid, from the results and unfinished buffers of each process."""
        results, buffers = {}, {}
        for finished, _ in gathered:
            for take, result in finished:
                results.setdefault(take, result)
        for _, unfinished in gathered:
            for take, buffer in unfinished.items():
                if take in buffers:
                    buffers[take].merge(buffer)
                elif take not in results:
                    buffers[take] = buffer
        results.update(self._close(take, buffer) for take, buffer in buffers.items() if buffer.arrived.all())
        self._check_complete(results, buffers)
        return [results[take] for take in sorted(results, key=lambda take: self._sequences[take]['uid'])]

    def _check_complete(self, results: dict, buffers: dict):
        lacking = []
        for take, sequence in enumerate(self._sequences):
            total = len(sequence[self.id_field])
            if total and take not in results:
                count = total - buffers[take].arrived.sum() if take in buffers else total
                lacking.append(f'{sequence["name"]} ({sequence["uid"]}): {count} of {total}')
        if lacking:
            more = f' and {len(lacking) - 5} more' if len(lacking) > 5 else ''
            raise ValueError(f'frames without a prediction in {len(lacking)} of {len(self._sequences)} takes: '
                             f'{"; ".join(lacking[:5])}{more}. Evaluate the whole split: use the SequenceBatchSampler, '
                             'and no drop_last or limit on the number of batches')
