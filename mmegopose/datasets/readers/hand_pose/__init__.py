"""Readers of benchmarks of hand pose, registered in ``READERS``: ``(data_root, ...) -> SequenceStore``, cached."""
from .egoexo4d_hand import read_egoexo4d_hand

__all__ = ['read_egoexo4d_hand']
