"""Readers of 2D keypoints with 3D poses."""
from .h36m import read_h36m
from .h36m_2_5d import read_h36m_2_5d
from .humaneva import read_humaneva
from .mpi_inf_3dhp import read_mpi_inf_3dhp

__all__ = ['read_h36m', 'read_h36m_2_5d', 'read_humaneva', 'read_mpi_inf_3dhp']
