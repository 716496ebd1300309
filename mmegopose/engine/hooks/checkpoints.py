"""Hooks that make checkpoints portable and safe to read, and write none that is worse than the one it replaces."""
import inspect
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

from ...evaluation.metric_facts import better_value
from ...registry import HOOKS
from ..checkpoint import keep_weights
from .finite import FiniteHook


def _plain(value):
    """``value`` with numpy scalars made plain; ``None`` if it holds anything but plain values and tensors."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        value = {key: _plain(item) for key, item in value.items()}
        return None if any(item is None for item in value.values()) else value
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return None if any(item is None for item in items) else type(value)(items)
    return value if isinstance(value, (bool, int, float, str, torch.Tensor)) else None


@HOOKS.register_module()
class PortableCheckpointHook(Hook):
    """Saves the message hub as tensors and plain values, which any torch reads without trusting the file."""
    priority = 'LOWEST'

    def before_save_checkpoint(self, runner, checkpoint):
        hub = checkpoint['message_hub']
        hub['log_scalars'] = {name: [torch.from_numpy(np.asarray(part, np.float64)) for part in history.data]
                              for name, history in hub['log_scalars'].items()}
        info = {key: _plain(value) for key, value in hub['runtime_info'].items()}
        hub['runtime_info'] = {key: value for key, value in info.items() if value is not None}
        hub['resumed_keys'] = dict(hub['resumed_keys'])

    def after_load_checkpoint(self, runner, checkpoint):
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, history in scalars.items():
            if isinstance(history, list):
                scalars[name] = HistoryBuffer(*(part.cpu().numpy() for part in history))


class _RemoveLater:
    """A file backend that collects what it is told to remove."""

    def __init__(self, backend):
        self.backend, self.paths = backend, []

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def remove(self, path):
        self.paths.append(path)


@HOOKS.register_module()
class CheckpointHook(_CheckpointHook):
    """mmengine's, but an outdated checkpoint is removed only when its successor is on disk, and the metrics tell which
    value is better.

    ``save_best='auto'`` is the first column of the table of the first metric that has one. ``rule`` is needed for
    results of foreign metrics alone.

    Raises ``TypeError`` for an unknown argument; mmengine's does so when it saves for the first time. Raises
    ``ValueError`` before training for a result that no metric of the validation gives, or without a rule.

    Args:
        args, kwargs: mmengine's.
        weights_only_at_end: what is left when training ends holds the weights alone, a third of the size with AdamW.
            Training cannot resume from it.
    """

    _signature = inspect.signature(_CheckpointHook.__init__)

    def __init__(self, *args, weights_only_at_end: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self.weights_only_at_end = weights_only_at_end
        if self.args:
            raise TypeError(f'CheckpointHook has no argument {", ".join(map(repr, self.args))}')

    # without **kwargs, so that the check of configs knows the names
    __init__.__signature__ = _signature.replace(  # type: ignore[attr-defined]
        parameters=[*(p for p in _signature.parameters.values() if p.kind is not p.VAR_KEYWORD),
                    inspect.signature(__init__).parameters['weights_only_at_end']])

    def _init_rule(self, rules, key_indicators):
        """Only kept: mmengine asks for rules before there are metrics."""
        self.rules, self.key_indicators = rules, key_indicators

    def before_train(self, runner):
        super().before_train(runner)
        if self.save_best and runner.val_loop is not None:
            self._ask(runner.val_loop.evaluator.metrics)

    def _ask(self, metrics):
        """Names and rules of the results to save by, from the metrics of the validation."""
        columns = [name for metric in metrics for name in getattr(metric, 'table_columns', dict)().values()]
        names = columns[:1] if self.save_best == ['auto'] and columns else self.save_best
        prefixes = tuple(f'{metric.prefix}/' for metric in metrics if metric.prefix)
        unknown = [name for name in names if name != 'auto' and not name.startswith(prefixes)]
        if unknown and len(prefixes) == len(metrics):
            raise ValueError(f'save_best={unknown[0]!r} is no result of the validation, whose results begin with '
                             f"{' or '.join(prefixes)}; 'auto' takes the main one")
        rules = self.rules * len(names) if len(self.rules) == 1 else self.rules
        super()._init_rule([rule or better_value(metrics, name) for rule, name in zip(rules, names)], names)

    @contextmanager
    def _removing_last(self):
        backend = self.file_backend
        self.file_backend = later = _RemoveLater(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        current = [self.last_ckpt, getattr(self, 'best_ckpt_path', None),
                   *getattr(self, 'best_ckpt_path_dict', {}).values()]
        for path in later.paths:
            if path not in current:
                backend.remove(path)

    def _save_checkpoint_with_step(self, runner, step, meta):
        if not all([hook.check(runner) for hook in runner.hooks if isinstance(hook, FiniteHook)]):
            return
        with self._removing_last():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner, metrics):
        with self._removing_last():
            super()._save_best_checkpoint(runner, metrics)

    def after_train(self, runner):
        super().after_train(runner)
        if self.weights_only_at_end and is_main_process():
            left = [*Path(self.out_dir).glob('iter_*.pth'), *Path(self.out_dir).glob('epoch_*.pth'),
                    *Path(self.out_dir).glob('best_*.pth')]
            for path in left:
                keep_weights(path)
