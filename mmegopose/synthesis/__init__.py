"""Data that is made, not read: rendered hands and bodies, virtual cameras, errors of detectors."""
from .dataset import SyntheticMeshDataset
from .views import MocapLiftingDataset

__all__ = ['MocapLiftingDataset', 'SyntheticMeshDataset']
