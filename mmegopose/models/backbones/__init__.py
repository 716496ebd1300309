"""Backbones: one or several streams to tokens ``(B,T,N,C)``."""
from .extpose import ExtPoseViT
from .pose_conditioned import ConcatViT, ControlNetViT
from .vision_transformer import VisionTransformer, vit_from_hamer, vit_from_mae, vit_from_vitpose
from .vit import HugeViT, ViT

__all__ = ['ConcatViT', 'ControlNetViT', 'ExtPoseViT', 'HugeViT', 'ViT', 'VisionTransformer', 'vit_from_hamer',
           'vit_from_mae', 'vit_from_vitpose']
