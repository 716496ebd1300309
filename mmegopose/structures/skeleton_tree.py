"""Every skeleton as a tree that stands in a T pose, as files of animation want it."""
from collections import deque
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .skeleton import Skeleton, get_skeleton

FINGERS = dict(thumb=45, index=15, middle=3, ring=-9, little=-21)  # degrees from the middle of a flat right hand
TOWARDS = {  # words of a joint's name: the way from its parent, left or right, up, forward; the first that fits
    'head': (0, 1, 0), 'neck': (0, 1, 0), 'thorax': (0, 1, 0), 'spine': (0, 1, 0), 'nose': (0, 0.5, 0.85),
    'eye': (0.6, 0.7, -0.4), 'ear': (0.5, 0, -0.85), 'mouth': (0.3, -0.9, -0.3), 'collar': (0.8, 0.6, 0),
    'shoulder': (1, 0, 0), 'elbow': (1, 0, 0), 'wrist': (1, 0, 0), 'hand': (1, 0, 0), 'pinky': (1, 0, -0.3),
    'hip': (0.9, -0.4, 0), 'knee': (0, -1, 0), 'ankle': (0, -1, 0), 'heel': (0, -0.6, -0.8),
    'small-toe': (0.9, 0, -0.4), 'toe': (0, -0.3, 0.95), 'foot': (0, -0.3, 0.95)}


class SkeletonTree(NamedTuple):
    """A tree of N joints, parents first.

    Attributes:
        joints: names.
        parents: of each joint, -1: the root.
        sources: joints of the skeleton whose mean each is; one, but for joints that the tree adds.
        directions: ``(N,3)`` unit vectors from the parent in a T pose that faces z: x left, y up; 0 at the root.
    """
    joints: tuple
    parents: tuple
    sources: tuple
    directions: np.ndarray

    def children(self, joint: int) -> list[int]:
        return [child for child, parent in enumerate(self.parents) if parent == joint]


@lru_cache
def skeleton_tree(name: str) -> SkeletonTree:
    """The tree of a skeleton: its bones, or where these are none, e.g. a rectangle of hips and shoulders, a tree.

    Where pelvis or neck are missing there, they are added as the middle of the hips and of the shoulders. A joint that
    no bone reaches hangs at the root.
    """
    skeleton = get_skeleton(name)
    joints, sources = list(skeleton.joints), [(i,) for i in range(skeleton.num_joints)]
    parents = _parents_of_tree(skeleton)
    if parents is None:
        parents = _parents_of_graph(skeleton, joints, sources)
    order, waiting = [], deque([parents.index(-1)])
    while waiting:
        order.append(waiting.popleft())
        waiting.extendleft(reversed([j for j, parent in enumerate(parents) if parent == order[-1]]))
    place = {joint: i for i, joint in enumerate(order)}
    return SkeletonTree(tuple(joints[j] for j in order), tuple(place.get(parents[j], -1) for j in order),
                        tuple(sources[j] for j in order), np.array([
                            np.zeros(3) if parents[j] < 0 else _direction(joints[j]) for j in order]))


def _parents_of_tree(skeleton: Skeleton) -> list | None:
    """Parents of the joints if the bones are one tree, else None."""
    if len(skeleton.edges) != skeleton.num_joints - 1:
        return None
    outer = {b for _, b in skeleton.edges}
    inner = [j for j in range(skeleton.num_joints) if j not in outer]
    root = inner[0] if skeleton.root is None else skeleton.root  # one less bone than joints ends in
    parents = {root: -1}
    _spread(parents, deque([root]), skeleton.edges)
    return [parents[j] for j in range(skeleton.num_joints)] if len(parents) == skeleton.num_joints else None


def _parents_of_graph(skeleton: Skeleton, joints: list, sources: list) -> list:
    """Parents of the joints and of those that are added to ``joints`` and ``sources``."""
    def middle(name: str, pair: str) -> int | None:
        known = [joint for joint in (name, 'thorax' if name == 'neck' else name) if joint in joints]
        if known:
            return joints.index(known[0])
        ends = [f'{side}-{pair}' for side in ('left', 'right')]
        if not set(ends) <= set(joints):
            return None
        joints.append(name)
        sources.append(tuple(joints.index(end) for end in ends))
        return len(joints) - 1

    pelvis, neck = middle('pelvis', 'hip'), middle('neck', 'shoulder')
    root = next((j for j in (skeleton.root, pelvis, neck) if j is not None), 0)
    parents = {root: -1}
    for inner, names in ((root, ()), (pelvis, ('left-hip', 'right-hip')), (neck, ('left-shoulder', 'right-shoulder'))):
        if inner is not None:
            parents.setdefault(inner, root)
            for name in names:
                if name in joints:
                    parents.setdefault(joints.index(name), inner)
    if skeleton.head:
        face = skeleton.head[0]
        parents.setdefault(face, neck if neck is not None else root)
        _spread(parents, deque([face]), [edge for edge in skeleton.edges if set(edge) <= set(skeleton.head)])
        for joint in skeleton.head:
            parents.setdefault(joint, face)
    _spread(parents, deque(parents), skeleton.edges)
    return [parents.get(j, root) for j in range(len(joints))]


def _spread(parents: dict, waiting: deque, edges) -> None:
    """Give every joint that bones reach from those that wait the parent from which it is reached."""
    while waiting:
        joint = waiting.popleft()
        for a, b in edges:
            for inner, outer in ((a, b), (b, a)):
                if inner == joint and outer not in parents:
                    parents[outer] = joint
                    waiting.append(outer)


def _direction(joint: str) -> np.ndarray:
    side = ('left' in joint) - ('right' in joint)
    for finger, degrees in FINGERS.items():
        if joint.startswith(finger):
            angle = np.radians(degrees)
            return np.array([-np.cos(angle), 0, np.sin(angle)])
    towards = next((way for word, way in TOWARDS.items() if word in joint), (1, 0, 0) if side else (0, 1, 0))
    out = np.array(towards, float) * (side, 1, 1)
    norm = np.linalg.norm(out)
    return out / norm if norm else np.array([0., 1, 0])
