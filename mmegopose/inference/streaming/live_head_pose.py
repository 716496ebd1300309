"""Body pose from a head track, one pose at a time."""
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from ...geometry.resampling import bracket, interpolate, interpolate_poses
from ...geometry.rigid import apply_rigid
from ...geometry.trajectory import rigidity_error
from ...structures import get_skeleton
from .input_clock import InputClock
from .live_frame import LiveFrame
from .recent_rows import RecentRows, rows_behind

ORTHONORMAL_TOLERANCE = 1e-3


class LiveHeadPose:
    """Poses of the body at the frames that the model was trained on, 30 a second, from poses of the head at any rate.

    Each :meth:`push` gives what :class:`.HeadPoseInferencer` gives for that frame of the whole recording: the config's
    own windows and transforms read the last poses, and the highest head so far is kept. Frame k of a stretch lies at
    ``begin + k / 30``. At 30 poses a second each push gives its own frame at once; at other rates a frame lies between
    two poses and comes with the second one, at most one input later.

    Args:
        model: ready to predict.
        dataset: config of its data set.
        frame_rate: frames per second of the model.
        camera_axes: of the poses that the model reads, key of :data:`.geometry.trajectory.HEAD_AXES`.
        skeleton: that it predicts.
        convert: from a pose ``(4,4)`` that is pushed to one that the model reads; default: it is one.
        fps: poses per second that are pushed, if they have no times.
        max_gap: longest time without a pose, seconds, that is bridged by interpolation; see :class:`.InputClock`.
        tolerance: seconds by which a pose may come before a frame and still stand for it. More, e.g. 0.004, for a clock
            that jitters about 30 Hz; frames are then in error by the motion in that time.
    """

    def __init__(self, model, dataset: dict, *, frame_rate: float, camera_axes: str = 'aria',
                 skeleton: str = 'coco17', convert: Callable | None = None, fps: float | None = None,
                 max_gap: float | None = None, tolerance: float = 1e-6):
        self.model, self.frame_rate, self.tolerance, self.convert = model, frame_rate, tolerance, convert
        self.clock = InputClock(fps or frame_rate, max_gap)
        # One row more than the window: transforms may look at the frame before its first one.
        num_rows = rows_behind(dataset['windows'], frame_rate) + 2
        self.rows = RecentRows(dataset, num_rows, dict(
            dataset_name='stream', skeleton=skeleton, camera_axes=camera_axes, fps=frame_rate))
        self.counts: Counter = Counter()
        self.stretch, self.begin, self.num_frames, self.bridged = -1, 0.0, 0, 0
        self.head_peak, self.note, self.restarted = -np.inf, '', ''
        self.before: tuple | None = None  # time, pose and fields of the push before
        self.shapes: dict | None = None  # of the fields
        self.num_joints = get_skeleton(self.rows.info['skeleton']).num_joints

    def push(self, T_world_camera, time: float | None = None, **fields) -> LiveFrame | None:
        """Take a pose; the newest frame that is due, or None if there is none between this pose and the one before.

        Args:
            T_world_camera: ``(4,4)``, what ``convert`` takes, by default camera to world, metres, z up; None or NaN:
                the tracker has none.
            time: seconds, of any clock; default: one over ``fps`` after the push before.
            fields: values of the same moment that the transforms of the config read from the store.

        Returns:
            ``joints (J,3)`` in the world. It is not valid for a pose that is not there, and for one that is not later
            than the pose before, which is left out.

        Raises:
            ValueError: another shape, a first pose whose rotation is none, times that are not seconds.
        """
        fields = {name: np.asarray(value) for name, value in fields.items()}
        pose, problem = self._checked(T_world_camera, fields)
        time = self.clock.read(time)
        if problem is None and (late := self.clock.lateness(time)) is not None:
            self.counts['late'] += 1
            problem = f'late by {late:.3g} s'
        if problem is not None:
            return self._without_pose(time, problem)
        begin = self.clock.advance(time)
        if begin is not None:
            self._begin_stretch(time, begin)
        due = self._append_due(time, pose, fields)
        self.before = time, pose, fields
        return self._result(time) if due else None

    def restart(self, note: str = 'restart') -> None:
        """Begin anew with the next pose: the tracker has a new world, or another person puts on the headset."""
        self.clock.last, self.restarted = None, note

    def _checked(self, pose, fields: dict) -> tuple:
        """The pose as an array, and what is wrong with it, if anything."""
        shapes = {name: value.shape for name, value in fields.items()}
        if pose is not None and self.shapes not in (None, shapes):
            raise ValueError(f'each push should have the fields {self.shapes}, got {shapes}')
        if pose is None:
            self.counts['not there'] += 1
            return None, 'no pose'
        pose = np.array(pose, np.float64)
        if pose.shape != (4, 4):
            raise ValueError(f'T_world_camera should have the shape (4,4), got {pose.shape}')
        if not np.isfinite(pose).all():
            self.counts['not there'] += 1
            return None, 'the pose is not finite'
        if (error := rigidity_error(pose)) > ORTHONORMAL_TOLERANCE:
            text = 'mirrored' if np.isinf(error) else f'off by {error:.2g}'
            if self.stretch < 0:
                raise ValueError('the rotation of T_world_camera should be orthonormal with determinant 1, but is '
                                 f'{text}: are the axes right, and the matrix not transposed or scaled?')
            self.counts['not there'] += 1
            return None, f'the rotation is {text}'
        self.shapes = shapes
        return (pose if self.convert is None else self.convert(pose)), None

    def _without_pose(self, time: float, note: str) -> LiveFrame:
        return LiveFrame(time, np.full((self.num_joints, 3), np.nan), False, 0.0, self.stretch,
                         max(time - self.begin, 0.0), 0, note)

    def _begin_stretch(self, time: float, note: str) -> None:
        if self.stretch >= 0:
            self.counts['stretches begun anew'] += 1
            note = self.restarted or note
        self.stretch, self.begin, self.note = self.stretch + 1, time, note if self.stretch >= 0 else ''
        self.rows.clear()
        self.num_frames, self.bridged, self.head_peak, self.before, self.restarted = 0, 0, -np.inf, None, ''

    def _append_due(self, time: float, pose: np.ndarray, fields: dict) -> int:
        """Append the frames between the pose before and this one; their number."""
        first = self.num_frames
        last = int(np.floor((time + self.tolerance - self.begin) * self.frame_rate + 1e-9))
        frames = np.arange(first, last + 1)
        wanted = self.begin + frames / self.frame_rate
        time_before, pose_before, fields_before = self.before or (time - 1, pose, fields)
        places = bracket(np.array([time_before, time]), wanted)
        poses = interpolate_poses(np.stack([pose_before, pose]), *places)
        values = {name: interpolate(np.stack([fields_before[name], value]), *places)
                  for name, value in fields.items()}
        for k, number in enumerate(frames):
            self.head_peak = max(self.head_peak, poses[k, 2, 3])
            self.rows.append(head_pose=poses[k], head_peak=self.head_peak, frame=np.int64(number),
                             **{name: value[k] for name, value in values.items()})
        self.num_frames = max(last + 1, first)
        if time - time_before > 1.5 / self.clock.fps and self.before is not None:
            self.bridged += int((wanted < time - self.tolerance).sum())
        return len(frames)

    def _result(self, newest: float) -> LiveFrame:
        """The pose of the last frame that was appended."""
        with torch.inference_mode():
            sample = self.model(**self.model.data_preprocessor(self.rows.batch()), mode='predict')[0]
            joints = apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).cpu().numpy()
        time = self.begin + (self.num_frames - 1) / self.frame_rate
        note, bridged = self.note, self.bridged
        self.note, self.bridged = '', 0
        self.counts['bridged'] += bridged
        if not len(joints):
            return self._without_pose(time, 'a transform of the config could not read the window')
        return LiveFrame(time, joints[0], True, max(newest - time, 0.0), self.stretch, time - self.begin, bridged, note)
