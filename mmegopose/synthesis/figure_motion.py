"""Rotations of SMPL's joints from the joint positions of motion capture."""
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..datasets.mocap_sequences import MocapSequences
from ..datasets.shipped_motion import ASSET
from ..geometry.rotations import so3_exp, so3_log
from ..structures import get_skeleton

SOURCE, SMPL = ({name: i for i, name in enumerate(get_skeleton(kind).joints)} for kind in ('h36m17', 'smpl24'))
PARENTS = dict((child, parent) for parent, child in get_skeleton('smpl24').edges)
Y_UP = [1, 2, 0]  # axes y, z, x of a world whose z is up


def body_rotations(joints: Tensor, rest: Tensor) -> Tensor:
    """Local rotations of each joint, the root's to a world whose y is up.

    Pelvis and chest follow hips and shoulders; the spine shares the turn between them; limbs and head swing to where
    the next joint is, without a twist of their own; feet and hands keep the direction of shank and forearm.

    Args:
        joints: ``(...,17,3)`` joints of Human3.6M in a world whose z is up.
        rest: ``(24,3)`` joints of SMPL at rest: left to x, head to y.

    Returns:
        ``(...,24,3,3)``.
    """
    seen = joints[..., Y_UP]

    def bone(end: str, start: str) -> Tensor:
        return seen[..., SOURCE[end], :] - seen[..., SOURCE[start], :]  # (..., 3)

    def at_rest(end: str, start: str) -> Tensor:
        return rest[SMPL[end]] - rest[SMPL[start]]  # (3,)

    pelvis = _frame(bone('left-hip', 'right-hip'), bone('spine', 'pelvis')) @ _frame(
        at_rest('left-hip', 'right-hip'), at_rest('spine-2', 'pelvis')).mT
    chest = _frame(bone('left-shoulder', 'right-shoulder'), bone('thorax', 'spine')) @ _frame(
        at_rest('left-shoulder', 'right-shoulder'), at_rest('neck', 'spine-2')).mT
    turn = so3_log(pelvis.mT @ chest)
    world = dict(pelvis=pelvis, **{f'spine-{i}': pelvis @ so3_exp(turn * i / 3) for i in (1, 2, 3)})
    world['neck'] = world['head'] = swing_joint(chest, at_rest('head', 'neck'), bone('head-top', 'thorax'))
    for side in ('left', 'right'):
        world[f'{side}-collar'] = chest
        for start, upper, middle, end, rests in ((pelvis, 'hip', 'knee', 'ankle', ('ankle', 'foot')),
                                                 (chest, 'shoulder', 'elbow', 'wrist', ('wrist', 'hand'))):
            upper, middle, end = (f'{side}-{name}' for name in (upper, middle, end))
            world[upper] = swing_joint(start, at_rest(middle, upper), bone(middle, upper))
            world[middle] = swing_joint(world[upper], at_rest(end, middle), bone(end, middle))
            world.update({f'{side}-{name}': world[middle] for name in rests})
    world = torch.stack([world[name] for name in SMPL], -3)  # (..., 24, 3, 3)
    parents = [PARENTS[joint] for joint in range(1, len(SMPL))]
    return torch.cat([world[..., :1, :, :], world[..., parents, :, :].mT @ world[..., 1:, :, :]], -3)


def _frame(x: Tensor, y: Tensor) -> Tensor:
    """Right-handed frame ``(...,3,3)`` with axes along x and, as far as it can be, y ``(...,3)``."""
    x = normalize(x, dim=-1)
    z = normalize(torch.linalg.cross(x, y), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], -1)


def swing_joint(start: Tensor, rest: Tensor, seen: Tensor) -> Tensor:
    """``start (...,3,3)``, turned the shortest way so that it takes the bone ``rest (3,)`` to ``seen (...,3)``."""
    before, after = normalize(start @ rest, dim=-1), normalize(seen, dim=-1)
    axis = torch.linalg.cross(before, after)
    sine, cosine = axis.norm(dim=-1, keepdim=True), (before * after).sum(-1, keepdim=True)
    return so3_exp(axis * torch.atan2(sine, cosine) / sine.clamp(min=1e-9)) @ start


class SampleMotion:
    """Stretches of the embedded motion sample.

    Args:
        split: performers for ``'train'`` or for ``'val'``.
        num_frames: frames of a stretch, T; sequences that are shorter are left out.

    Raises:
        ValueError: no sequence is that long.
    """

    def __init__(self, split: str, num_frames: int):
        sequences = [item.joints_h36m for item in MocapSequences.load(ASSET) if item.split == split]
        lengths = np.array([len(joints) for joints in sequences])
        counts = np.maximum(lengths - num_frames + 1, 0)
        if not counts.any():
            raise ValueError(f'num_frames={num_frames}: no sequence of the embedded motion is longer than '
                             f"{lengths.max()}; use motion='random'")
        first = np.repeat(np.cumsum(lengths) - lengths, counts)
        place = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.joints = torch.from_numpy(np.concatenate(sequences)).double()  # (F, 17, 3)
        self.starts, self.num_frames = torch.from_numpy(first + place), num_frames

    def __call__(self, where: Tensor) -> Tensor:
        """Joints ``(B,T,17,3)`` of Human3.6M, metres, z up; ``where (B,)`` in [0,1) chooses the stretches."""
        start = self.starts[(where * len(self.starts)).long()]
        return self.joints[start[:, None] + torch.arange(self.num_frames)]
