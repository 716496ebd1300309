"""Hooks that make checkpoints portable, safe to read, exact to resume from, and finite; and short log lines."""
from .checkpoints import CheckpointHook, PortableCheckpointHook
from .due_validation import DueValidationHook
from .finite import FiniteHook
from .random_state import RandomStateHook, kept_random_state
from .short_log import ShortLogProcessor

__all__ = ['CheckpointHook', 'DueValidationHook', 'FiniteHook', 'PortableCheckpointHook', 'RandomStateHook',
           'ShortLogProcessor', 'kept_random_state']
