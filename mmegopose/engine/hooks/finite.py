"""Training whose numbers are no longer finite: told at once, stopped, and kept out of the checkpoints."""
import math

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from ...registry import HOOKS
from ..checkpoint import not_finite


@HOOKS.register_module()
class FiniteHook(Hook):
    """Tells the iteration and the loss that became NaN or infinite first, and stops the training there.

    Losses are kept on their device and looked at every ``interval`` iterations, and with the weights before a
    checkpoint is written and when training ends. A checkpoint of weights that are not finite is never written, so that
    the last one that is finite stays. Under a loss scaler (float16), which leaves out such steps, only weights count.

    Args:
        interval: iterations between two looks; each waits for the GPU and the other processes.
        stop: False: warn once and go on.

    Raises:
        ValueError: a loss or a weight is not finite; in every process.
    """
    priority = 'LOW'  # before checkpoints

    def __init__(self, interval: int = 20, stop: bool = True):
        if interval < 1:
            raise ValueError(f'FiniteHook: interval={interval} should be iterations, at least 1')
        self.interval, self.stop, self.told, self.recent = interval, stop, False, []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.recent.append((runner.iter + 1, dict(outputs or {})))
        if self.every_n_train_iters(runner, self.interval):
            self.check(runner, weights=False)

    def after_train(self, runner):
        self.check(runner)

    def check(self, runner, weights: bool = True) -> bool:
        """Look at the losses since the last look; all processes must call it. Returns whether the weights are finite.

        Args:
            weights: look at these, too; without, they count as finite.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        broken = not_finite(model.state_dict(), dict(model.named_parameters())) if weights else []
        scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
        loss = None if scaler is not None and scaler.is_enabled() else self._first_loss()
        self.recent.clear()
        found = [part for part in all_gather_object((loss, broken)) if part[0] or part[1]]
        if found and (self.stop or not self.told):
            self.told = True
            self._tell(runner, min((part[0] for part in found if part[0]), default=None), found[0][1])
        return not broken

    def _first_loss(self):
        """``(iteration, name, value)`` of the first loss that is not finite, else None."""
        values = [(iteration, name, value) for iteration, losses in self.recent for name, value in losses.items()
                  if isinstance(value, torch.Tensor) and 'loss' in name]
        if not values:
            return None
        numbers = torch.stack([value.detach().float().mean() for _, _, value in values]).tolist()  # one wait for a GPU
        bad = [(iteration, name == 'loss', name, number) for (iteration, name, _), number in zip(values, numbers)
               if not math.isfinite(number)]
        return min(bad, default=None)  # the sum of all, 'loss', last

    def _tell(self, runner, loss, broken: list):
        what = f'{loss[2]} became {loss[3]} in iteration {loss[0]}' if loss else \
            f'{len(broken)} weights are not finite after iteration {runner.iter + 1}, e.g. {broken[0]}'
        if not self.stop:
            runner.logger.warning(f'{what}. Training goes on, because stop=False; checkpoints whose weights are not '
                                  'finite are not written')
            return
        last = runner.message_hub.runtime_info.get('last_ckpt')
        raise ValueError(f'{what}: training stops. ' + (f'The last checkpoint, {last}, is finite. ' if last else '')
                         + 'Look at the data of this iteration, or take a smaller learning rate or clip_grad. To go on '
                         'regardless: --cfg-options default_hooks.finite.stop=False')
