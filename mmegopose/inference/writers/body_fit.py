"""The rotations of a body model that make the mesh of a motion, in the axes of that motion."""
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ...body_models import BodyArrays, SkinnedModel, read_body_model
from ...motion import Mesh
from ..meshes.full_camera import MIRROR

MIRRORED = ' (mirrored)'  # at the end of Mesh.body_model: a left hand
FRAMES = 256              # at once


class BodyFit(NamedTuple):
    """A body that moves.

    Attributes:
        body: the model, of a left hand mirrored.
        betas: ``(S,)`` one shape for all frames, the median.
        rotations: ``(T,J,3,3)`` of the joints relative to their parents, the root's in the axes of the motion.
        translation: ``(T,3)`` of the whole body, as SMPL adds it.
        there: ``(T,)`` bool: the frame has a mesh.
        deviation: metres, of the vertices from those of the motion, on average.
    """
    body: BodyArrays
    betas: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray
    there: np.ndarray
    deviation: float


def fit_body(mesh: Mesh, plain: bool = False) -> BodyFit:
    """Rotations, shape and place of the body model behind a mesh.

    Wherever the mesh was moved after it was made, into the world say, its vertices tell where the body is; its
    parameters tell how it is bent.

    Args:
        plain: vertices follow their four strongest joints alone, without corrections, as in game engines.

    Raises:
        ValueError: why there is none; what is missing or cannot be read.
    """
    missing = [key for key in ('global_orient', 'body_pose', 'betas') if key not in mesh.parameters]
    if missing or not mesh.body_model:
        raise ValueError(f'the mesh has no {", ".join(missing) or "body model"}')
    body = _body_of(mesh.body_model)
    rotations = np.concatenate([mesh.parameters[key] for key in ('global_orient', 'body_pose')], 1).astype(float)
    betas = np.asarray(mesh.parameters['betas'], float)
    count = len(body.J_regressor)
    if rotations.shape[1:] != (count, 3, 3) or betas.ndim != 2 or body.shapedirs.shape[-1] < betas.shape[1] or \
            len(body.v_template) != mesh.vertices.shape[1]:
        raise ValueError(f'the mesh of {mesh.vertices.shape[1]} vertices and {rotations.shape[1]} rotations is not one '
                         f'of {mesh.body_model}, which has {len(body.v_template)} and {count}')
    there = np.isfinite(mesh.vertices).all((1, 2)) & np.isfinite(rotations).all((1, 2, 3)) & np.isfinite(betas).all(1)
    if not there.any():
        raise ValueError('the mesh is not there in any frame')
    turned = rotations[there]
    if not (np.abs(turned @ turned.swapaxes(-1, -2) - np.eye(3)).max() < 0.01 and (np.linalg.det(turned) > 0).all()):
        raise ValueError('its parameters are no rotations')
    shape = np.median(betas[there], 0)
    body = replace(body, shapedirs=body.shapedirs[..., :len(shape)])
    if plain:
        weakest = np.argsort(body.weights, 1)[:, :-4]
        weights = np.array(body.weights, float)
        np.put_along_axis(weights, weakest, 0, 1)
        body = replace(body, posedirs=None, weights=weights / weights.sum(1, keepdims=True))
    model = SkinnedModel(body, num_betas=len(shape))
    turn = np.tile(np.eye(3), (len(there), 1, 1))
    shift, off = np.zeros((len(there), 3)), 0.0
    rows = np.flatnonzero(there)
    for some in np.split(rows, range(FRAMES, len(rows), FRAMES)):
        target = mesh.vertices[some].astype(float)
        with torch.no_grad():
            pose = torch.from_numpy(rotations[some]).float()
            made = model(pose[:, :1], pose[:, 1:], torch.from_numpy(shape).float().expand(len(some), -1))
        points = made['vertices'].double().numpy()
        turn[some] = _rigid_turn(points, target)
        moved = points @ turn[some].swapaxes(1, 2)
        shift[some] = target.mean(1) - moved.mean(1)
        off += np.linalg.norm(moved + shift[some, None] - target, axis=-1).mean(1).sum()
    rotations[:, 0] = turn @ rotations[:, 0]
    root = rest_joints(body, shape)[0]
    return BodyFit(body, shape, rotations, turn @ root + shift - root, there, off / len(rows))


def rest_joints(body: BodyArrays, betas: np.ndarray) -> np.ndarray:
    """Joints ``(J,3)`` of a shape at rest."""
    return body.J_regressor @ rest_vertices(body, betas)


def rest_vertices(body: BodyArrays, betas: np.ndarray) -> np.ndarray:
    """Vertices ``(V,3)`` of a shape at rest."""
    return body.v_template + body.shapedirs @ betas


def _body_of(name: str) -> BodyArrays:
    source = name.removesuffix(MIRRORED)
    try:
        body = read_body_model(source)
    except (OSError, ValueError) as error:
        raise ValueError(f'its body model cannot be read here: {error}') from None
    if source == name:
        return body
    flip = np.array([-1., 1, 1])
    posedirs = body.posedirs
    if posedirs is not None:
        posedirs = posedirs * flip[:, None] * np.tile(MIRROR.ravel(), posedirs.shape[-1] // 9)
    return replace(body, v_template=body.v_template * flip, shapedirs=body.shapedirs * flip[:, None], f=body.f[:, ::-1],
                   posedirs=posedirs)


def _rigid_turn(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotations ``(n,3,3)`` that bring ``points (n,V,3)`` nearest to ``target``, about their middles."""
    points, target = points - points.mean(1, keepdims=True), target - target.mean(1, keepdims=True)
    left, _, right = np.linalg.svd(target.swapaxes(1, 2) @ points)
    left[np.linalg.det(left @ right) < 0, :, 2] *= -1
    return left @ right
