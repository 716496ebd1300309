"""Data that is made, not read: rendered hands and bodies, virtual cameras, errors of detectors.

Everything is a function of a seed and a number, and goes down the spine of ``datasets`` like data that is read: the
number of a sample is its row, :class:`Render` and the errors of detectors are transforms, and virtual cameras are a
reader. This room imports ``datasets``, ``rendering`` and ``body_models``; ``datasets`` knows it by names in configs.
"""
from .lifting import (
    DetectorErrors,
    KeypointNoise,
    RandomView,
    RandomViewDataset,
    read_mocap_bodies,
    read_mocap_views,
)
from .pose_errors import PoseErrors
from .render import Render
from .synthetic_meshes import SyntheticMeshDataset

__all__ = ['DetectorErrors', 'KeypointNoise', 'PoseErrors', 'RandomView', 'RandomViewDataset', 'Render',
           'SyntheticMeshDataset', 'read_mocap_bodies', 'read_mocap_views']
