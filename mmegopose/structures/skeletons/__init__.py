"""The skeletons of the benchmarks, one file each; a plugin's joins them by :func:`register_skeleton`.

``get_skeleton(name)`` gives names, bones, limbs, left and right, and drawing style of a set of joints, and knows what
:func:`register_skeleton` was given. Data sets, losses, metrics and pictures take a skeleton by its name.
"""
from ..skeleton import all_skeletons, get_skeleton, register_skeleton
from .coco17 import COCO17
from .h36m17 import H36M17
from .h36m32 import H36M32
from .halpe26 import HALPE26
from .hand21 import HAND21
from .humaneva15 import HUMANEVA15
from .lsp14 import LSP14
from .mediapipe33 import MEDIAPIPE33
from .mpi_inf_3dhp17 import MPI_INF_3DHP17
from .mpi_inf_3dhp28 import MPI_INF_3DHP28
from .openpose import OPENPOSE18, OPENPOSE25
from .smpl24 import SMPL24

for _skeleton in (H36M17, MPI_INF_3DHP17, COCO17, H36M32, MPI_INF_3DHP28, HUMANEVA15, HAND21, SMPL24, LSP14,
                  OPENPOSE25, OPENPOSE18, HALPE26, MEDIAPIPE33):
    register_skeleton(_skeleton)

__all__ = ['all_skeletons', 'get_skeleton', 'register_skeleton']
