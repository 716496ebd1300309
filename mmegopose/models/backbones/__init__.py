"""Backbones: one or several streams to tokens ``(B,T,N,C)``."""
from .extpose import ExtPose
from .pose_conditioned import ConcatViT, ControlNetViT
from .vit import HugeViT, ViT

__all__ = ['ConcatViT', 'ControlNetViT', 'ExtPose', 'HugeViT', 'ViT']
