"""Augmentation of world-space batches: array operations on all samples at once.

Each transform changes head poses and joints together, before ``TargetFrame``; :class:`HeadPoseNoise` and
:class:`FrameDrops` disturb only what the model sees.
"""
import torch

from ...geometry.rigid import make_rigid
from ...geometry.rotations import so3_exp, yaw_matrix
from ...geometry.trajectory import camera_to_head
from ...registry import TRANSFORMS
from ...structures import get_skeleton, mask_name, mirror_stream
from ..random import check_shares

POSES = ('head_pose', 'head_pose_before', 'T_world_camera')
POINTS = {'joints', 'wrists'}


@TRANSFORMS.register_module()
class Mirror:
    """Swap left and right: reflect the world at the plane y = 0, with the head track and the joint names.

    Streams that a transform made before are mirrored as they are declared, see ``structures.streams``; ``ValueError``
    for one whose mirror image is not known.

    Args:
        prob: share of the windows.
        lose: streams with a mask that are not there in mirrored windows, for want of a mirror image; features of
            pictures for example.
    """

    def __init__(self, prob: float = 0.5, lose: tuple = ()):
        check_shares(prob=prob)
        self.prob, self.lose = prob, {mask_name(name): name for name in lose}
        if None in self.lose:
            raise ValueError(f'Mirror(lose={tuple(lose)}): {self.lose[None]!r} is always there, for it has no mask')

    def __call__(self, batch: dict) -> dict:
        chosen = batch['random'].uniform(1)[:, 0] < self.prob  # (B,)
        pose = batch['head_pose']
        world = torch.diag(pose.new_tensor([1, -1, 1]))
        to_head = camera_to_head(batch['camera_axes'], pose)
        camera = to_head @ world @ to_head.T
        for key in POSES:
            pose = batch[key]
            flipped = make_rigid(world @ pose[..., :3, :3] @ camera, pose[..., :3, 3] @ world)
            batch[key] = torch.where(chosen[:, None, None, None], flipped, pose)
        flip = list(get_skeleton(batch['skeleton']).flip)
        batch['joints'] = torch.where(chosen[:, None, None, None], (batch['joints'] @ world)[:, :, flip],
                                      batch['joints'])
        batch['visible'] = torch.where(chosen[:, None, None], batch['visible'][:, :, flip], batch['visible'])
        if 'wrists' in batch:
            batch['wrists'] = torch.where(chosen[:, None, None, None], batch['wrists'].flip(2) @ world,
                                          batch['wrists'])
        for name, stream in batch.get('inputs', {}).items():
            if name in self.lose.values():
                continue
            if name in self.lose:
                batch['inputs'][name] = stream & ~chosen.reshape(-1, *[1] * (stream.ndim - 1))
                continue
            where = chosen.reshape(-1, *[1] * (stream.ndim - 1))  # (B, 1, ...)
            batch['inputs'][name] = torch.where(where, mirror_stream(name, stream, flip), stream)
        return batch


@TRANSFORMS.register_module()
class RandomHeading:
    """Turn the world about the vertical axis and shift it on the ground.

    Args:
        shift: largest shift along x and y, metres.
    """

    def __init__(self, shift: float = 0.0):
        self.shift = shift

    def __call__(self, batch: dict) -> dict:
        turn = yaw_matrix(batch['random'].uniform(low=0, high=2 * torch.pi).reshape(-1, 1))  # (B,1,3,3)
        shift = torch.nn.functional.pad(batch['random'].uniform(1, 2, low=-self.shift, high=self.shift), (0, 1))
        move = make_rigid(turn, shift)
        for key in POSES:
            batch[key] = move @ batch[key]
        for key in POINTS & batch.keys():
            batch[key] = batch[key] @ turn.transpose(-1, -2) + shift[:, :, None]
        return batch


@TRANSFORMS.register_module()
class BodyScale:
    """Scale the world, and with it the wearer, by a random factor."""

    def __init__(self, low: float = 0.9, high: float = 1.1):
        self.low, self.high = low, high

    def __call__(self, batch: dict) -> dict:
        factor = batch['random'].uniform(1, low=self.low, high=self.high)  # (B,1)
        for key in POSES:
            pose = batch[key]
            batch[key] = make_rigid(pose[..., :3, :3], pose[..., :3, 3] * factor[..., None])
        for key in POINTS & batch.keys():
            batch[key] = batch[key] * factor[..., None, None]
        batch['head_peak'] = batch['head_peak'] * factor
        return batch


@TRANSFORMS.register_module()
class HeadPoseNoise:
    """Noise on the observed head track: per frame, or constant over a window (a headset worn differently).

    Args:
        rotation: standard deviation per axis, radians.
        position: standard deviation per axis, metres.
        mount: standard deviation per axis of a constant rotation of the headset on the head, radians.
    """

    def __init__(self, rotation: float = 0.01, position: float = 0.002, mount: float = 0.0):
        self.rotation, self.position, self.mount = rotation, position, mount

    def __call__(self, batch: dict) -> dict:
        frames = batch['head_pose'].shape[1]
        random = batch['random']
        noise = make_rigid(so3_exp(self.rotation * random.normal(frames, 3)), self.position * random.normal(frames, 3))
        mount = so3_exp(self.mount * random.normal(1, 3))
        noise = noise @ make_rigid(mount, torch.zeros_like(mount[..., 0]))
        batch['head_pose'] = batch['head_pose'] @ noise
        batch['head_pose_before'] = batch['head_pose_before'] @ noise
        return batch


@TRANSFORMS.register_module()
class FrameDrops:
    """Lost tracking: a dropped frame repeats the frame before it, pose and time. The last frame is never dropped."""

    def __init__(self, prob: float = 0.1):
        check_shares(prob=prob)
        self.prob = prob

    def __call__(self, batch: dict) -> dict:
        size, frames = batch['time'].shape
        kept = batch['random'].uniform(frames) >= self.prob
        kept[:, 0] = kept[:, -1] = True
        source = torch.where(kept, torch.arange(frames), 0).cummax(1).values  # (B,T)
        rows = torch.arange(size)[:, None]
        for key in ('head_pose', 'head_pose_before', 'head_peak', 'time'):
            batch[key] = batch[key][rows, source]
        return batch
