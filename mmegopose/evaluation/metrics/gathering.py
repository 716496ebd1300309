"""What metrics share over processes: one computes, every one hears the result or the error; what no one could read."""
import logging
from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

MAX_LISTED_FRAMES = 5


def gather_or_raise(part: Any, compute: Callable[[list], dict], prefix: str | None) -> dict:
    """Bring the parts of all processes together, compute in the main one, and give every process what came out.

    Args:
        part: what this process has.
        compute: result by name from the parts of all processes. What it raises is raised in every process, which would
            wait for an answer for ever.
        prefix: prefix of the names of the results.
    """
    parts = all_gather_object(part)
    outcome: list[Any] = [None]
    if is_main_process():
        try:
            outcome[0] = {f'{prefix}/{name}' if prefix else name: value for name, value in compute(parts).items()}
        except Exception as error:
            outcome[0] = error
    broadcast_object_list(outcome)
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


class SkippedFrames(set):
    """Frames ``(sequence, frame number)`` that could not be read, as the batches name them.

    Attributes:
        reported: how many the last report told, in the main process; it outlives :meth:`clear`.
    """
    reported = 0

    def note(self, sample: dict) -> Tensor | None:
        """Note the frames that a batched sample names in ``skipped``, pairs of the number of the sequence and of the
        frame. Returns which of its frames ``(B,T)`` these are, bool on the CPU; None: it names none."""
        skipped = {(int(sequence), int(frame)) for sequence, frame in sample.get('skipped', ())}
        if not skipped:
            return None
        self.update(skipped)
        frames, sequences = sample['frame_ids'].cpu(), sample['sequence'].tolist()
        mask = torch.zeros(frames.shape, dtype=torch.bool)
        for row, sequence in enumerate(sequences):
            mask[row] = torch.tensor([(sequence, frame) in skipped for frame in frames[row].tolist()])
        return mask

    def counted(self, sample: dict) -> Tensor:
        """Which frames ``(B,T)`` of a batched sample count, on the CPU: those of ``scored``, or all without it, that
        could be read. Those that could not are noted."""
        skipped = self.note(sample)
        scored = sample['scored'] if 'scored' in sample else torch.ones_like(sample['frame_ids'])
        return scored.cpu().bool() if skipped is None else scored.cpu().bool() & ~skipped

    def report(self, name: str, sequences: Iterable[dict] | None) -> None:
        """Log how many frames were skipped, and the first of them."""
        self.reported = len(self)
        if not self:
            return
        uids = [sequence['uid'] for sequence in sequences or ()]
        first = [f'{uids[sequence] if uids else sequence} frame {frame}'
                 for sequence, frame in sorted(self)[:MAX_LISTED_FRAMES]]
        more = ', ...' if len(self) > MAX_LISTED_FRAMES else ''
        print_log(f'{name}: {len(self)} frames could not be read and are left out: {", ".join(first)}{more}',
                  logger='current', level=logging.WARNING)


class GatheredMetric(BaseMetric):
    """Base of the metrics whose main process joins the results of all and computes. What could not be read is in
    ``skipped``.
    """

    def __init__(self, prefix: str | None = None):
        super().__init__(prefix=prefix)
        self.skipped = SkippedFrames()

    def evaluate(self, size: int) -> dict[str, Any]:
        """Bring the results of all processes together and compute. Every process gets what comes out, or the error."""
        # Not mmengine's collect_results, which would cut the results to ``size`` as if they were samples.
        part = self.results, set(self.skipped)
        try:
            return gather_or_raise(part, lambda parts: self.compute_metrics(self._join(parts)), self.prefix)
        finally:
            self.results.clear()
            self.skipped.clear()

    def _join(self, parts: list[tuple[list, set]]) -> Any:
        """The results of all processes; what they skipped is reported."""
        for _, skipped in parts:
            self.skipped.update(skipped)
        self.skipped.report(type(self).__name__, (self.dataset_meta or {}).get('sequences'))
        return [result for part, _ in parts for result in part]
