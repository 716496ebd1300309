"""Joints of one skeleton from the joints of another.

A target joint is the mean of some source joints; a joint that no rule names is the source joint of the same name:

=============== =============== ==================================================================================
source          target          rules
=============== =============== ==================================================================================
h36m32          h36m17          same names
mpi_inf_3dhp28  mpi_inf_3dhp17  same names
h36m17          mpi_inf_3dhp17  neck = thorax, head = neck-nose
mpi_inf_3dhp17  h36m17          thorax = neck, neck-nose = head
h36m17          humaneva15      head = head-top
humaneva15      h36m17          head-top = head, neck-nose = mean of thorax and head, spine = mean of pelvis and thorax
coco17          h36m17          pelvis = mean of the hips, thorax = mean of the shoulders, spine = mean of these four,
                                neck-nose = nose, head-top = mean of the eyes
halpe26         coco17          same names
halpe26         h36m17          thorax = neck, spine = mean of neck and pelvis, neck-nose = nose
openpose25      coco17          same names
openpose25      h36m17          as halpe26, head-top = mean of the eyes
openpose18      coco17          same names
mediapipe33     coco17          same names
=============== =============== ==================================================================================

Other pairs go through these, e.g. coco17 to mpi_inf_3dhp17 through h36m17. The rules of COCO and Halpe are those of
MotionBERT and MMPose: COCO has no joint at the top of the head or the base of the neck, so models that were trained on
Human3.6M see a head that is lower than the ones they know.
"""
from functools import lru_cache
from typing import TypeVar

import numpy as np
from torch import Tensor

from .skeletons import get_skeleton

Joints = TypeVar('Joints', np.ndarray, Tensor)

RULES: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ('h36m32', 'h36m17'): {},
    ('mpi_inf_3dhp28', 'mpi_inf_3dhp17'): {},
    ('h36m17', 'mpi_inf_3dhp17'): {'neck': ('thorax',), 'head': ('neck-nose',)},
    ('mpi_inf_3dhp17', 'h36m17'): {'thorax': ('neck',), 'neck-nose': ('head',)},
    ('h36m17', 'humaneva15'): {'head': ('head-top',)},
    ('humaneva15', 'h36m17'): {'head-top': ('head',), 'neck-nose': ('thorax', 'head'), 'spine': ('pelvis', 'thorax')},
    ('coco17', 'h36m17'): {
        'pelvis': ('left-hip', 'right-hip'), 'thorax': ('left-shoulder', 'right-shoulder'),
        'spine': ('left-hip', 'right-hip', 'left-shoulder', 'right-shoulder'),
        'neck-nose': ('nose',), 'head-top': ('left-eye', 'right-eye')},
    ('halpe26', 'coco17'): {},
    ('halpe26', 'h36m17'): {'thorax': ('neck',), 'spine': ('neck', 'pelvis'), 'neck-nose': ('nose',)},
    ('openpose25', 'coco17'): {},
    ('openpose25', 'h36m17'): {'thorax': ('neck',), 'spine': ('neck', 'pelvis'), 'neck-nose': ('nose',),
                               'head-top': ('left-eye', 'right-eye')},
    ('openpose18', 'coco17'): {},
    ('mediapipe33', 'coco17'): {},
}


def convert_joints(points: Joints, source: str, target: str) -> Joints:
    """Joints of another skeleton, ``(..., Js, D) -> (..., Jt, D)``, any unit and frame; integers become floats.

    A joint that does not contribute has no effect, even if it is NaN.

    Raises:
        KeyError: an unknown skeleton, or no conversion leads from ``source`` to ``target``.
        ValueError: ``points`` does not have the joints of ``source``.
    """
    index, weight = _contributions(source, target)
    _check_joints(points.shape[-2:-1], source)
    if isinstance(points, np.ndarray):
        weight = weight.astype(np.result_type(points, np.float16))
    else:
        points = points if points.is_floating_point() else points.float()
        weight = points.new_tensor(weight)
    return (points[..., index, :] * weight[..., None]).sum(-2)  # (..., Jt, K, D) -> (..., Jt, D)


def convert_confidence(confidence: Joints, source: str, target: str) -> Joints:
    """Confidence or visibility of the converted joints, ``(..., Js) -> (..., Jt)``: the least of the contributors'.

    Raises as :func:`convert_joints`.
    """
    index, _ = _contributions(source, target)
    _check_joints(confidence.shape[-1:], source)
    chosen = confidence[..., index]  # (..., Jt, K)
    return chosen.min(-1) if isinstance(chosen, np.ndarray) else chosen.amin(-1)


def _check_joints(shape: tuple, source: str):
    if tuple(shape) != (get_skeleton(source).num_joints,):
        raise ValueError(f'{source} has {get_skeleton(source).num_joints} joints, got {shape[0] if shape else "none"}')


@lru_cache
def _contributions(source: str, target: str) -> tuple:
    """The K joints that each target joint is made of and their weights, ``(Jt, K)`` each; short rows repeat a joint
    with weight zero."""
    matrix = np.eye(get_skeleton(source).num_joints)
    for pair in _path(source, target):
        matrix = _matrix(*pair) @ matrix
    index = np.argsort(matrix == 0, -1, kind='stable')[:, :(matrix > 0).sum(-1).max()]
    weight = np.take_along_axis(matrix, index, -1)
    return np.where(weight > 0, index, index[:, :1]), weight


def _matrix(source: str, target: str) -> np.ndarray:
    """Weights ``(Jt, Js)`` of one entry of ``RULES``."""
    source_joints, target_joints = get_skeleton(source).joints, get_skeleton(target).joints
    matrix = np.zeros((len(target_joints), len(source_joints)))
    for row, joint in enumerate(target_joints):
        contributors = RULES[source, target].get(joint, (joint,))
        for name in contributors:
            matrix[row, source_joints.index(name)] = 1 / len(contributors)
    return matrix


def _path(source: str, target: str) -> list:
    """Shortest chain of ``RULES`` from one skeleton to another."""
    for name in (source, target):
        get_skeleton(name)  # an unknown name is told first
    paths, reached = {source: []}, [source]
    while reached:
        name = reached.pop(0)
        for start, end in RULES:
            if start == name and end not in paths:
                paths[end] = [*paths[name], (start, end)]
                reached.append(end)
    if target not in paths:
        raise KeyError(f'no conversion from {source!r} to {target!r}; {source!r} converts to {sorted(paths)}')
    return paths[target]
