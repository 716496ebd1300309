"""Motions as files of other programs: BVH, GLB, JSON, CSV, OBJ, PLY, TRC, npz.

``write_motion(motions, 'walk.bvh')`` is the one call; a format is one file here and one line in ``write.FILE_FORMATS``.
"""
from .write import FILE_FORMATS, WrittenFiles, format_of, target_files, write_motion

__all__ = ['FILE_FORMATS', 'WrittenFiles', 'format_of', 'target_files', 'write_motion']
