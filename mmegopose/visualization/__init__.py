"""Pictures: skeletons, meshes over images, curves, and the hooks that draw predictions while testing."""
from .curves import plot_training, read_scalars
from .hook import MeshVisualizationHook, PoseVisualizationHook
from .overlay import denormalize_image, draw_grid, overlay_mesh, overlay_skeleton, overlay_skeletons
from .skeletons import draw_poses, draw_skeleton

__all__ = ['MeshVisualizationHook', 'PoseVisualizationHook', 'denormalize_image', 'draw_grid', 'draw_poses',
           'draw_skeleton', 'overlay_mesh', 'overlay_skeleton', 'overlay_skeletons', 'plot_training', 'read_scalars']
