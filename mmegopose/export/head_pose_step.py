"""Head tracks: one pose of the headset in, perhaps with the wrists, the pose of the body out."""
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..datasets import SequenceStore
from ..geometry.conventions import UNITS
from ..geometry.rigid import apply_rigid, invert_rigid
from ..inference import HeadPoseInferencer
from ..registry import TRANSFORMS, WINDOWS
from ..structures import get_skeleton
from .example_tracks import swinging_wrists, walking_heads
from .ported_module import Port, PortedModule


class HeadPoseStep(PortedModule):
    """One frame of a head track: what :class:`.LiveHeadPose` does at the frames of the model, as operations on tensors.

    The state holds the last poses, the highest head so far at each of them, and how many there are; so each call gives
    what the inferencer predicts for that frame of the whole recording. A new stretch begins with a state of zeros. The
    transforms of the config themselves compute the features. A model that reads the wrists takes them beside each pose,
    and has the last ones in its state; other models have no such inputs.

    Args:
        inferencer: a trained model.
        preset, up, camera, direction, unit, device, head_offset: what the poses are that will come in, see
            :meth:`.HeadPoseInferencer.stream`.

    Raises:
        ValueError: windows that a stream cannot keep, or a transform that needs more than poses and wrists.
    """
    state = dict(head_poses='next_head_poses', head_peaks='next_head_peaks', num_seen='next_num_seen')

    def __init__(self, inferencer: HeadPoseInferencer, *, preset: str | None = None, up: str | None = None,
                 camera: str | None = None, direction: str | None = None, unit: str | None = None,
                 device: str | None = None, head_offset=None):
        super().__init__()
        given = dict(preset=preset, up=up, camera=camera, direction=direction, unit=unit, device=device,
                     head_offset=head_offset)
        self.inferencer, self.options = inferencer, {key: value for key, value in given.items() if value is not None}
        live = inferencer.stream(**self.options)
        self.model, self.fps, self.reads_wrists = inferencer.model, live.frame_rate, inferencer.reads_wrists
        self.convention, self.camera_axes = live.convention, inferencer.camera_axes
        self.num_before = live.rows.num_rows - 1  # rows before the newest one
        self.target_frames = inferencer.dataset.get('target_frames', 'last')
        self._set_transforms(inferencer.dataset['pipeline'])
        to_standard, model = self.convention, live.model_convention
        between = _homogeneous(to_standard.camera_to_opencv.T) @ live.offset @ _homogeneous(model.camera_to_opencv)
        for name, value in (('to_z_up', _homogeneous(to_standard.world_to_z_up)), ('to_model', between)):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)
        self.register_buffer('back', torch.tensor(_frames_back(inferencer.dataset['windows'], self.num_before,
                                                               self.fps)), persistent=False)
        before, joints = self.num_before, get_skeleton(inferencer.skeleton).num_joints
        world = f'in the world of the poses, {to_standard.up} up, {to_standard.unit}'
        poses = Port(('B', before, 4, 4), 'state: the poses before, oldest first')
        peaks = Port(('B', before), 'state: the highest head at each of them, metres')
        seen = Port(('B',), 'state: how many of them there are', torch.int64)
        self.ports_in = dict(
            T_world_camera=Port(('B', 4, 4), f'newest pose of the camera, {to_standard.direction}, camera axes '
                                f'"{to_standard.camera}", {world}'),
            head_poses=poses, head_peaks=peaks, num_seen=seen)
        self.ports_out = dict(joints=Port(('B', joints, 3), f'joints of this frame, {world}'),
                              next_head_poses=poses, next_head_peaks=peaks, next_num_seen=seen)
        if self.reads_wrists:
            self._add_wrists(world)
        with torch.no_grad():
            self(*self.example())  # tells mistakes before the exporter does, which takes long

    def _add_wrists(self, world: str) -> None:
        """The ports and the state of a model that reads the wrists."""
        wrists = Port(('B', self.num_before, 2, 3), 'state: the wrists before, oldest first')
        detected = Port(('B', self.num_before, 2), 'state: which of them were seen', torch.bool)
        self.state = self.state | dict(wrists_before='next_wrists', wrists_detected_before='next_wrists_detected')
        self.ports_in |= dict(
            wrists=Port(('B', 2, 3), f'left and right wrist at the moment of the pose, {world}; NaN: not seen'),
            wrists_detected=Port(('B', 2), 'which of them are seen; the places of others do not matter', torch.bool),
            wrists_before=wrists, wrists_detected_before=detected)
        self.ports_out |= dict(next_wrists=wrists, next_wrists_detected=detected)

    def _set_transforms(self, pipeline: list) -> None:
        self.padding_mask = False
        self.transforms: list[Any] = []
        for config in pipeline:
            if config['type'] == 'PackInputs':
                if config.get('streams'):
                    raise ValueError(f'the streams {list(config["streams"])} do not come from poses of a head: a model '
                                     'that reads them cannot be exported')
                self.padding_mask = bool(config.get('padding_mask'))
            elif config['type'] != 'WristPlaces' or self.reads_wrists:
                self.transforms.append(TRANSFORMS.build(config))

    def forward(self, T_world_camera: Tensor, head_poses: Tensor, head_peaks: Tensor, num_seen: Tensor,
                wrists: Tensor | None = None, wrists_detected: Tensor | None = None,
                wrists_before: Tensor | None = None, wrists_detected_before: Tensor | None = None
                ) -> tuple[Tensor, ...]:
        """Pose ``(B,4,4)``, wrists ``(B,2,3)`` and state to joints ``(B,J,3)`` and the next state."""
        newest = self._pose_of_model(T_world_camera)
        peak = newest[:, 2, 3]
        peak = torch.where(num_seen > 0, torch.maximum(head_peaks[:, -1], peak), peak)
        poses = torch.cat([head_poses, newest[:, None]], 1)                              # (B,S+1,4,4)
        peaks = torch.cat([head_peaks, peak[:, None]], 1)
        after = poses[:, 1:], peaks[:, 1:], (num_seen + 1).clamp(max=self.num_before)
        hands = None
        if wrists is not None:
            detected = wrists_detected & wrists.isfinite().all(-1)                       # (B,2)
            places = torch.where(detected[..., None], wrists, 0) * UNITS[self.convention.unit] @ self.to_z_up[:3, :3].T
            places = torch.cat([wrists_before, places[:, None]], 1)                      # (B,S+1,2,3)
            detected = torch.cat([wrists_detected_before, detected[:, None]], 1)
            hands = torch.where(detected[..., None], places, torch.nan)
            after += places[:, 1:], detected[:, 1:]
        return self._joints(poses, peaks, num_seen[:, None], hands), *after

    def _pose_of_model(self, pose: Tensor) -> Tensor:
        """Poses ``(B,4,4)`` as they come in, as the model knows them: camera to world, z up, metres."""
        scale = pose.new_tensor([UNITS[self.convention.unit]] * 3 + [1])[:, None]
        pose = pose * torch.cat([torch.ones_like(scale).expand(4, 3), scale], 1)
        if self.convention.direction == 'world_to_camera':
            pose = invert_rigid(pose)
        return self.to_z_up @ pose @ self.to_model

    def _joints(self, poses: Tensor, peaks: Tensor, num_seen: Tensor, wrists: Tensor | None) -> Tensor:
        """The last of the poses ``(B,S+1,4,4)`` to joints ``(B,J,3)``; ``num_seen (B,1)`` of those before count.

        ``wrists (B,S+1,2,3)`` are NaN where they are not seen, as in a store.
        """
        back = torch.minimum(self.back, num_seen)                                        # (B,T)
        window = _rows(poses, self.num_before - back)                                    # (B,T,4,4)
        valid = self.back <= num_seen
        target = window if self.target_frames == 'all' else window[:, -1:]
        blank = target.new_zeros(*target.shape[:2], self.ports_out['joints'].shape[1], 3)
        batch = dict(inputs={}, head_pose=window, head_peak=_rows(peaks, self.num_before - back),
                     head_pose_before=_rows(poses, self.num_before - torch.minimum(back + 1, num_seen)),
                     time=-back / self.fps, valid=valid, T_world_camera=target, camera_axes=self.camera_axes,
                     joints=blank, test_mode=True)
        if wrists is not None:
            batch['wrists'] = _rows(wrists, self.num_before - back)
        for transform in self.transforms:
            try:
                batch = transform(batch)
            except KeyError as error:
                raise ValueError(f'the transform {type(transform).__name__} needs {error} of the batch, and only poses '
                                 f'of the head{" and wrists" * self.reads_wrists} come in: a model with it cannot be '
                                 'exported') from None
        inputs = dict(batch['inputs'], **dict(valid=valid) if self.padding_mask else {})
        outputs = self.model.predicted(inputs)
        world = apply_rigid(batch['T_world_target'][:, -1], outputs['joints'][:, -1])
        return world @ self.to_z_up[:3, :3] / UNITS[self.convention.unit]

    def facts(self) -> dict:
        return dict(family='head track', fps=self.fps, up=self.convention.up, camera_axes=self.convention.camera,
                    direction=self.convention.direction, unit=self.convention.unit,
                    device=self.options.get('device', 'eyes'), model_camera=self.inferencer.head_camera)

    def example(self, batch_size: int = 2) -> tuple[Tensor, ...]:
        inputs = self.zeros(batch_size) | self._inputs(*(frames[:, 0] for frames in self._tracks(batch_size, 1)))
        return tuple(torch.from_numpy(inputs[name]) for name in self.ports_in)

    def difference(self, run, sizes: tuple = ((1, 30), (3, 90))) -> float:
        """Over tracks that are shorter and longer than a window; ``sizes`` are batch sizes and numbers of frames."""
        largest = [0.0]
        for batch_size, num_frames in sizes:
            tracks = self._tracks(batch_size, num_frames)
            state, joints = self.zeros(batch_size), []
            for frame in range(num_frames):
                outputs = run(self._inputs(*(frames[:, frame] for frames in tracks), frame % 2 == 0) | state)
                joints.append(outputs['joints'])
                state = {name: outputs[after] for name, after in self.state.items()}
            found = self.convention.points_to_standard(np.stack(joints, 1))
            for track, wrists, one in zip(*tracks, found):
                motion, = self.inferencer(track, fps=self.fps, check='off',
                                          wrists=wrists if self.reads_wrists else None, **self.options)
                largest.append(float(np.abs(motion.joints - one).max()))
        return float(np.max(largest))  # NaN, if there is one

    def _tracks(self, count: int, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Poses ``(count,N,4,4)`` and wrists ``(count,N,2,3)`` as they come in, NaN where a hand is not seen."""
        heads, to = walking_heads(count, num_frames), self.convention
        return to.from_standard(heads), swinging_wrists(heads) @ to.world_to_z_up / UNITS[to.unit]

    def _inputs(self, poses: np.ndarray, wrists: np.ndarray, say_nan: bool = False) -> dict:
        """Inputs of a frame without the state; a hand that is not seen is NaN, or elsewhere and not detected."""
        inputs = dict(T_world_camera=poses.astype(np.float32))
        if self.reads_wrists:
            detected = np.isfinite(wrists).all(-1)
            places = wrists if say_nan else np.where(detected[..., None], wrists, 1e3)
            inputs |= dict(wrists=places.astype(np.float32), wrists_detected=detected | say_nan)
        return inputs


def _frames_back(windows: dict, num_before: int, fps: float) -> np.ndarray:
    """How many frames before the newest one each frame of a whole window lies, ``(T,)``."""
    count = 2 * num_before + 2
    store = SequenceStore([0, count], dict(frame=np.arange(count, dtype=np.int32)), [dict(uid='probe', name='probe')],
                          info=dict(fps=fps))
    rows = WINDOWS.build(windows).bind(store, True).rows(np.array([count - 1]), None).rows[0]
    return (count - 1 - rows).astype(np.int64)


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Rows ``index (B,T)`` of ``values (B,S,...)``: ``(B,T,...)``."""
    flat = values.flatten(2) if values.ndim > 2 else values[..., None]
    return flat.gather(1, index[..., None].expand(-1, -1, flat.shape[2])).reshape(*index.shape, *values.shape[2:])


def _homogeneous(matrix: np.ndarray) -> np.ndarray:
    """``(3,3)`` as ``(4,4)``."""
    out = np.eye(4)
    out[:3, :3] = matrix
    return out
