"""A signal in the middle of training."""
import multiprocessing
import os
import signal

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmegopose.registry import HOOKS


@HOOKS.register_module(force=True)
class FaultSignalHook(Hook):
    """Sends a signal after iteration 3: to the whole group as Ctrl-C does, to this process, or to one of its workers.

    Args:
        name: of the signal, or ``'worker'``: SIGKILL to a worker.
        rank: of the process that does it.
    """
    priority = 'LOWEST'

    def __init__(self, name, rank):
        self.name, self.rank = name, rank

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter != 3 or get_rank() != self.rank:
            return
        if self.name == 'worker':
            multiprocessing.active_children()[0].kill()
        elif self.name == 'SIGINT':
            os.killpg(os.getpgrp(), signal.SIGINT)
        else:
            os.kill(os.getpid(), getattr(signal, self.name))
