"""Readers of head tracks with body pose."""
from .egoexo4d_body import EgoExo4DBodyDataset

__all__ = ['EgoExo4DBodyDataset']
