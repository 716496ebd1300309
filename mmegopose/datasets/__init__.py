"""Readers, window policies, samplers and batch transforms."""
from . import transforms, windows
from .base import SequenceDataset, batch_collate
from .egoexo4d import EgoExo4DBodyDataset
from .images import ImageMeshDataset, ImageStore, SyntheticMeshDataset
from .lifting import Human36MDataset, HumanEvaDataset, LiftingDataset, MocapLiftingDataset, MPIINF3DHPDataset
from .samplers import EndlessSampler, SequenceBatchSampler, SequenceSampler
from .store import SequenceStore

__all__ = ['EgoExo4DBodyDataset', 'EndlessSampler', 'Human36MDataset', 'HumanEvaDataset', 'ImageMeshDataset',
           'ImageStore', 'LiftingDataset', 'MPIINF3DHPDataset', 'MocapLiftingDataset', 'SequenceBatchSampler',
           'SequenceDataset', 'SequenceSampler', 'SequenceStore', 'SyntheticMeshDataset', 'batch_collate',
           'transforms', 'windows']
