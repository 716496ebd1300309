"""GLB (glTF 2.0): animated people, for Blender, Unity, Unreal, Windows, web pages; y up, metres."""
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...geometry.bone_rotations import tree_rotations
from ...geometry.bone_shapes import TRIANGLES, octahedra
from ...motion import Motion
from .armature import Y_UP, ArmatureMotion, armature_motion, bridge, hole_notes, last_rows, rest_offsets
from .body_fit import BodyFit, fit_body, rest_joints, rest_vertices
from .glb_file import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbFile

COLORS = dict(left=(0.12, 0.38, 0.66), right=(0.78, 0.15, 0.15), centre=(0.35, 0.35, 0.35), skin=(0.76, 0.6, 0.5))
OPENGL = np.diag([1., -1, -1])  # a camera of glTF looks along -z with y up
FAR = 1000.0                    # metres: farther away float32 has steps of 0.06 mm and more
STILL = 1e-5                    # metres: a bone whose length changes by less needs no channel
VIEW = 1.0                      # radians: the field of view that a head camera is drawn with; it is not known


def write_glb(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write people as skins with joints: the body model where the mesh has one, else a skeleton of octahedra.

    Bones may change their length, so joints are where they are in the motion. Where a person is not there, the figure
    has scale 0; joints that are missing alone are bridged. A head track is the camera ``head_camera``. Times begin at
    0.

    Raises:
        ValueError: nobody has a valid pose.
    """
    glb, notes, begin = GlbFile(), ['y is up, lengths are in metres'], min(motion.time[0] for motion in motions)
    motions = [motion.upright() for motion in motions]
    origin = _far_origin(motions)
    if origin.any():
        motions = [_moved(motion, -origin) for motion in motions]
        notes.append('places count from x = {:.0f}, y = {:.0f}, z = {:.0f} m of the world, z up'.format(*origin))
    glb.content['scenes'][0]['extras'] = dict(start_seconds=float(begin), **(
        dict(origin=origin.tolist()) if origin.any() else {}))
    for kind, (r, g, b) in COLORS.items():
        glb.add('materials', name=kind, pbrMetallicRoughness=dict(baseColorFactor=[r, g, b, 1], metallicFactor=0,
                                                                  roughnessFactor=0.8))
    for number, motion in enumerate(motions):
        person = motion.person or str(number)
        there = np.any(motion.valid, 1)
        time = glb.accessor(motion.time - begin, bounds=True)
        fit = None
        if motion.mesh is not None:
            try:
                fit = fit_body(motion.mesh, plain=True)
            except ValueError as error:
                notes.append(f'{person}: bones instead of the mesh, because {error}; ply and obj hold any mesh')
        if fit is not None:
            there = fit.there
            _add_body(glb, person, fit, time, motion.time)
            notes.append(f'{person}: the mesh has one shape and follows its joints alone, so vertices are '
                         f'{fit.deviation * 1000:.1f} mm off on average')
            if not there.all():
                notes.append(f'{person}: {int((~there).sum())} frames without a mesh are hidden')
        else:
            figure = armature_motion(motion)
            _add_skeleton(glb, person, figure, time, there)
            notes += hole_notes(figure, person, bridged=False)
        if motion.frame == 'world' and motion.head_pose is not None and np.any(motion.head_valid):
            _add_head(glb, motion.person, motion.head_pose, np.asarray(motion.head_valid), time)
    glb.save(path)
    return notes


def _far_origin(motions: list[Motion]) -> np.ndarray:
    """Whole metres from which places count, ``(3,)``: zeros unless people are so far away that float32, in which glTF
    keeps them, has steps of more than a tenth of a millimetre."""
    places = np.concatenate([motion.joints[motion.valid] for motion in motions])
    middle = np.median(places, 0) if len(places) else np.zeros(3)
    return np.round(middle) if np.abs(middle).max() > FAR else np.zeros(3)


def _moved(motion: Motion, shift: np.ndarray) -> Motion:
    transform = np.eye(4)
    transform[:3, 3] = shift
    moved = motion.moved(transform, motion.frame)
    return moved if motion.head_pose is None else replace(moved, head_pose=transform @ motion.head_pose)


def _add_skeleton(glb: GlbFile, person: str, figure: ArmatureMotion, time: int, there: np.ndarray) -> None:
    """A skeleton of octahedra; each is bound to the joints at its ends, so that it stretches with its bone."""
    armature, offsets = figure.armature, rest_offsets(figure)
    rest = offsets.copy()
    rest[0] = figure.points[0, 0]
    for joint, parent in enumerate(armature.parents):
        if parent >= 0:
            rest[joint] += rest[parent]
    local = {joint: base.swapaxes(1, 2) @ rotation for joint, rotation, base in tree_rotations(
        figure.points, armature.parents, armature.directions, armature.tips)}
    parent_of = np.array(armature.parents)
    bones = np.linalg.norm(figure.points - figure.points[:, np.maximum(parent_of, 0)], axis=-1)
    places = armature.directions * bones[..., None]                                    # (T,N,3)
    places[:, 0] = figure.points[:, 0]
    joints = _add_joints(glb, person, armature.names, armature.parents, offsets, rest[0], local, places, time, there)
    ends = [j for j, parent in enumerate(armature.parents) if parent >= 0 and not armature.is_helper[j]
            and figure.bone_lengths[j] > 1e-4]
    begins = [armature.parents[j] for j in ends]
    corners = octahedra(rest[begins], rest[ends])                                      # (K,6,3)
    bound = np.stack([begins] * 5 + [ends], 1)                                         # (K,6) joints of the corners
    sides = [next((side for side in ('left', 'right') if side in armature.names[j]), 'centre') for j in ends]
    primitives = []
    for side, material in (('left', 0), ('right', 1), ('centre', 2)):
        some = [k for k, own in enumerate(sides) if own == side]
        if some:
            vertices = corners[some][:, TRIANGLES].reshape(-1, 3)                      # flat faces: a corner for each
            owners = bound[some][:, TRIANGLES].reshape(-1)
            primitives.append(_primitive(glb, vertices, np.arange(len(vertices)).reshape(-1, 3), owners[:, None],
                                         np.ones((len(vertices), 1)), material))
    _add_skin(glb, person, primitives, joints, rest)


def _add_body(glb: GlbFile, person: str, fit: BodyFit, time: int, seconds: np.ndarray) -> None:
    """A body model: its vertices are bound to their four strongest joints."""
    body = fit.body
    rest = rest_joints(body, fit.betas)  # at rest it stands in its own axes, and the root turns them
    parents = body.parents.tolist()
    offsets = np.array([rest[j] - rest[parent] if parent >= 0 else np.zeros(3) for j, parent in enumerate(parents)])
    turned = fit.rotations[last_rows(fit.there)]
    turned[:, 0] = Y_UP @ turned[:, 0]
    root = (rest[0] + bridge(fit.translation, fit.there, seconds)) @ Y_UP.T
    places = np.repeat(offsets[None], len(seconds), 0)
    places[:, 0] = root
    names = tuple(f'joint-{j}' for j in range(len(parents)))
    joints = _add_joints(glb, person, names, tuple(parents), offsets, rest[0], dict(enumerate(turned.swapaxes(0, 1))),
                         places, time, fit.there)
    strongest = np.argsort(-body.weights, 1)[:, :4]
    primitive = _primitive(glb, rest_vertices(body, fit.betas), body.f, strongest,
                           np.take_along_axis(body.weights, strongest, 1), 3)
    _add_skin(glb, person, [primitive], joints, rest)


def _add_joints(glb: GlbFile, person: str, names: tuple, parents: tuple, offsets: np.ndarray, root: np.ndarray,
                local: dict, places: np.ndarray, time: int, there: np.ndarray) -> list[int]:
    """Nodes of the joints ``[N]``, below one of the person, at rest and with their motion.

    Args:
        offsets: ``(N,3)`` at rest, from the parents; root: ``(3,)`` place of the first at rest.
        local: rotations ``(T,3,3)`` of the joints by their numbers.
        places: ``(T,N,3)`` from the parents.
        there: ``(T,)`` bool: the person is shown.
    """
    first = len(glb.content.get('nodes', []))
    top = glb.add('nodes', name=person, children=[first + 1])
    glb.add_root(top)
    nodes = [first + 1 + j for j in range(len(names))]
    for j, name in enumerate(names):
        glb.add('nodes', name=name, translation=(offsets[j] if j else root).tolist(),
                children=[nodes[child] for child, parent in enumerate(parents) if parent == j] or None)
        quaternion = continuous_quaternions(local[j])
        if np.abs(quaternion - (0, 0, 0, 1)).max() > 1e-6:
            glb.animate(nodes[j], 'rotation', time, quaternion)
        if not j or np.abs(places[:, j] - offsets[j]).max() > STILL:
            glb.animate(nodes[j], 'translation', time, places[:, j])
    if not there.all():
        glb.animate(top, 'scale', time, np.repeat(there[:, None], 3, 1), 'STEP')
    return nodes


def _primitive(glb: GlbFile, vertices: np.ndarray, faces: np.ndarray, joints: np.ndarray, weights: np.ndarray,
               material: int) -> dict:
    """Triangles ``(F,3)`` of vertices ``(V,3)``, each bound to up to four joints ``(V,K)`` with weights ``(V,K)``."""
    normals = np.zeros_like(vertices)
    flat = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    for corner in range(3):
        np.add.at(normals, faces[:, corner], flat)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    four = [(0, 0), (0, 4 - joints.shape[1])]
    attributes = dict(POSITION=glb.accessor(vertices, target=ARRAY_BUFFER, bounds=True),
                      NORMAL=glb.accessor(normals, target=ARRAY_BUFFER),
                      JOINTS_0=glb.accessor(np.pad(joints, four), 'u2', ARRAY_BUFFER),
                      WEIGHTS_0=glb.accessor(np.pad(weights, four), target=ARRAY_BUFFER))
    return dict(attributes=attributes, indices=glb.accessor(faces.reshape(-1), 'u4', ELEMENT_ARRAY_BUFFER),
                material=material)


def _add_skin(glb: GlbFile, person: str, primitives: list[dict], joints: list[int], rest: np.ndarray) -> None:
    inverse = np.tile(np.eye(4), (len(rest), 1, 1))
    inverse[:, :3, 3] = -rest
    if primitives:
        skin = glb.add('skins', name=person, joints=joints, inverseBindMatrices=glb.accessor(inverse))
        mesh = glb.add('meshes', name=f'{person} mesh', primitives=primitives)
        glb.add_root(glb.add('nodes', name=f'{person} mesh', mesh=mesh, skin=skin))


def _add_head(glb: GlbFile, person: str, head_pose: np.ndarray, there: np.ndarray, time: int) -> None:
    """A camera that moves as the head track says; where that is not known, it stays where it was last."""
    pose = head_pose[last_rows(there)]
    camera = glb.add('cameras', name='head_camera', type='perspective', perspective=dict(
        yfov=VIEW, znear=0.05, zfar=100.0))
    node = glb.add('nodes', name='head_camera', camera=camera, extras=dict(
        person=person, field_of_view='not known, a drawing', frames_without=int((~there).sum())))
    glb.add_root(node)
    glb.animate(node, 'translation', time, pose[:, :3, 3] @ Y_UP.T)
    glb.animate(node, 'rotation', time, continuous_quaternions(Y_UP @ pose[:, :3, :3] @ OPENGL))


def continuous_quaternions(rotations: np.ndarray) -> np.ndarray:
    """Rotations ``(T,3,3)`` as unit quaternions ``(T,4)`` x, y, z, w, whose signs do not jump."""
    out = Rotation.from_matrix(rotations).as_quat().reshape(-1, 4)
    flips = (out[1:] * out[:-1]).sum(-1) < 0
    out[1:] *= np.where(np.logical_xor.accumulate(flips), -1, 1)[:, None]
    return out
