"""The way of a batch from a worker process to the training loop."""
import torch
from torch.utils.data import get_worker_info

from ..registry import FUNCTIONS
from ..structures import PoseDataSample

MAX_INLINE_BYTES = 2 ** 22  # larger tensors are cheaper in shared memory than inside the message


class WorkerBatch(dict):
    """A batch on its way out of a worker process; it arrives as a plain dict.

    Small tensors travel as arrays inside the message: one shared-memory file for each costs more than the batch.
    """

    def __reduce__(self):
        sample = self['data_samples']
        fields = {key: _to_message(value) for key, value in sample.items()}
        return _from_message, ({key: _to_message(value) for key, value in self['inputs'].items()}, fields,
                               dict(sample.metainfo_items()))


def _to_message(tensor: torch.Tensor):
    return tensor.numpy() if tensor.nbytes < MAX_INLINE_BYTES else tensor


def _from_message(inputs: dict, fields: dict, facts: dict) -> dict:
    def tensors(values):
        return {key: torch.as_tensor(value) for key, value in values.items()}

    sample = PoseDataSample(metainfo=facts)
    sample.set_data(tensors(fields))
    return dict(inputs=tensors(inputs), data_samples=sample)


@FUNCTIONS.register_module()
def batch_collate(batch: dict) -> dict:
    """``WindowDataset.__getitems__`` has built the batch already."""
    return batch if get_worker_info() is None else WorkerBatch(batch)
