"""Acclaim motion capture files: the skeleton (ASF), the motion (AMC) and their forward kinematics.

Format: J. Lander, "Working with motion capture file formats", Game Developer 1998; CMU flavour, whose bones all state
their axis in the order XYZ. Coordinates are y up, as in the files.
"""
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

INCH = 0.0254
MAX_BONE_M = 10
MAX_CHANNEL = 1e6  # degrees, or units of the file
AXIS = dict(rx=0, ry=1, rz=2)
ROOT_ORDER = ('tx', 'ty', 'tz', 'rx', 'ry', 'rz')


@dataclass(frozen=True)
class Bone:
    """One bone of an ASF skeleton.

    Attributes:
        parent: name of the parent bone, or ``'root'``.
        offset: ``(3,)`` from its start to its end in the rest pose, metres.
        axis: ``(3,3)`` rotation of the frame in which its angles are measured.
        dof: index of the axis (0 x, 1 y, 2 z) of each of its angles.
    """
    parent: str
    offset: np.ndarray
    axis: np.ndarray
    dof: tuple


@dataclass(frozen=True)
class Asf:
    """ASF skeleton: bones in an order in which parents come first, the order of the root's channels, metres a unit."""
    bones: dict
    root_order: tuple
    scale: float


def read_asf(path: str | Path) -> Asf:
    """Skeleton of an ASF file. Raises ``ValueError`` that names the file and what is wrong in it."""
    sections = {part.split(None, 1)[0]: part for part in re.split(r'^:', _text(path), flags=re.M)[1:] if part.strip()}
    missing = [name for name in ('units', 'root', 'bonedata', 'hierarchy') if name not in sections]
    if missing:
        raise ValueError(f'{path} is not a complete ASF file: it has no section :{missing[0]}')
    try:
        unit = float(_field(sections['units'], 'length', 'units')[0])
        if unit <= 0:
            raise ValueError(f'the unit of length should be positive, got {unit}')
        scale = INCH / unit
        if _field(sections['units'], 'angle', 'units')[0] != 'deg':
            raise ValueError('angles should be in degrees')
        order = tuple(word.lower() for word in _field(sections['root'], 'order', 'root'))
        if sorted(order) != sorted(ROOT_ORDER):
            raise ValueError(f'the order of the root should name {ROOT_ORDER}, got {order}')
        parents = _hierarchy(sections['hierarchy'])
        blocks = re.split(r'^\s*begin\s*$', sections['bonedata'], flags=re.M)[1:]
        bones = dict(_bone(block, parents, scale) for block in blocks)
        return Asf(_parents_first(bones), order, scale)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None


def _text(path: str | Path) -> str:
    # latin-1 decodes every byte: the comments hold paths of the capture machines
    return Path(path).read_text(encoding='latin-1')


def _field(block: str, key: str, where: str) -> list:
    found = re.search(rf'^\s*{key}\s+(\S.*)$', block, flags=re.M)
    if not found:
        raise ValueError(f'{where} has no {key!r}')
    return found.group(1).split()


def _hierarchy(section: str) -> dict:
    lines = [line.split() for line in section.splitlines()[1:] if line.strip()]
    if ['end'] not in lines:
        raise ValueError('the hierarchy has no end: the file is cut off')
    return {child: words[0] for words in lines if words[0] not in ('begin', 'end') for child in words[1:]}


def _bone(block: str, parents: dict, scale: float) -> tuple[str, Bone]:
    name = _field(block, 'name', 'a bone')[0]
    if not re.search(r'^\s*end\s*$', block, flags=re.M):
        raise ValueError(f'bone {name!r} has no end: the file is cut off')
    if name not in parents:
        raise ValueError(f'bone {name!r} is not in the hierarchy')
    *angles, order = _field(block, 'axis', f'bone {name!r}')
    direction = np.array(_field(block, 'direction', f'bone {name!r}'), float)
    length = float(_field(block, 'length', f'bone {name!r}')[0])
    if not abs(direction * length * scale).max(initial=0) < MAX_BONE_M:
        raise ValueError(f'bone {name!r} is {length * scale:.3g} m long')
    if order.upper() != 'XYZ' or len(angles) != 3 or direction.shape != (3,):
        raise ValueError(f'bone {name!r} should have a direction of 3 numbers and an axis of 3 numbers followed by XYZ')
    dof = _field(block, 'dof', name) if re.search(r'^\s*dof\s', block, flags=re.M) else []
    unknown = set(dof) - set(AXIS)
    if unknown:
        raise ValueError(f'bone {name!r} has the unknown dof {sorted(unknown)[0]!r}, should be among {sorted(AXIS)}')
    axis = Rotation.from_euler('xyz', np.array(angles, float), degrees=True).as_matrix()
    return name, Bone(parents[name], direction * length * scale, axis, tuple(AXIS[d] for d in dof))


def _parents_first(bones: dict) -> dict:
    ordered = {}
    while len(ordered) < len(bones):
        ready = {n: b for n, b in bones.items() if n not in ordered and (b.parent == 'root' or b.parent in ordered)}
        if not ready:
            lost = next(n for n in bones if n not in ordered)
            raise ValueError(f'bone {lost!r} is not connected to the root')
        ordered.update(ready)
    return ordered


def read_amc(path: str | Path, asf: Asf) -> dict[str, np.ndarray]:
    """Motion of an AMC file: ``{bone or 'root': (T, channels)}`` in the units of the file.

    An incomplete last frame is dropped: many files in circulation are cut off.

    Raises:
        ValueError: the file is malformed or does not fit the skeleton; the message names file and line.
    """
    rows = [(number, line) for number, line in enumerate(_text(path).splitlines(), 1)
            if line.strip() and line.lstrip()[0] not in '#:']
    heads = [i for i, (_, line) in enumerate(rows) if line.strip().isdigit()]
    if not heads or heads[0] != 0:
        raise ValueError(f'{path} is not an AMC file: it should start with the number of a frame')
    size = heads[1] if len(heads) > 1 else len(rows)
    last = [len(line.split()) for _, line in rows[heads[-1]:]]
    before = [len(line.split()) for _, line in rows[heads[-1] - size:heads[-1]]]
    if len(heads) > 1 and last != before and len(last) <= len(before) and last[:-1] == before[:len(last) - 1] \
            and last[-1] <= before[len(last) - 1]:
        rows, heads = rows[:heads[-1]], heads[:-1]
    channels = {'root': len(asf.root_order), **{name: len(bone.dof) for name, bone in asf.bones.items()}}
    if len(rows) % size:
        raise ValueError(f'{path}: the frames before line {rows[-1][0]} have different lengths; the first frame has '
                         f'{size - 1} bones')
    numbers = np.array([int(rows[i][1]) for i in heads])
    if (np.diff(numbers) != 1).any():
        raise ValueError(f'{path}: frame {numbers[:-1][np.diff(numbers) != 1][0]} is not followed by the next number')
    motion = {}
    for row in range(1, size):
        block = [(number, line.split()) for number, line in rows[row::size]]
        name = block[0][1][0]
        if name not in channels:
            raise ValueError(f'{path} line {block[0][0]}: the skeleton has no bone {name!r}')
        for number, words in block:
            if words[0] != name or len(words) != channels[name] + 1:
                raise ValueError(f'{path} line {number}: expected {name!r} with {channels[name]} numbers, '
                                 f'got {" ".join(words)[:60]!r}')
        try:
            motion[name] = np.array([words[1:] for _, words in block], float)
        except ValueError as error:
            raise ValueError(f'{path}: bone {name!r}: {error}') from None
        if not (np.abs(motion[name]) < MAX_CHANNEL).all():  # NaN is not
            raise ValueError(f'{path}: bone {name!r} has an angle or a place of {np.abs(motion[name]).max():.3g}')
    if 'root' not in motion:
        raise ValueError(f'{path}: the frames have no root')
    return motion


def asf_kinematics(asf: Asf, motion: dict[str, np.ndarray]):
    """Global pose of all bones.

    Args:
        asf: the skeleton.
        motion: from :func:`read_amc`; bones without motion keep their rest pose.

    Returns:
        ``(ends, rotations)``: ``{bone: (T,3)}`` ends of the bones in metres, ``{bone: (T,3,3)}`` global rotations,
        identity in the rest pose; ``'root'`` is among them.
    """
    column = {name: motion['root'][:, i] for i, name in enumerate(asf.root_order)}
    ends = {'root': np.stack([column[k] for k in ('tx', 'ty', 'tz')], 1) * asf.scale}
    angles = np.stack([column[k] for k in ('rx', 'ry', 'rz')], 1)
    rotations = {'root': Rotation.from_euler('xyz', angles, degrees=True).as_matrix()}
    for name, bone in asf.bones.items():
        rotation = rotations[bone.parent]
        if bone.dof and name in motion:
            angles = np.zeros((len(rotation), 3))
            angles[:, bone.dof] = motion[name]
            local = Rotation.from_euler('xyz', angles, degrees=True).as_matrix()
            rotation = rotation @ (bone.axis @ local @ bone.axis.T)  # (T,3,3)
        rotations[name] = rotation
        ends[name] = ends[bone.parent] + rotation @ bone.offset  # (T,3)
    return ends, rotations
