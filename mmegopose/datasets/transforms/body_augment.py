"""Augmentation of bodies: other proportions, and the arms of another moment. Both keep what ties head and body."""
import numpy as np
import torch
from torch import Tensor

from ...registry import TRANSFORMS
from ...structures import Skeleton, get_skeleton
from ..random import check_shares
from ..store import SequenceStore

SIDES = ('left', 'right')


def _require_all_frames(batch: dict, name: str) -> None:
    num_frames = batch['rows'].shape[1]
    if batch['joints'].shape[1] != num_frames:
        raise ValueError(f"{name} needs the labels of all {num_frames} frames: target_frames='all'")


def _joints(skeleton: Skeleton, *names: str) -> list:
    """Left and right joint of each name."""
    return [skeleton.index(f'{side}-{name}') for name in names for side in SIDES]


def _labelled(visible: Tensor, skeleton: Skeleton) -> Tensor:
    """Windows in which hips, shoulders and arms have labels in all frames, ``(B,T,J) -> (B,)``."""
    return visible[:, :, _joints(skeleton, 'hip', 'shoulder', 'elbow', 'wrist')].flatten(1).all(1)


def _spine(joints: Tensor, skeleton: Skeleton) -> Tensor:
    """From the middle of the hips to the middle of the shoulders, ``(B,T,3)``."""
    return joints[:, :, _joints(skeleton, 'shoulder')].mean(2) - joints[:, :, _joints(skeleton, 'hip')].mean(2)


def _torso_axes(joints: Tensor, skeleton: Skeleton) -> Tensor:
    """Rotation ``(B,T,3,3)`` of a frame of the torso: y to the left shoulder, z up the spine."""
    left, right = (joints[:, :, index] for index in _joints(skeleton, 'shoulder'))
    up = torch.nn.functional.normalize(_spine(joints, skeleton), dim=-1)
    front = torch.nn.functional.normalize(torch.linalg.cross(left - right, up), dim=-1)
    return torch.stack([front, torch.linalg.cross(up, front), up], -1)


def _with_arms(batch: dict, skeleton: Skeleton, chosen: Tensor, joints: Tensor) -> None:
    """Put the new joints where ``chosen (B,)``; tracked wrists go where those of the labels go."""
    joints = torch.where(chosen[:, None, None, None], joints, batch['joints'])
    if 'wrists' in batch:
        wrists = _joints(skeleton, 'wrist')
        batch['wrists'] = batch['wrists'] + (joints - batch['joints'])[:, :, wrists]
    batch['joints'] = joints


@TRANSFORMS.register_module()
class BodyProportions:
    """Make the torso and the arms longer or shorter, each by a random factor; a longer torso lifts the head, and so its
    track.

    For labels of all frames (``target_frames='all'``), before ``TargetFrame``. Windows in which hips, shoulders or arms
    lack a label stay. ``BodyScale`` scales the whole body, and so together with this the legs.

    Args:
        torso, arms: largest change of the length, as a share.
    """

    def __init__(self, torso: float = 0.1, arms: float = 0.1):
        check_shares(torso=torso, arms=arms)
        self.torso, self.arms = torso, arms

    def __call__(self, batch: dict) -> dict:
        _require_all_frames(batch, type(self).__name__)
        skeleton, joints = get_skeleton(batch['skeleton']), batch['joints']
        change = batch['random'].uniform(2, low=-1, high=1)[:, :, None, None]  # (B, 2, 1, 1)
        chosen = _labelled(batch['visible'], skeleton)
        spine = torch.where(chosen[:, None, None], _spine(joints, skeleton), 0)
        lift = self.torso * change[:, 0] * spine  # (B, T, 3)
        scale = 1 + self.arms * change[:, 1]  # (B, 1, 1)
        moved = joints.clone()
        shoulders, elbows, wrists = (_joints(skeleton, name) for name in ('shoulder', 'elbow', 'wrist'))
        for part in (list(skeleton.head), shoulders):
            moved[:, :, part] += lift[:, :, None]
        for inner, outer in ((shoulders, elbows), (elbows, wrists)):
            moved[:, :, outer] = moved[:, :, inner] + scale[..., None] * (joints[:, :, outer] - joints[:, :, inner])
        _with_arms(batch, skeleton, chosen, moved)
        for key in ('head_pose', 'head_pose_before', 'T_world_camera'):
            batch[key] = batch[key].clone()
            batch[key][..., :3, 3] += lift
        # Upright, the head is higher by the change of the length.
        peak = batch['head_peak'] + self.torso * change[:, 0, :, 0] * spine.norm(dim=-1).amax(1, keepdim=True)
        batch['head_peak'] = torch.maximum(peak, batch['head_pose'][..., 2, 3])
        return batch


@TRANSFORMS.register_module()
class OtherArms:
    """Give a share of the windows the arms of another moment of the data, on their own torso and as long as theirs.

    What arms do says less of the legs then, and the other way round. For labels of all frames
    (``target_frames='all'``), before ``TargetFrame``. Windows in which hips, shoulders or arms lack a label stay.

    Args:
        prob: share of the windows.
    """

    def __init__(self, prob: float = 0.2):
        check_shares(prob=prob)
        self.prob = prob

    def bind(self, store: SequenceStore) -> None:
        """Find the frames that have labels."""
        self.labelled = np.flatnonzero(np.asarray(store.frames['label']) >= 0) if 'label' in store.frames else ()

    def __call__(self, batch: dict) -> dict:
        _require_all_frames(batch, type(self).__name__)
        chosen, place = batch['random'].uniform(2).unbind(1)  # (B,)
        if not len(self.labelled):
            return batch
        skeleton, store, joints = get_skeleton(batch['skeleton']), batch['store'], batch['joints']
        last = self.labelled[(place.numpy() * len(self.labelled)).astype(np.int64)]  # (B,)
        rows = last[:, None] - (batch['rows'][:, -1:] - batch['rows'])
        rows = np.maximum(rows, store.offsets[store.sequence_of(last), None])  # (B, T)
        label = np.asarray(store.frames['label'])[rows]
        other = torch.from_numpy(store.tables['joints'][np.maximum(label, 0)]).to(joints)
        seen = store.tables['visible' if 'visible' in store.tables else 'views'][np.maximum(label, 0)] > 0
        chosen = (chosen < self.prob) & _labelled(batch['visible'], skeleton) & _labelled(
            torch.from_numpy(seen & (label >= 0)[..., None]), skeleton)
        turn = (_torso_axes(joints, skeleton) @ _torso_axes(other, skeleton).mT)[:, :, None]  # (B, T, 1, 3, 3)
        moved = joints.clone()
        for inner, outer in (('shoulder', 'elbow'), ('elbow', 'wrist')):
            inner, outer = _joints(skeleton, inner), _joints(skeleton, outer)
            own, bone = joints[:, :, outer] - joints[:, :, inner], other[:, :, outer] - other[:, :, inner]
            length = own.norm(dim=-1).mean(1) / bone.norm(dim=-1).mean(1).clamp(min=1e-3)  # (B, 2)
            moved[:, :, outer] = moved[:, :, inner] + length[:, None, :, None] * (turn @ bone[..., None])[..., 0]
        _with_arms(batch, skeleton, chosen, moved)
        return batch
