"""The only way from files to batches: readers, stores, windows, transforms, data sets, samplers."""
from . import readers, transforms, windows
from .collate import batch_collate
from .presets import (
    EgoExo4DBodyDataset,
    EgoExo4DHandDataset,
    HeadPoseDataset,
    Human36M25DDataset,
    Human36MDataset,
    HumanEvaDataset,
    ImageMeshDataset,
    LiftingDataset,
    MocapLiftingDataset,
    MPIINF3DHPDataset,
)
from .samplers import BalancedSampler, EndlessSampler, EpochSampler, SequenceBatchSampler, SequenceSampler
from .store import Field, SequenceStore
from .window_dataset import WindowDataset

__all__ = ['BalancedSampler', 'EgoExo4DBodyDataset', 'EgoExo4DHandDataset', 'EndlessSampler', 'EpochSampler', 'Field',
           'HeadPoseDataset', 'Human36M25DDataset', 'Human36MDataset', 'HumanEvaDataset', 'ImageMeshDataset',
           'LiftingDataset', 'MPIINF3DHPDataset', 'MocapLiftingDataset', 'SequenceBatchSampler', 'SequenceSampler',
           'SequenceStore', 'WindowDataset', 'batch_collate', 'readers', 'transforms', 'windows']
