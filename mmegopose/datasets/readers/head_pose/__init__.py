"""Readers of head tracks with body pose."""
from .egoexo4d_body import read_egoexo4d_body

__all__ = ['read_egoexo4d_body']
