"""The skeletons of the benchmarks, one file each, and the registry that a plugin's skeleton joins.

``get_skeleton(name)`` gives names, bones, limbs, left and right, and drawing style of a set of joints, and knows what
:func:`register_skeleton` was given. Data sets, losses, metrics and pictures take a skeleton by its name.
"""
from ..skeleton import Skeleton
from .coco17 import COCO17
from .h36m17 import H36M17
from .h36m32 import H36M32
from .hand21 import HAND21
from .humaneva15 import HUMANEVA15
from .lsp14 import LSP14
from .mpi_inf_3dhp17 import MPI_INF_3DHP17
from .mpi_inf_3dhp28 import MPI_INF_3DHP28
from .smpl24 import SMPL24

_SKELETONS: dict[str, Skeleton] = {}


def register_skeleton(skeleton: Skeleton) -> Skeleton:
    """Make a skeleton known by its name, everywhere; returns it.

    Raises:
        TypeError: not a :class:`.Skeleton`.
        ValueError: another skeleton has this name.
    """
    if not isinstance(skeleton, Skeleton):
        raise TypeError(f'register_skeleton takes a Skeleton, got {type(skeleton).__name__}')
    if _SKELETONS.setdefault(skeleton.name, skeleton) != skeleton:
        raise ValueError(f'another skeleton is registered as {skeleton.name!r}; give yours a name of its own')
    return skeleton


def get_skeleton(name: str) -> Skeleton:
    """Skeleton by name. Raises ``KeyError`` that lists the known names."""
    if name not in _SKELETONS:
        raise KeyError(f'unknown skeleton {name!r}; known: {sorted(_SKELETONS)}. A skeleton of your own is made known '
                       'with register_skeleton(Skeleton(...))')
    return _SKELETONS[name]


def all_skeletons() -> tuple[Skeleton, ...]:
    """All that are registered, in the order of their registration."""
    return tuple(_SKELETONS.values())


for _skeleton in (H36M17, MPI_INF_3DHP17, COCO17, H36M32, MPI_INF_3DHP28, HUMANEVA15, HAND21, SMPL24, LSP14):
    register_skeleton(_skeleton)
