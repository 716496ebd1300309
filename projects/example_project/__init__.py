"""A complete plugin: one temporal neck."""
from .gated_neck import GatedNeck

__all__ = ['GatedNeck']
