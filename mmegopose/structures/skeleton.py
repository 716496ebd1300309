"""What is known of a skeleton: joints, bones, limbs, left and right, how it is drawn; and all skeletons by name."""
import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..plugins import load_plugins

SIDES = ('left', 'right')
BODY_RADIUS, HAND_RADIUS = 1 / 75, 1 / 50  # of a joint's disc, as shares of the person's size


class SkeletonStyle(NamedTuple):
    """How a skeleton is drawn.

    Attributes:
        edges: E pairs of joint indices, drawn in this order.
        edge_colors: E times RGB in [0,255].
        joint_colors: J times RGB, drawn above the edges.
        radius: of a joint's disc as a share of the person's size; edges are 0.75 of it thick.
    """
    edges: tuple
    edge_colors: tuple
    joint_colors: tuple
    radius: float


@dataclass(frozen=True)
class Skeleton:
    """A set of J joints in a fixed order.

    Attributes:
        name: name in the registry, e.g. ``'coco17'``.
        joints: joint names, each once; those of pairs carry ``left`` or ``right`` in their name.
        edges: bones as pairs of joint indices, parent first where the skeleton is a tree.
        head: indices of the joints that are rigidly attached to the head.
        root: index of the joint that root-relative poses are relative to, None if the skeleton has none.
        limbs: joint names of each limb from the trunk outwards, e.g. ``{'left-arm': ('left-shoulder', ...)}``.
        part_order: names of the limbs in the order in which :attr:`parts` numbers them; empty: no such numbers.
        joint_weights: J weights in the loss, by the name of a scheme.
        oks_sigmas: J constants of the object keypoint similarity, how far off labels are; empty: not known.
        joint_colors: J times RGB in [0,255]; empty: one hue for each bone.
        radius: of a drawn joint's disc as a share of the person's size.

    Raises:
        ValueError: a name or an index that is not one of the joints, or a left joint without its right one.
    """
    name: str
    joints: tuple
    edges: tuple
    head: tuple = ()
    root: int | None = None
    limbs: dict = field(default_factory=dict, hash=False)
    part_order: tuple = ()
    joint_weights: dict = field(default_factory=dict, hash=False)
    oks_sigmas: tuple = ()
    joint_colors: tuple = ()
    radius: float = BODY_RADIUS

    def __post_init__(self):
        count, where = self.num_joints, f'skeleton {self.name!r}'
        if len(set(self.joints)) < count:
            raise ValueError(f'{where}: joints should have a name each, got {self.joints}')
        numbers = {*(joint for edge in self.edges for joint in edge), *self.head, self.root} - {None}
        if not numbers <= set(range(count)):
            raise ValueError(f'{where}: edges, head and root should be indices of its {count} joints, got '
                             f'{sorted(numbers - set(range(count)))}')
        unknown = {name for limb in self.limbs.values() for name in limb} - set(self.joints)
        unknown |= {_other_side(name) for name in self.joints} - set(self.joints)
        unknown |= set(self.part_order) - set(self.limbs)
        if unknown:
            raise ValueError(f'{where} has no {sorted(unknown)}, but limbs, part_order or the other side name it')
        optional = {key: values for key in ('joint_colors', 'oks_sigmas') if (values := getattr(self, key))}
        for key, values in (optional | self.joint_weights).items():
            if len(values) != count:
                raise ValueError(f'{where}: {key} should have {count} entries, one for each joint, got {len(values)}')

    @classmethod
    def from_parents(cls, name: str, joints: str | Sequence, parents: Sequence[int], **kwargs) -> 'Skeleton':
        """Skeleton of a kinematic tree.

        Args:
            name: see :class:`Skeleton`, as for ``kwargs``.
            joints: joint names, a list or in one string with blanks between them.
            parents: index of the parent of each joint; -1: the root.
        """
        joints = tuple(joints.split() if isinstance(joints, str) else joints)
        edges = tuple((parent, joint) for joint, parent in enumerate(parents) if parent >= 0)
        return cls(name, joints, edges, root=list(parents).index(-1), **kwargs)

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint by its name. Raises ``KeyError`` that lists the names."""
        if joint not in self.joints:
            raise KeyError(f'skeleton {self.name!r} has no joint {joint!r}, but {list(self.joints)}')
        return self.joints.index(joint)

    @cached_property
    def non_head(self) -> tuple:
        """Indices of the joints that do not belong to the head."""
        return tuple(joint for joint in range(self.num_joints) if joint not in self.head)

    @cached_property
    def flip(self) -> tuple:
        """Permutation that swaps left and right joints."""
        return tuple(self.joints.index(_other_side(name)) for name in self.joints)

    @cached_property
    def limb_flips(self) -> dict[str, tuple]:
        """Permutations that swap left and right in limbs of one kind only, ``{'arm': ..., 'leg': ...}``; hands have
        none."""
        kinds = [name.removeprefix('left-') for name in self.limbs if name.startswith('left-')]
        flips = {}
        for kind in kinds:
            members = {*self.limbs[f'left-{kind}'], *self.limbs[f'right-{kind}']}
            flips[kind] = tuple(self.flip[i] if name in members else i for i, name in enumerate(self.joints))
        return flips

    def steps_outwards(self, limb: str) -> tuple:
        """Bones from the first joint of a limb to each of the J joints; -1 for joints that do not belong to it.

        Raises ``ValueError`` where no bone joins a joint of the limb to one before it.
        """
        steps, bones = {}, {frozenset(edge) for edge in self.edges}
        for joint in map(self.index, self.limbs[limb]):
            inner = [before for before in steps if frozenset((before, joint)) in bones]
            if steps and not inner:
                raise ValueError(f'skeleton {self.name!r}: no bone joins {self.joints[joint]!r} to a joint before it '
                                 f'in {limb!r} = {self.limbs[limb]}')
            steps[joint] = steps[inner[0]] + 1 if inner else 0
        return tuple(steps.get(joint, -1) for joint in range(self.num_joints))

    @cached_property
    def parts(self) -> tuple | None:
        """Number of the body part of each joint: 0 trunk and head, then the limbs; None where no order is known."""
        if not self.part_order:
            return None
        number = {name: i for i, limb in enumerate(self.part_order, 1) for name in self.limbs[limb]}
        return tuple(number.get(name, 0) for name in self.joints)

    @cached_property
    def style(self) -> SkeletonStyle:
        """How the skeleton is drawn: a bone has the colour of its outer joint, or without :attr:`joint_colors` a hue of
        its own, and a joint that of its first bone."""
        if self.joint_colors:
            return SkeletonStyle(self.edges, tuple(self.joint_colors[outer] for _, outer in self.edges),
                                 self.joint_colors, self.radius)
        hues = [colorsys.hsv_to_rgb(i / len(self.edges), 1, 1) for i in range(len(self.edges))]
        edge_colors = tuple(tuple(round(255 * channel) for channel in hue) for hue in hues)
        first = {}
        for edge, color in zip(self.edges, edge_colors):
            for joint in edge:
                first.setdefault(joint, color)
        joint_colors = tuple(first.get(joint, (255, 255, 255)) for joint in range(self.num_joints))
        return SkeletonStyle(self.edges, edge_colors, joint_colors, self.radius)


def both_sides(**limbs: str) -> dict[str, tuple]:
    """Limbs of both sides, ``both_sides(arm='shoulder elbow')`` is ``{'left-arm': ('left-shoulder', 'left-elbow'),
    'right-arm': ...}``."""
    return {f'{side}-{kind}': tuple(f'{side}-{joint}' for joint in joints.split())
            for kind, joints in limbs.items() for side in SIDES}


def _other_side(name: str) -> str:
    """``'left-hip'`` for ``'right-hip'``; names without a side stay."""
    for side, other in (SIDES, SIDES[::-1]):
        if side in name:
            return name.replace(side, other)
    return name


_SKELETONS: dict[str, Skeleton] = {}


def register_skeleton(skeleton: Skeleton) -> Skeleton:
    """Make a skeleton known by its name, everywhere; returns it.

    Raises:
        TypeError: not a :class:`Skeleton`.
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
        load_plugins()
    if name not in _SKELETONS:
        raise KeyError(f'unknown skeleton {name!r}; known: {sorted(_SKELETONS)}. A skeleton of your own is made known '
                       'with register_skeleton(Skeleton(...))')
    return _SKELETONS[name]


def all_skeletons() -> tuple[Skeleton, ...]:
    """All that are registered, in the order of their registration."""
    return tuple(_SKELETONS.values())
