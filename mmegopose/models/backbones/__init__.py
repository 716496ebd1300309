"""Backbones: one or several streams to tokens ``(B,T,N,C)``."""
from .vit import HugeViT, ViT

__all__ = ['HugeViT', 'ViT']
