"""2D keypoints of a video in, 3D poses of its frames as targets."""
from functools import cached_property

import numpy as np
import torch
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from ..registry import DATASETS, TRANSFORMS
from ..structures import PoseDataSample, get_skeleton
from ..structures.protocols import get_protocol
from .lifting_windows import POLICIES as WINDOWS
from .random import KeyedRandom
from .store import SequenceStore


@DATASETS.register_module()
class LiftingDataset(Dataset):
    """Windows of the clips of a store, listed and scored by the rules of a protocol.

    ``store.frames`` holds ``keypoints (F,J,2|3)`` float32, screen-normalised (x in [-1,1], third: confidence),
    ``joints (F,J,3)`` float32, metres, camera axes, relative to the root joint, and optionally ``visible (F,)`` bool
    and ``activity (F,)``. ``store.sequences`` has ``uid, name, subject, action, camera, fps`` of each clip.

    Args:
        store: the clips.
        skeleton: name of the skeleton of keypoints and joints.
        name, split: for the metrics' ``dataset_meta``.
        protocol: ``'mixste'``, ``'stcformer'``, ``'motionbert'`` or ``'overlap'``, see :mod:`.windows`.
        length: frames in a window, T.
        step: frames from one frame of a window to the next (``tds`` of STCFormer).
        stride: frames from one window to the next; None: the protocol's.
        mirror: list every window twice per epoch, as it is and mirrored.
        test_mode: list the windows of the evaluation and publish the slots for the metrics.
        confidence: keep the third channel of the keypoints (1 if the store has none), else drop it.
        padding_mask: add the stream ``valid (B,T)``, so that attention leaves out repeated frames.
        pipeline: configs of batch transforms, e.g. ``[dict(type='KeypointNoise')]``.
        seed: seed of the pipeline.

    Raises:
        KeyError: unknown protocol or skeleton.
        ValueError: an option that the protocol has not, an empty store, or keypoints in pixels.
    """

    def __init__(self, store: SequenceStore, *, skeleton: str, name: str, split: str, protocol: str = 'mixste',
                 length: int = 243, step: int = 1, stride: int | None = None, mirror: bool = False,
                 test_mode: bool = False, confidence: bool = False, padding_mask: bool = False, pipeline=(),
                 seed: int = 0):
        if mirror and test_mode:
            raise ValueError("mirror=True is for training; for evaluation give the model test_cfg=dict(flip=...)")
        self.store, self.skeleton, self.name, self.split = store, skeleton, name, split
        self.protocol = get_protocol(protocol)
        self.test_mode, self.confidence, self.padding_mask, self.seed = test_mode, confidence, padding_mask, seed
        self.pipeline = Compose([TRANSFORMS.build(transform) for transform in pipeline])
        self.flip = torch.tensor(get_skeleton(skeleton).flip)
        self._check(get_skeleton(skeleton).num_joints)
        self.windows = WINDOWS[protocol](np.diff(store.offsets), length, not test_mode, step, stride)
        windows, self.mirrored = self._listed(mirror)
        self.window, self.sequence = windows, self.windows.clip[windows]  # (N,)
        if not len(windows):
            raise ValueError(f'{name} {split} has no window of length={length} with a visible frame')

    def __len__(self) -> int:
        return len(self.window)

    @cached_property
    def sequence_bounds(self) -> np.ndarray:
        """``(S+1,)``: samples of clip s are ``bounds[s]:bounds[s+1]``."""
        return np.searchsorted(self.sequence, np.arange(len(self.store) + 1))

    @cached_property
    def metainfo(self) -> dict:
        """Plain facts for checkpoints; in test mode also ``sequences``, the clips with the slots to predict.

        Slot i of a clip is one predicted (window, position): its frame ``frame_ids[i]`` in the clip, which may come
        more than once, and its ``weights[i]``.
        """
        info = dict(dataset_name=self.name, skeleton=self.skeleton, split=self.split, protocol=self.protocol.name)
        if self.test_mode:
            frame_ids = self.windows.rows(self.window, self.windows.positions)  # (N,P)
            weights = self.windows.slot_weights(self.window)
            info['sequences'] = [self._slots(s, frame_ids, weights) for s in range(len(self.store))]
        return info

    def _slots(self, sequence: int, frame_ids, weights) -> dict:
        own = slice(*self.sequence_bounds[sequence:sequence + 2])
        frame_ids = frame_ids[own].ravel()
        info = dict(self.store.sequences[sequence], frame_ids=frame_ids, slots=np.arange(len(frame_ids)),
                    weights=weights[own].ravel())
        if 'activity' in self.store.frames:
            info['activity'] = self.store.frames['activity'][self.store.offsets[sequence] + frame_ids]
        return info

    def _check(self, num_joints: int) -> None:
        keypoints, joints = (self.store.frames[key] for key in ('keypoints', 'joints'))
        if not len(keypoints):
            raise ValueError(f'{self.name} {self.split} has no frame')
        if {keypoints.shape[1], joints.shape[1]} != {num_joints}:
            raise ValueError(f'{self.skeleton} has {num_joints} joints, but keypoints are {keypoints.shape} and joints '
                             f'{joints.shape}')
        typical = np.median(np.abs(keypoints[:1000, :, :2]))
        if typical > 10:
            raise ValueError(f'keypoints of {self.name} {self.split} should be screen-normalised (x in [-1, 1]), but '
                             f'are typically {typical:.0f}, which looks like pixels: use '
                             'mmegopose.geometry.cameras.screen_normalize')

    def _listed(self, mirror: bool):
        """Window of each sample and whether it is mirrored, both ``(N,)``; clip by clip, plain ones first."""
        windows = np.arange(len(self.windows))
        if self.test_mode and len(self.windows.positions) == 1 and 'visible' in self.store.frames:
            rows = self.windows.rows(windows, self.windows.positions)[:, 0]
            windows = windows[self.store.frames['visible'][self.store.offsets[self.windows.clip] + rows]]
        if not mirror:
            return windows, np.zeros(len(windows), bool)
        order = np.argsort(np.tile(self.windows.clip, 2), kind='stable')
        return order % len(windows), order >= len(windows)

    def __getitem__(self, key: int) -> dict:
        return self.__getitems__([key])

    def __getitems__(self, keys) -> dict:
        """A batch of windows; ``key = epoch * len(self) + index`` (the epoch only varies the pipeline)."""
        keys = np.asarray(keys, np.int64)
        index = keys % len(self)
        window, take = self.window[index], self.sequence[index]
        frame_ids = self.windows.rows(window)  # (B,T)
        rows = frame_ids + self.store.offsets[take, None]
        batch = dict(keypoints=self._keypoints(rows), joints=torch.from_numpy(self._take('joints', rows)))
        self._mirror(batch, torch.from_numpy(np.flatnonzero(self.mirrored[index])))
        visible = self._take('visible', rows) if 'visible' in self.store.frames else np.ones(rows.shape, bool)
        valid = None
        if self.padding_mask or self.windows.skip_padded:
            valid = self.windows.valid(window)
            if self.windows.skip_padded and not self.test_mode:
                visible = visible & valid
        scored, slots = self._scored(index, take, rows.shape)
        num_joints = batch['joints'].shape[2]
        batch.update(
            visible=torch.from_numpy(visible)[..., None].repeat(1, 1, num_joints), scored=scored, slots=slots,
            frame_ids=torch.from_numpy(frame_ids), sequence=torch.from_numpy(take), skeleton=self.skeleton)
        if self.padding_mask:
            batch['valid'] = torch.from_numpy(valid)
        if self.pipeline.transforms:
            batch = self.pipeline(dict(batch, random=KeyedRandom(keys, self.seed)))
        sample = PoseDataSample()
        for key in ('joints', 'visible', 'frame_ids', 'slots', 'scored', 'sequence'):
            sample.set_field(batch[key], key)
        return dict(inputs={key: batch[key] for key in ('keypoints', 'valid', 'detected') if key in batch},
                    data_samples=sample)

    def _take(self, key: str, rows: np.ndarray) -> np.ndarray:
        return np.take(self.store.frames[key], rows, axis=0)

    def _keypoints(self, rows: np.ndarray) -> torch.Tensor:
        keypoints = torch.from_numpy(self._take('keypoints', rows))
        if not self.confidence:
            return keypoints[..., :2].contiguous()
        return keypoints if keypoints.shape[-1] == 3 else torch.nn.functional.pad(keypoints, (0, 1), value=1.0)

    def _mirror(self, batch: dict, chosen: torch.Tensor) -> None:
        """Mirror the samples ``chosen (n,)`` at the vertical plane through the optical axis, in place."""
        if not len(chosen):
            return
        for key in ('keypoints', 'joints'):
            values = batch[key].index_select(0, chosen)
            channels = values.shape[-1]
            # Columns of a matrix, because an index over joints copies a few bytes at a time: 9 times slower.
            columns = (self.flip[:, None] * channels + torch.arange(channels)).flatten()
            mirrored = values.flatten(0, 1).flatten(1).index_select(1, columns)
            mirrored[:, ::channels].neg_()
            batch[key].index_copy_(0, chosen, mirrored.view_as(values))

    def _scored(self, index: np.ndarray, take: np.ndarray, shape: tuple):
        """``scored`` and ``slots``, both ``(B,T)``; in training all frames count and there are no slots."""
        slots = np.full(shape, -1)
        if not self.test_mode:
            return torch.ones(shape, dtype=torch.bool), torch.from_numpy(slots)
        positions = self.windows.positions
        first = (index - self.sequence_bounds[take]) * len(positions)
        slots[:, positions] = first[:, None] + np.arange(len(positions))
        return torch.from_numpy(slots >= 0), torch.from_numpy(slots)
