"""Pictures: skeletons, curves, and the hook that draws predictions while testing."""
from .curves import plot_training, read_scalars
from .hook import PoseVisualizationHook
from .skeletons import draw_poses, draw_skeleton

__all__ = ['PoseVisualizationHook', 'draw_poses', 'draw_skeleton', 'plot_training', 'read_scalars']
