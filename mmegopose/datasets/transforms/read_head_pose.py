"""From rows of a store to head poses and labels in the world."""
import numpy as np
import torch

from ...geometry.trajectory import HEAD_AXES
from ...registry import TRANSFORMS
from ...structures import get_skeleton
from ..store import SequenceStore


@TRANSFORMS.register_module()
class ReadHeadPose:
    """First step of a pipeline for head tracks: poses of the headset and labels of the body, in the world.

    Of the store it needs the field ``head_pose (F,4,4)`` float64, camera to world, metres, z up, and the facts
    ``skeleton`` and ``camera_axes``. Labels are optional: the table ``joints (L,J,3)``, metres, world, with
    ``visible (L,J)`` bool or ``views (L,J)``, the number of cameras that see a joint, and the field ``label (F,)``, row
    of the frame in the tables, or -1. Without labels, no joint is visible. A store that holds only the end of a
    recording tells the highest camera since its begin in the field ``head_peak (F,)``, metres. Where hands were
    tracked, ``wrists (F,2,3)`` float64 are the left and the right one, metres, world, NaN where a hand was not seen.

    It adds ``head_pose (B,T,4,4)``, ``head_pose_before (B,T,4,4)`` (one video frame earlier), ``head_peak (B,T)``
    (highest camera so far in the sequence, metres), and of the frames to be predicted ``T_world_camera``, ``joints
    (B,T,J,3)`` and ``visible (B,T,J)``; ``wrists (B,T,2,3)`` if the store has them.

    Args:
        target_frames: ``'last'``: the model predicts the last frame of each window (joints ``(B,1,J,3)``); ``'all'``:
            all frames of it. Only the last frame is scored in both cases.
        min_views: joints seen by fewer cameras count as not visible.

    Raises:
        ValueError: another ``target_frames``, or a store without a field or fact.
    """

    def __init__(self, target_frames: str = 'last', min_views: int = 0):
        if target_frames not in ('last', 'all'):
            raise ValueError(f"target_frames={target_frames!r} should be 'last' or 'all'")
        self.target_frames, self.min_views = target_frames, min_views

    def bind(self, store: SequenceStore) -> None:
        """Check the store and find the highest head so far."""
        pose, axes = store.frames.get('head_pose'), store.info.get('camera_axes')
        if pose is None or pose.shape[1:] != (4, 4):
            raise ValueError(f"{store.title} should have the field 'head_pose' (F,4,4), it has "
                             f'{ {name: array.shape for name, array in store.frames.items()} }')
        if axes not in HEAD_AXES:
            raise ValueError(f"{store.title} should tell camera_axes, one of {sorted(HEAD_AXES)}, it says {axes!r}")
        get_skeleton(store.info.get('skeleton'))
        if 'head_peak' in store.frames:
            self.head_peak = store.frames['head_peak']
            return
        self.head_peak = np.concatenate([np.maximum.accumulate(pose[begin:end, 2, 3]) for begin, end in zip(
            store.offsets[:-1], store.offsets[1:])] or [np.zeros(0)])

    def __call__(self, batch: dict) -> dict:
        store, rows = batch['store'], batch['rows']
        pose, sequence = store.frames['head_pose'], batch['sequence'].numpy()
        before = np.maximum(rows - 1, store.offsets[sequence, None])
        targets = rows
        if self.target_frames == 'last':
            targets = rows[:, -1:]
            batch |= {key: batch[key][:, -1:] for key in ('frame_ids', 'scored')}
        joints, visible = self._labels(store, targets)
        if 'wrists' in store.frames:
            batch |= dict(wrists=torch.from_numpy(store.frames['wrists'][rows]))
        return batch | dict(
            head_pose=torch.from_numpy(pose[rows]), head_pose_before=torch.from_numpy(pose[before]),
            head_peak=torch.from_numpy(self.head_peak[rows]), joints=joints, visible=visible,
            T_world_camera=torch.from_numpy(pose[targets]))

    def _labels(self, store: SequenceStore, rows: np.ndarray):
        """World joints ``(B,T,J,3)`` float64 and ``visible (B,T,J)`` of store rows ``(B,T)``."""
        if not len(store.tables.get('joints', ())):
            shape = (*rows.shape, get_skeleton(store.info['skeleton']).num_joints)
            return torch.zeros(*shape, 3, dtype=torch.float64), torch.zeros(shape, dtype=torch.bool)
        label = store.frames['label'][rows]
        found = np.maximum(label, 0)
        visible = store.tables['visible'][found] if 'visible' in store.tables else \
            store.tables['views'][found] >= max(self.min_views, 1)
        return torch.from_numpy(store.tables['joints'][found]).double(), torch.from_numpy(
            visible & (label >= 0)[..., None])
