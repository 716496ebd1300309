"""Training by iterations."""
from mmengine.runner import IterBasedTrainLoop as _IterBasedTrainLoop

from ..registry import LOOPS
from .hooks import kept_random_state


class EndlessBatches:
    """Iterator over a dataloader that starts again when it ends.

    It leaves the random generators of training alone, and moves a sampler that can ``skip`` at once to where a
    resumed run goes on.
    """

    def __init__(self, dataloader):
        self.dataloader, self.iterator, self.epoch = dataloader, None, 0

    @property
    def sampler(self):
        return getattr(self.dataloader.batch_sampler, 'sampler', self.dataloader.sampler)

    def _start(self):
        with kept_random_state():  # a dataloader draws the seed of its workers from the global generator
            self.iterator = iter(self.dataloader)

    def skip(self, num_batches: int) -> None:
        """Leave out the first ``num_batches`` batches; call it before the first ``next``."""
        if hasattr(self.sampler, 'skip'):
            self.sampler.skip(num_batches * self.dataloader.batch_sampler.batch_size)
        else:
            with kept_random_state():
                for _ in range(num_batches):
                    next(self)

    def __iter__(self):
        return self

    def __next__(self):
        if self.iterator is None:
            self._start()
        try:
            return next(self.iterator)
        except StopIteration:
            self.epoch += 1
            if hasattr(self.sampler, 'set_epoch'):
                self.sampler.set_epoch(self.epoch)
            self._start()
            return next(self.iterator)


@LOOPS.register_module()
class IterBasedTrainLoop(_IterBasedTrainLoop):
    """mmengine's loop, but a resumed run goes on at once instead of loading again all batches that it has seen.

    Args: ``max_iters``, ``val_begin``, ``val_interval``, ``dynamic_intervals`` of mmengine.
    """

    def __init__(self, runner, dataloader, max_iters: int, val_begin: int = 1, val_interval: int = 1000,
                 dynamic_intervals=None):
        super().__init__(runner, dataloader, max_iters, val_begin, val_interval, dynamic_intervals)
        self.dataloader_iterator = EndlessBatches(self.dataloader)

    def run(self):
        """Train until ``max_iters``; returns the model."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        self.dataloader_iterator.skip(self._iter)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            if self.runner.val_loop is not None and self._iter >= self.val_begin and (
                    self._iter % self.val_interval == 0 or self._iter == self._max_iters):
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model
