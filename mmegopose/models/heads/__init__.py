"""Heads: tokens ``(B,T,N,C)`` to an estimate, a dict of ``(B,T,...)``.

Most estimate ``joints (B,T,J,3)``. A head with a method ``predict`` turns its estimate into what a user wants to see.
"""
from .decoder import JointQueryHead, MeshDecoderHead, mesh_head_from_hamer
from .heatmap import HeatmapHead, heatmap_head_from_vitpose
from .joint_head import JointHead

__all__ = ['HeatmapHead', 'JointHead', 'JointQueryHead', 'MeshDecoderHead', 'heatmap_head_from_vitpose',
           'mesh_head_from_hamer']
