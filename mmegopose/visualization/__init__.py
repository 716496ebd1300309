"""Pictures: skeletons, meshes over images, curves, and the hooks that draw predictions while testing."""
from .curves import plot_training, read_scalars
from .figures import draw_poses, draw_skeleton
from .overlay import denormalize_image, draw_grid, overlay_mesh, overlay_skeleton, overlay_skeletons
from .visualization_hooks import MeshVisualizationHook, PoseVisualizationHook

__all__ = ['MeshVisualizationHook', 'PoseVisualizationHook', 'denormalize_image', 'draw_grid', 'draw_poses',
           'draw_skeleton', 'overlay_mesh', 'overlay_skeleton', 'overlay_skeletons', 'plot_training', 'read_scalars']
