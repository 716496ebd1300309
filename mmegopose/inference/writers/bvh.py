"""BVH: a skeleton with constant bones that turn; Blender, Maya, MotionBuilder, Unity plugins, three.js open it."""
from pathlib import Path

import numpy as np

from ...files import atomic_write
from ...geometry.bone_rotations import continuous_angles, tree_rotations
from ...geometry.conventions import UNITS
from ...motion import Motion
from .armature import Armature, ArmatureMotion, armature_motion, frame_rate, hole_notes, rest_offsets
from .text_rows import text_rows

END = 0.03  # metres, of the stub that shows a joint without children


def write_bvh(motions: list[Motion], path: Path, unit: str | None) -> list[str]:
    """Write one person, y up, facing z in the T pose; the frames should come at one rate. Returns notes."""
    motion, = motions
    figure = armature_motion(motion)
    scale, places = 1 / UNITS[unit or 'cm'], steady_points(figure)
    values = np.concatenate([places[:, 0] * scale, _angles(figure.armature, places)], 1)
    step = 1 / frame_rate(motion)
    with atomic_write(path) as file:
        file.write('HIERARCHY\n' + _hierarchy(figure, scale))
        file.write(f'MOTION\nFrames: {len(motion)}\nFrame Time: {step:.8f}\n')
        for text in text_rows(values, ' '.join(['%.6f'] * 3 + ['%.4f'] * (values.shape[1] - 3)) + '\n'):
            file.write(text)
    person = motion.person or 'the person'
    return [f'lengths are in {unit or "cm"}, y is up', *hole_notes(figure, person),
            _deviation_note(figure, places, person)]


def steady_points(figure: ArmatureMotion) -> np.ndarray:
    """Joints ``(T,N,3)`` whose bones have one length each.

    Every bone points from where its parent has come to where the joint was, so that errors do not add up along a limb.
    """
    places = figure.points.copy()
    for joint, parent in enumerate(figure.armature.parents):
        if parent >= 0:
            bone = figure.points[:, joint] - places[:, parent]
            norm = np.linalg.norm(bone, axis=-1, keepdims=True)
            places[:, joint] = places[:, parent] + bone / np.maximum(norm, 1e-9) * figure.bone_lengths[joint]
    return places


def _deviation_note(figure: ArmatureMotion, places: np.ndarray, person: str) -> str:
    """How far joints lie from where they were, millimetres."""
    there = figure.valid & ~figure.armature.is_helper
    off = np.where(there, np.linalg.norm(places - figure.points, axis=-1) * 1000, 0)
    each = off.sum(0) / np.maximum(there.sum(0), 1)
    mean = off.sum() / there.sum()
    worst = int(each.argmax())
    note = (f'{person}: bones have one length here, so joints are {mean:.1f} mm off on average, '
            f'{figure.armature.names[worst]} {each[worst]:.1f} mm')
    return note + ('; mmegopose predict --constant-bones gives bones one length beforehand'
                   if mean > 10 else '')


def _angles(armature: Armature, points: np.ndarray) -> np.ndarray:
    """Degrees about z, x, y of every joint relative to its parent, ``(T,3N)``."""
    return np.concatenate([
        continuous_angles(base.swapaxes(1, 2) @ rotation) for _, rotation, base in tree_rotations(
            points, armature.parents, armature.directions, armature.tips)], 1)


def _hierarchy(figure: ArmatureMotion, scale: float) -> str:
    armature, offsets, lines = figure.armature, rest_offsets(figure) * scale, []

    def add(joint: int, indent: str) -> None:
        lines.append(f'{indent}{"JOINT" if joint else "ROOT"} {"_".join(armature.names[joint].split())}\n{indent}{{')
        x, y, z = offsets[joint]
        lines.append(f'{indent}\tOFFSET {x:.6f} {y:.6f} {z:.6f}')
        places = '' if joint else 'Xposition Yposition Zposition '
        lines.append(f'{indent}\tCHANNELS {3 if joint else 6} {places}Zrotation Xrotation Yrotation')
        children = _children(armature, joint)
        for child in children:
            add(child, indent + '\t')
        if not children:
            x, y, z = armature.directions[joint] * END * scale
            lines.append(f'{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET {x:.6f} {y:.6f} {z:.6f}\n{indent}\t}}')
        lines.append(f'{indent}}}')

    add(0, '')
    return '\n'.join(lines) + '\n'


def _children(armature: Armature, joint: int) -> list[int]:
    return [child for child, parent in enumerate(armature.parents) if parent == joint]
