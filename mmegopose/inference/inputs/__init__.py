"""From what a user has to a store of one sequence."""
from .head_track import head_track_store

__all__ = ['head_track_store']
