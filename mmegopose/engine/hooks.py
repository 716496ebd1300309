"""Hooks that make checkpoints portable, safe to read and exact to resume from; and what a log line holds."""
import inspect
import random
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import CheckpointHook as _CheckpointHook
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import LogProcessor

from ..registry import HOOKS, LOG_PROCESSORS
from .checkpoint import keep_weights


def random_state() -> dict:
    """State of the random generators of this process, as tensors and plain values."""
    version, words, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()
    state = dict(python=[version, torch.tensor(words), gauss],
                 numpy=[name, torch.from_numpy(keys.astype(np.int64)), *rest], torch=torch.get_rng_state())
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict) -> None:
    """Put back what ``random_state`` returned."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def kept_random_state():
    """Whatever runs inside leaves the random generators as they were."""
    state = random_state()
    try:
        yield
    finally:
        set_random_state(state)


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Saves the random generators of every rank and restores them on resume, so that training continues bit-equal.

    Validation draws nothing from the generators of training, because a resumed run does not repeat it.
    """
    priority = 'LOWEST'

    def __init__(self):
        self.in_training = None
        self.resumed = None

    def state(self) -> dict:
        """Random state of training, also while validation runs."""
        return self.in_training or random_state()

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['random_states'] = runner.random_states

    def after_load_checkpoint(self, runner, checkpoint):
        self.resumed = checkpoint.get('random_states')

    def before_train(self, runner):
        if not (self.resumed and runner.iter):
            return
        if get_rank() < len(self.resumed):
            set_random_state(self.resumed[get_rank()])
        else:
            runner.logger.warning(f'the checkpoint has random states of {len(self.resumed)} processes only: '
                                  'training does not continue bit-equal')

    def before_val(self, runner):
        self.in_training = random_state()

    def after_val(self, runner):
        set_random_state(self.in_training)
        self.in_training = None


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
    """mmengine's, but an outdated checkpoint is removed only when its successor is on disk.

    Raises ``TypeError`` for an unknown argument; mmengine's does so when it saves for the first time.

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


@LOG_PROCESSORS.register_module()
class ShortLogProcessor(LogProcessor):
    """mmengine's ``LogProcessor``, whose line after an evaluation leaves out results by joint, ``.../joint/...``.

    They stay in the JSON file of the log and wherever else scalars go.
    """

    def get_log_after_epoch(self, *args, **kwargs) -> tuple[dict, str]:
        """Results by name, and the line."""
        tag, line = super().get_log_after_epoch(*args, **kwargs)
        return tag, re.sub(r'\S+/joint/\S+: \S+\s*', '', line)
