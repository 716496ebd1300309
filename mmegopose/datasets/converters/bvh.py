"""BioVision hierarchy files (BVH) and their forward kinematics, in the units and axes of the file."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...files import DAMAGE

MAX_CHANNEL = 1e6  # degrees, or units of the file
CHANNELS = {axis + kind for axis in 'XYZ' for kind in ('position', 'rotation')}


@dataclass(frozen=True)
class Bvh:
    """A BVH file.

    Attributes:
        names: joints, parents first.
        parents: index of each joint's parent, -1 for the root.
        offsets: ``(J,3)`` from the parent in the rest pose.
        channels: channel names of each joint, e.g. ``('Zrotation', 'Xrotation', 'Yrotation')``.
        ends: ``{joint: (3,)}`` offsets of the end sites.
        motion: ``(T,C)`` channel values, joint after joint, degrees and file units.
        frame_time: seconds a frame.
    """
    names: tuple
    parents: tuple
    offsets: np.ndarray
    channels: tuple
    ends: dict
    motion: np.ndarray
    frame_time: float


class _Hierarchy:
    """Joints collected while the lines of a BVH header come in."""

    def __init__(self):
        self.names, self.parents, self.offsets, self.channels, self.ends = [], [], [], [], {}
        self.stack, self.pending = [], None

    def read(self, word: str, rest: list) -> None:
        in_joint = bool(self.stack) and self.stack[-1] != 'end'
        if (word == 'ROOT' and not self.stack or word == 'JOINT' and in_joint) and rest:
            self.pending = len(self.names)
            self.parents.append(self.stack[-1] if self.stack else -1)
            self.names.append(' '.join(rest))
            self.offsets.append(None)
            self.channels.append(())
        elif word == 'End' and in_joint:
            self.pending = 'end'
        elif word == '{' and self.pending is not None:
            self.stack.append(self.pending)
            self.pending = None
        elif word == '}' and self.stack:
            self.stack.pop()
        elif word == 'OFFSET' and self.stack and len(rest) == 3:
            offset = np.array(rest, float)
            if self.stack[-1] == 'end':
                self.ends[self.names[self.stack[-2]]] = offset
            else:
                self.offsets[self.stack[-1]] = offset
        elif word == 'CHANNELS' and in_joint and rest and set(rest[1:]) <= CHANNELS \
                and int(rest[0]) == len(rest) - 1:
            self.channels[self.stack[-1]] = tuple(rest[1:])
        elif word != 'HIERARCHY':
            raise ValueError(f'unexpected {" ".join([word, *rest])[:60]!r}')


def read_bvh(path: str | Path) -> Bvh:
    """Contents of a BVH file. Raises ``ValueError`` that names file and line or what is missing."""
    lines = Path(path).read_text(encoding='latin-1').splitlines()
    header = _Hierarchy()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words and words[0] == 'MOTION':
            break
        try:
            if words:
                header.read(words[0], words[1:])
        except ValueError as error:
            raise ValueError(f'{path} line {number}: {error}') from None
    else:
        raise ValueError(f'{path} is not a complete BVH file: it has no line MOTION')
    if header.stack or not header.names or any(offset is None for offset in header.offsets):
        raise ValueError(f'{path}: the hierarchy is incomplete (open braces: {len(header.stack)}, '
                         f'joints: {len(header.names)}, each needs an OFFSET)')
    try:
        frames = int(lines[number].partition('Frames:')[2])
        frame_time = float(lines[number + 1].partition('Frame Time:')[2])
    except DAMAGE:
        raise ValueError(f'{path} line {number + 1}: MOTION should be followed by "Frames: N" and "Frame Time: S"') \
            from None
    width = sum(map(len, header.channels))
    try:
        values = np.array(' '.join(lines[number + 2:]).split(), float)
    except ValueError as error:
        raise ValueError(f'{path}: motion: {error}') from None
    if (frames - 1) * width <= values.size < frames * width and frames > 1:  # a file cut inside its last frame
        frames, values = frames - 1, values[:(frames - 1) * width]
    if values.size != frames * width or frames < 1 or not 0 < frame_time < 1e3 \
            or not (np.abs(values) < MAX_CHANNEL).all():
        raise ValueError(f'{path} should have {frames} frames of {width} numbers, has {values.size} numbers '
                         f'and a frame time of {frame_time} s: it is cut off or malformed')
    return Bvh(tuple(header.names), tuple(header.parents), np.array(header.offsets), tuple(header.channels),
               header.ends, values.reshape(frames, width), frame_time)


def bvh_kinematics(bvh: Bvh, rows: np.ndarray | slice = slice(None)):
    """Global pose of all joints.

    Args:
        bvh: the file.
        rows: frames to compute.

    Returns:
        ``(positions, rotations)``: ``{joint: (T,3)}`` in file units and ``{joint: (T,3,3)}``.
    """
    splits = np.cumsum([len(channels) for channels in bvh.channels])[:-1]
    positions, rotations = {}, {}
    for name, parent, offset, channels, values in zip(bvh.names, bvh.parents, bvh.offsets, bvh.channels,
                                                      np.split(bvh.motion[rows], splits, 1)):
        turns = [i for i, channel in enumerate(channels) if channel.endswith('rotation')]
        moves = [i for i, channel in enumerate(channels) if channel.endswith('position')]
        local = np.tile(offset, (len(values), 1))
        if moves:  # as in all tools that write BVH, a joint's position channels stand in for its offset
            local = np.zeros((len(values), 3))
            local[:, ['XYZ'.index(channels[i][0]) for i in moves]] = values[:, moves]
        rotation = np.tile(np.eye(3), (len(values), 1, 1))
        if turns:
            order = ''.join(channels[i][0] for i in turns)
            rotation = Rotation.from_euler(order, values[:, turns], degrees=True).as_matrix()
        if parent >= 0:
            above = bvh.names[parent]
            local = positions[above] + (rotations[above] @ local[:, :, None])[:, :, 0]
            rotation = rotations[above] @ rotation
        positions[name], rotations[name] = local, rotation
    return positions, rotations
