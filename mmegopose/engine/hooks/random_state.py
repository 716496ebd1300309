"""The random generators of training, kept over checkpoints and validation."""
import random
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from ...registry import HOOKS


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
        if get_rank() < len(self.resumed):  # else it is told that there are more processes than before
            set_random_state(self.resumed[get_rank()])

    def before_val(self, runner):
        self.in_training = random_state()

    def after_val(self, runner):
        set_random_state(self.in_training)
        self.in_training = None
