"""Heads: tokens ``(B,T,N,C)`` to an estimate, a dict with ``joints (B,T,J,3)``."""
from .decoder import JointQueryHead, MeshDecoderHead, mesh_head_from_hamer
from .heatmap import HeatmapHead, heatmap_head_from_vitpose
from .joint_head import JointHead

__all__ = ['HeatmapHead', 'JointHead', 'JointQueryHead', 'MeshDecoderHead', 'heatmap_head_from_vitpose',
           'mesh_head_from_hamer']
