"""Lifting of 2D keypoints to 3D poses."""
from .dataset import LiftingDataset
from .h36m import Human36MDataset
from .humaneva import HumanEvaDataset
from .mocap import MocapLiftingDataset
from .mpi_inf_3dhp import MPIINF3DHPDataset

__all__ = ['Human36MDataset', 'HumanEvaDataset', 'LiftingDataset', 'MPIINF3DHPDataset', 'MocapLiftingDataset']
