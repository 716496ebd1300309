"""A signal in the middle of training."""
import os
import signal

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from torch.utils.data import get_worker_info

from mmegopose.registry import DATASETS, HOOKS

from .engine_toy import EngineToyDataset


@DATASETS.register_module(force=True)
class FaultDyingDataset(EngineToyDataset):
    """Its worker 0 is killed while it loads its sixth batch, as by a full memory; then it holds no lock of torch."""

    def __getitems__(self, keys):
        worker = get_worker_info()
        if worker is not None and worker.id == 0 and self.loaded == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitems__(keys)


@HOOKS.register_module(force=True)
class FaultSignalHook(Hook):
    """Sends a signal after iteration 3: to the whole group as Ctrl-C does, or to this process.

    Args:
        name: of the signal, or ``''``: none.
        rank: of the process that does it.
    """
    priority = 'LOWEST'

    def __init__(self, name, rank):
        self.name, self.rank = name, rank

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter != 3 or get_rank() != self.rank or not self.name:
            return
        if self.name == 'SIGINT':
            os.killpg(os.getpgrp(), signal.SIGINT)
        else:
            os.kill(os.getpid(), getattr(signal, self.name))
