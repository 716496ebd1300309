"""Start a part of a model from a part of a checkpoint."""
import os.path as osp
import re

from mmengine.runner.checkpoint import CheckpointLoader

from ..registry import WEIGHT_INITIALIZERS
from .checkpoint import CheckpointError, load_state, require_checkpoint, state_of

OLD = 'branches.main.'  # before the names of a model of one branch, in an earlier version


@WEIGHT_INITIALIZERS.register_module()
class PretrainedPart:
    """``init_cfg`` of a module: weights that a checkpoint has under a prefix, strictly.

    Args:
        checkpoint: file.
        prefix: of its keys, e.g. ``'backbone.'`` of a ``PoseEstimator``.
        new: patterns of weights that the checkpoint has not, or in another shape; they stay as they are.
        made_by: the command that makes the checkpoint, told if the file is missing.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is damaged, has nothing under the prefix, or its weights there do not fit the module.
    """

    def __init__(self, checkpoint: str, prefix: str = '', new: tuple = (), made_by: str = ''):
        self.checkpoint, self.prefix, self.new, self.made_by = checkpoint, prefix, new, made_by

    def __call__(self, module) -> None:
        if '://' not in self.checkpoint:
            require_checkpoint(osp.expanduser(self.checkpoint), 'The model starts from it (init_cfg): '
                               + (f'first run {self.made_by}, or ' if self.made_by else '')
                               + 'give your file, init_cfg.checkpoint=..., or init_cfg=None to start from nothing')
        state = state_of(CheckpointLoader.load_checkpoint(self.checkpoint, 'cpu'), self.checkpoint)
        for prefix in (self.prefix, OLD + self.prefix, self.prefix.removeprefix(OLD)):
            part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            if part:
                break
        else:
            parts = sorted({'.'.join(key.split('.')[:3]) for key in state})
            raise CheckpointError(f'{self.checkpoint} has no weights {self.prefix}*; it has '
                                  f'{", ".join(parts[:6])}, ...')
        kept = {key: value for key, value in module.state_dict().items()
                if any(re.fullmatch(pattern, key) for pattern in self.new)}
        load_state(module, part | kept, self.checkpoint)
