"""What mmegopose adds to the engine of mmengine: runner, loop, optimisers, hooks, checkpoints, configs."""
from ..errors import user_errors
from .checkpoint import CheckpointError, check_fit, load_from_local, load_state, newest_checkpoint
from .config import DictAction, check_config, load_config, load_plugins
from .hooks import (
    CheckpointHook,
    DueValidationHook,
    FiniteHook,
    PortableCheckpointHook,
    RandomStateHook,
    ShortLogProcessor,
)
from .layer_decay import LayerDecayOptimWrapperConstructor
from .loops import IterBasedTrainLoop
from .optim import AmpOptimWrapper, SquaredLossOptimWrapper
from .pretrained import PretrainedPart
from .runner import EgoRunner, leave_process_group

__all__ = ['AmpOptimWrapper', 'CheckpointError', 'CheckpointHook', 'DictAction', 'DueValidationHook', 'EgoRunner',
           'FiniteHook',
           'IterBasedTrainLoop', 'LayerDecayOptimWrapperConstructor', 'PortableCheckpointHook', 'PretrainedPart',
           'RandomStateHook', 'ShortLogProcessor', 'SquaredLossOptimWrapper', 'check_config', 'check_fit',
           'leave_process_group', 'load_config', 'load_from_local', 'load_plugins', 'load_state',
           'newest_checkpoint', 'user_errors']
