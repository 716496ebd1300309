"""The only way from files to batches: readers, stores, windows, transforms, data sets, samplers."""
from . import readers, transforms, windows
from .image_dataset import ImageMeshDataset
from .image_store import ImageStore
from .lifting_dataset import LiftingDataset
from .readers.head_pose import EgoExo4DBodyDataset
from .readers.lifting import Human36MDataset, HumanEvaDataset, MPIINF3DHPDataset
from .samplers import EndlessSampler, SequenceBatchSampler, SequenceSampler
from .store import SequenceStore
from .window_dataset import SequenceDataset, batch_collate

__all__ = ['EgoExo4DBodyDataset', 'EndlessSampler', 'Human36MDataset', 'HumanEvaDataset', 'ImageMeshDataset',
           'ImageStore', 'LiftingDataset', 'MPIINF3DHPDataset', 'SequenceBatchSampler', 'SequenceDataset',
           'SequenceSampler', 'SequenceStore', 'batch_collate', 'readers', 'transforms', 'windows']
