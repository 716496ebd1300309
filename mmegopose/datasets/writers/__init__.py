"""Writers of the official layouts on disk."""
from .egoexo4d_body import write_egoexo4d

__all__ = ['write_egoexo4d']
