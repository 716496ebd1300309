"""Keep the predictions of a whole split in one file."""
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log

from ...files import atomic_write
from ...registry import METRICS
from ..benchmarks.lifting_benchmark import count_frames
from .sequence_metric import SequenceMetric


@METRICS.register_module()
class DumpPredictions(SequenceMetric):
    """Writes the predictions of all sequences to one ``.npz`` that needs no pickle.

    Arrays: ``pred (n,J,3)`` float32, metres, in world coordinates (lifting: camera axes, relative to the root; the mean
    where a frame was predicted more than once); ``frame_ids (n,)`` int64; ``uids (S,)`` and
    ``take_names (S,)`` text; ``offsets (S+1,)`` int64: sequence ``i`` is rows ``offsets[i]:offsets[i+1]``. If frames
    could not be read, ``skipped_uids (k,)`` and ``skipped_frame_ids (k,)`` name them.

    Args:
        out_file: path of the file; its folder is made if need be.
        prefix: see :class:`SequenceMetric`.
    """

    default_prefix = 'dump'

    def __init__(self, out_file: str, prefix: str | None = None):
        super().__init__(prefix)
        self.out_file = out_file

    def score(self, sequence, pred, gt, visible, frame_ids) -> dict:
        if 'slots' in sequence:
            pred, slots = count_frames(pred, frame_ids, torch.from_numpy(sequence['weights']), 'once')
            frame_ids = frame_ids[slots]
        return dict(uid=sequence['uid'], name=sequence['name'], pred=pred.float().numpy(), frame_ids=frame_ids.numpy())

    def compute_metrics(self, results: list[dict]) -> dict[str, int]:
        lengths = [len(r['frame_ids']) for r in results]
        skipped: dict[str, Any] = {}
        if self.skipped:
            sequences, frames = zip(*sorted(self.skipped))
            skipped = dict(skipped_uids=np.array([self.dataset_meta['sequences'][index]['uid'] for index in sequences]),
                           skipped_frame_ids=np.array(frames, np.int64))
        with atomic_write(self.out_file, 'wb') as file:
            np.savez(file, **skipped, pred=np.concatenate([r['pred'] for r in results]),
                     frame_ids=np.concatenate([r['frame_ids'] for r in results]), offsets=np.cumsum([0, *lengths]),
                     uids=np.array([r['uid'] for r in results]), take_names=np.array([r['name'] for r in results]))
        print_log(f'Wrote {sum(lengths)} poses of {len(results)} sequences to {self.out_file}', logger='current')
        return dict(takes=len(results), frames=sum(lengths))
