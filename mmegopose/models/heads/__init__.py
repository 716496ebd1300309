"""Heads: tokens ``(B,T,N,C)`` to outputs, a dict of ``(B,T',...)``; most return ``joints (B,T',J,3)``.

A head may also own ``loss(tokens, data_samples)``, for training that needs the targets, and ``predict(tokens)``, for
what a user wants to see where that is not what ``forward`` returns; one whose ``forward`` has an argument ``inputs``
sees the streams.
"""
from .decoder import JointQueryHead, MeshDecoderHead
from .heatmap import HeatmapHead
from .joint_head import JointHead, WristHead
from .volume_head import VolumeJointHead

__all__ = ['HeatmapHead', 'JointHead', 'JointQueryHead', 'MeshDecoderHead', 'VolumeJointHead', 'WristHead']
