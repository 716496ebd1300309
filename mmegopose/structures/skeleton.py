"""Joint names, bones and left-right pairs of a skeleton."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """A set of joints in a fixed order.

    Attributes:
        name: registry name, e.g. ``'coco17'``.
        joints: joint names; left and right joints carry ``left`` or ``right`` in their name.
        edges: bones as pairs of joint indices, parent first where the skeleton is a tree.
        body: indices of the joints that are not rigidly attached to the head.
        root: index of the joint that root-relative poses are relative to, None if the skeleton has none.
        flip: permutation that swaps left and right joints.
    """
    name: str
    joints: tuple
    edges: tuple
    body: tuple
    root: int | None = None

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def flip(self) -> tuple:
        swap = {'left': 'right', 'right': 'left'}
        return tuple(self.joints.index(next((n.replace(a, b) for a, b in swap.items() if a in n), n))
                     for n in self.joints)
