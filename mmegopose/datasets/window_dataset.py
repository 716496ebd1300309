"""The dataset over a :class:`SequenceStore`: keys in, one whole batch out."""
from functools import cached_property

import numpy as np
import torch
from mmengine.dataset import Compose
from torch.utils.data import Dataset, get_worker_info

from ..registry import FUNCTIONS, TRANSFORMS
from ..structures import PoseDataSample
from .random import KeyedRandom
from .store import SequenceStore


class SequenceDataset(Dataset):
    """Windows of a store, one per target frame.

    Args:
        store: the sequences.
        targets: store rows of the target frames ``(N,)``, ascending; one window ends at each.
        window: config of a window policy, e.g. ``dict(type='StridedWindow', length=20, stride=3)``.
        pipeline: configs of batch transforms.
        target_frames: ``'last'``: labels of the target frame; ``'all'``: labels of every frame of the window.
        min_views: joints seen by fewer cameras count as missing.
        skeleton: name of the skeleton of the labels.
        camera_axes: convention of the camera pose, key of ``geometry.trajectory.HEAD_AXES``.
        fps: frame numbers per second.
        seed: seed of all augmentation.
    """

    def __init__(self, store: SequenceStore, targets: np.ndarray, window: dict, pipeline: list, *,
                 target_frames: str = 'last', min_views: int = 0, skeleton: str, camera_axes: str, fps: float,
                 seed: int = 0):
        if target_frames not in ('last', 'all'):
            raise ValueError(f"target_frames={target_frames!r} should be 'last' or 'all'")
        self.store, self.targets = store, targets
        self.window = TRANSFORMS.build(window)
        self.pipeline = Compose([TRANSFORMS.build(step) for step in pipeline])
        self.target_frames, self.min_views = target_frames, min_views
        self.skeleton, self.camera_axes, self.fps, self.seed = skeleton, camera_axes, fps, seed
        self.sequence = np.searchsorted(store.offsets, targets, side='right') - 1  # (N,)

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def sequence_bounds(self) -> np.ndarray:
        """``(S+1,)``: windows of sequence s are ``bounds[s]:bounds[s+1]``."""
        return np.searchsorted(self.targets, self.store.offsets)

    def scored_frames(self, sequence: int) -> np.ndarray:
        """Frame numbers of the windows of a sequence."""
        begin, end = self.sequence_bounds[sequence:sequence + 2]
        return self.store.frames['frame'][self.targets[begin:end]].astype(np.int64)

    def __getitem__(self, key: int) -> dict:
        return self.__getitems__([key])

    def __getitems__(self, keys) -> dict:
        """A batch of windows; ``key = epoch * len(self) + index`` (the epoch only varies the augmentation)."""
        keys = np.asarray(keys, np.int64)
        random = KeyedRandom(keys, self.seed)
        ends = self.targets[keys % len(self)]
        take = self.sequence[keys % len(self)]
        window = self.window(self.store, ends, self.store.offsets[take], self.fps, random)
        rows = window.frames if self.target_frames == 'all' else window.frames[:, -1:]
        joints, visible = self._labels(rows)
        frames = self.store.frames
        before = np.maximum(window.frames - 1, self.store.offsets[take][:, None])
        batch = dict(
            head_pose=torch.from_numpy(frames['head_pose'][window.frames]),
            head_pose_before=torch.from_numpy(frames['head_pose'][before]),
            head_peak=torch.from_numpy(frames['head_peak'][window.frames]),
            valid=torch.from_numpy(window.valid), time=torch.from_numpy(window.time),
            joints=joints, visible=visible,
            T_world_camera=torch.from_numpy(frames['head_pose'][rows]),
            frame_ids=torch.from_numpy(frames['frame'][rows].astype(np.int64)),
            sequence=torch.from_numpy(take), scored=torch.zeros(rows.shape, dtype=torch.bool),
            random=random, skeleton=self.skeleton, camera_axes=self.camera_axes)
        batch['scored'][:, -1] = True
        return self.pipeline(batch)

    def _labels(self, rows: np.ndarray):
        """World joints ``(B,T,J,3)`` float64 and ``visible (B,T,J)`` of store rows ``(B,T)``."""
        label = self.store.frames['label'][rows]
        views = self.store.labels['views']
        if not len(views):
            shape = (*rows.shape, views.shape[1])
            return torch.zeros(*shape, 3, dtype=torch.float64), torch.zeros(shape, dtype=torch.bool)
        found = np.maximum(label, 0)
        visible = (views[found] >= max(self.min_views, 1)) & (label >= 0)[..., None]
        return torch.from_numpy(self.store.labels['joints'][found]).double(), torch.from_numpy(visible)


IN_MESSAGE = 2 ** 22  # bytes; larger tensors are cheaper in shared memory


class WorkerBatch(dict):
    """A batch on its way out of a worker process; it arrives as a plain dict.

    Small tensors travel as arrays inside the message: one shared-memory file for each costs more than the batch.
    """

    def __reduce__(self):
        sample = {key: _to_message(value) for key, value in self['data_samples'].items()}
        return _from_message, ({key: _to_message(value) for key, value in self['inputs'].items()}, sample)


def _to_message(tensor: torch.Tensor):
    return tensor.numpy() if tensor.nbytes < IN_MESSAGE else tensor


def _from_message(inputs: dict, sample: dict) -> dict:
    def tensors(values):
        return {key: torch.as_tensor(value) for key, value in values.items()}

    data_samples = PoseDataSample()
    data_samples.set_data(tensors(sample))
    return dict(inputs=tensors(inputs), data_samples=data_samples)


@FUNCTIONS.register_module()
def batch_collate(batch: dict) -> dict:
    """``__getitems__`` has built the batch already."""
    return batch if get_worker_info() is None else WorkerBatch(batch)
