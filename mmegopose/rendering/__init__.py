"""Pixels from geometry, without matplotlib and without graphics hardware.

Functions of numpy arrays, RGB uint8; pixel centres have whole coordinates, as in OpenCV. ``mesh_images`` draws shaded
triangle meshes with an exact z-buffer, for synthetic pictures and for overlays; ``skeleton_images`` draws 2D poses as
networks take them, as pictures in the style of a skeleton or as heatmaps; ``film_files`` writes pictures one after the
other as MP4 and GIF.
"""
from .mesh_images import flat_shading, render
from .skeleton_images import MIN_CONFIDENCE, draw_heatmaps, draw_skeletons

__all__ = ['MIN_CONFIDENCE', 'draw_heatmaps', 'draw_skeletons', 'flat_shading', 'render']
