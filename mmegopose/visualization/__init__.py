"""Pictures for people: skeletons in 3D, films, meshes and 2D poses over images, curves, and the hooks that draw while
testing.

What a network sees is made in ``rendering``; here it becomes figures of matplotlib and files. The hooks take their
streams from the declarations in ``structures/streams.py`` and sequences and skeleton from the data set.
"""
from ..geometry.crops import denormalize_image
from .attention_figures import draw_frame_attention, draw_joint_attention, draw_patch_attention
from .curves import plot_training, read_scalars
from .films import write_video
from .motion_figures import draw_motion
from .overlay import draw_grid, overlay_mesh, overlay_skeleton, overlay_skeletons
from .pose_figures import draw_poses, draw_skeleton
from .visualization_hooks import MeshVisualizationHook, PoseVisualizationHook

__all__ = ['MeshVisualizationHook', 'PoseVisualizationHook', 'denormalize_image', 'draw_frame_attention', 'draw_grid',
           'draw_joint_attention', 'draw_motion', 'draw_patch_attention', 'draw_poses', 'draw_skeleton',
           'overlay_mesh', 'overlay_skeleton', 'overlay_skeletons', 'plot_training', 'read_scalars', 'write_video']
