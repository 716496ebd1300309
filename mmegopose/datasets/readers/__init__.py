"""Readers: from the official files of a data set to a store, one file each, by family."""
from . import head_pose, images, lifting

__all__ = ['head_pose', 'images', 'lifting']
