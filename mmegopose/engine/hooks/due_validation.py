"""The validation that a killed run did not come to."""
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from ...files import atomic_write
from ...registry import HOOKS

LAST = 'last_validation'  # beside mmengine's ``last_checkpoint``


@HOOKS.register_module()
class DueValidationHook(Hook):
    """Makes up a validation that was due with the checkpoint that a run resumes from.

    A checkpoint is written before the validation of its iteration; a run that ends in between would never get the
    metrics. The file ``last_validation`` of the work dir holds the iteration of the last validation that was done.
    """
    priority = 'LOWEST'  # after what prepares for validations, and after what saves by them

    def before_train(self, runner):
        loop, done = runner.train_loop, [self._done(runner)]
        broadcast_object_list(done)
        if not loop.iter:  # a new training in an old folder
            if is_main_process():
                self._file(runner).unlink(missing_ok=True)
        elif runner.val_loop is not None and done[0] < loop.iter and self._is_due(loop):
            runner.logger.info(f'The validation of iteration {loop.iter} is made up: the run before did not end it.')
            runner.val_loop.run()

    @staticmethod
    def _is_due(loop) -> bool:
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        now, end = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
        loop._decide_current_val_interval()
        return now >= loop.val_begin and (now % loop.val_interval == 0 or now == end)

    def after_val_epoch(self, runner, metrics=None):
        if is_main_process() and runner.iter:
            with atomic_write(self._file(runner)) as file:
                file.write(f'{runner.iter}\n')

    @staticmethod
    def _file(runner) -> Path:
        return Path(runner.work_dir, LAST)

    def _done(self, runner) -> int:
        """Iteration of the last validation, 0 if none is known."""
        try:
            return int(self._file(runner).read_text(encoding='ascii'))
        except (OSError, ValueError):
            return 0
