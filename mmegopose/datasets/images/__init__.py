"""Crops of hands and bodies: readers of the official data sets, synthetic pictures, and drawn 2D poses."""
from .dataset import ImageMeshDataset
from .store import ImageStore
from .synthetic import SyntheticMeshDataset

__all__ = ['ImageMeshDataset', 'ImageStore', 'SyntheticMeshDataset']
