"""Hands and bodies from pictures and videos: who is where, crops down the spine, meshes in the camera of the image."""
from .full_camera import mirrored_rotations, place_in_image
from .hand_inferencer import HandInferencer
from .mesh_inferencer import MeshInferencer
from .subjects import Subject

__all__ = ['HandInferencer', 'MeshInferencer', 'Subject', 'mirrored_rotations', 'place_in_image']
