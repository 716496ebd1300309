"""Readers: from the official files of a data set to a store, one file each, by family."""
from . import hand_pose, head_pose, images, lifting

__all__ = ['hand_pose', 'head_pose', 'images', 'lifting']
