"""Readers, window policies, samplers and batch transforms."""
from . import transforms, windows
from .base import SequenceDataset, batch_collate
from .egoexo4d import EgoExo4DBodyDataset
from .samplers import EndlessSampler, SequenceBatchSampler, SequenceSampler
from .store import SequenceStore

__all__ = ['EgoExo4DBodyDataset', 'EndlessSampler', 'SequenceBatchSampler', 'SequenceDataset', 'SequenceSampler',
           'SequenceStore', 'batch_collate', 'transforms', 'windows']
