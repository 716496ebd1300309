"""Joint names, bones and left-right pairs of the skeletons."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """A set of joints in a fixed order.

    Attributes:
        name: registry name, e.g. ``'coco17'``.
        joints: joint names; left and right joints carry ``left`` or ``right`` in their name.
        edges: bones as pairs of joint indices.
        flip: permutation that swaps left and right joints.
        body: indices of the joints that are not rigidly attached to the head.
    """
    name: str
    joints: tuple
    edges: tuple
    body: tuple

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def flip(self) -> tuple:
        swap = {'left': 'right', 'right': 'left'}
        return tuple(self.joints.index(next((n.replace(a, b) for a, b in swap.items() if a in n), n))
                     for n in self.joints)


_COCO17 = Skeleton(
    name='coco17',
    joints=('nose', 'left-eye', 'right-eye', 'left-ear', 'right-ear', 'left-shoulder', 'right-shoulder',
            'left-elbow', 'right-elbow', 'left-wrist', 'right-wrist', 'left-hip', 'right-hip',
            'left-knee', 'right-knee', 'left-ankle', 'right-ankle'),
    edges=((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9),
           (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
    body=tuple(range(5, 17)))

_SKELETONS = {s.name: s for s in (_COCO17,)}


def get_skeleton(name: str) -> Skeleton:
    """Skeleton by name. Raises ``KeyError`` that lists the known names."""
    if name not in _SKELETONS:
        raise KeyError(f'unknown skeleton {name!r}; known: {sorted(_SKELETONS)}')
    return _SKELETONS[name]
