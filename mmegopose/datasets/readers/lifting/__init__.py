"""Readers of 2D keypoints with 3D poses."""
from .h36m import Human36MDataset
from .humaneva import HumanEvaDataset
from .mpi_inf_3dhp import MPIINF3DHPDataset

__all__ = ['Human36MDataset', 'HumanEvaDataset', 'MPIINF3DHPDataset']
