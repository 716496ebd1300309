"""Motion capture files (ASF and AMC, BVH, wheels, MAT) to the layouts that the readers read."""
from .cmu import convert_cmu
from .wheels import read_wheels

__all__ = ['convert_cmu', 'read_wheels']
