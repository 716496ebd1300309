"""A rendered data set: a person with a headset, whose arms and hands the camera sees."""
from .egoexo4d_sample import write_egoexo4d_sample

__all__ = ['write_egoexo4d_sample']
