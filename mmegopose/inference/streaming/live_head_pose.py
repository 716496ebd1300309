"""Body pose from a head track, one pose at a time."""
from collections import Counter
from collections.abc import Callable

import numpy as np

from ...datasets.readers.head_pose.hand_poses import MAX_DISTANCE_M
from ...files import as_floats
from ...geometry.conventions import PoseConvention
from ...geometry.resampling import bracket, interpolate, interpolate_poses
from ...geometry.rigid import apply_rigid
from ...geometry.trajectory import rigidity_error
from ...motion import Motion
from ..inputs.head_tracks.track_import import FAR, JUMP, ROTATION_TOLERANCE
from .input_clock import MAX_BREAKS, InputClock
from .live_frame import LiveFrame
from .live_history import LiveHistory
from .recent_rows import RecentRows, rows_behind

NO_WRISTS = ('the model reads the head track alone, no wrists: leave wrists out, or take a model that was trained with '
             'them, by configs/head_pose/head_wrists_body.py')
WORLD = 1e7  # metres from the origin: farther than the surface of the earth is from its middle


class LiveHeadPose:
    """Poses of the body at the frames that the model was trained on, 30 a second, from poses of the head at any rate.

    Each :meth:`push` gives what :class:`.HeadPoseInferencer` gives for that frame of the whole recording: the config's
    own windows and transforms read the last poses, and the highest head so far is kept. Frames lie at the time of the
    first pose and every 1/30 s from there on. At 30 poses a second each push gives its own frame at once; at other
    rates a frame lies between two poses and comes with the second one, at most one input later. Where several frames
    lie between two poses, the last one is predicted.

    As in a recording, a new stretch begins after a hole, and where the head is elsewhere all of a sudden.

    Args:
        predict: from a batch to its data sample with predictions.
        dataset: config of the model's data set.
        frame_rate: frames per second of the model.
        camera_axes: of the poses that the model reads, key of :data:`.geometry.trajectory.HEAD_AXES`.
        skeleton: that it predicts.
        convention: of the poses that are pushed; default: that of the model's, camera to world, z up, metres.
        offset: ``(4,4)`` the model's camera in that whose poses are pushed, in upright camera axes; default: the same.
        fps: poses per second that are pushed; they need no times then.
        max_gap: longest time without a pose, seconds, that is bridged by interpolation; see :class:`.InputClock`.
        tolerance: seconds by which a pose may come before a frame and still stand for it. More, e.g. 0.004, for a clock
            that jitters about 30 Hz; frames are then in error by the motion in that time.
        history: seconds that :meth:`motion` gives.
        reads_wrists: the model reads the wrists, see :meth:`push`.
        provenance: facts for it.
    """

    def __init__(self, predict: Callable, dataset: dict, *, frame_rate: float, camera_axes: str = 'aria',
                 skeleton: str = 'coco17', convention: PoseConvention | None = None, offset: np.ndarray | None = None,
                 fps: float | None = None, max_gap: float | None = None, tolerance: float = 1e-6,
                 history: float = 10.0, reads_wrists: bool = False, provenance: dict | None = None):
        self.predict, self.frame_rate, self.tolerance = predict, frame_rate, tolerance
        self.reads_wrists = reads_wrists
        self.model_convention = PoseConvention(camera=camera_axes)
        self.convention, self.offset = convention or self.model_convention, np.eye(4) if offset is None else offset
        self.clock = InputClock(fps or frame_rate, max_gap)
        # One row more than the window: transforms may look at the frame before its first one.
        self.rows = RecentRows(dataset, rows_behind(dataset['windows'], frame_rate) + 2, dict(
            dataset_name='stream', skeleton=skeleton, camera_axes=camera_axes, fps=frame_rate))
        self.history = LiveHistory(skeleton, 'world', max(round(history * frame_rate), 1), provenance)
        self.counts: Counter = Counter()
        self.stretch, self.origin, self.begin = -1, 0.0, 0.0
        self.next_frame, self.bridged, self.head_peak, self.jumps = 0, 0, -np.inf, 0
        self.note, self.restarted, self.far_wrists = '', '', 0
        self.before: tuple | None = None  # time, standard pose and fields of the push before
        self.shapes: dict | None = None  # of the fields

    def push(self, T_world_camera, time: float | None = None, *, wrists=None, skip: bool = False,
             **fields) -> LiveFrame | None:
        """Take a pose; the newest frame that is due, or None if there is none between this pose and the one before.

        Args:
            T_world_camera: ``(4,4)`` in ``convention``; None or NaN: the tracker has none.
            time: seconds, of any clock; default: one over ``fps`` after the push before.
            wrists: ``(2,3)`` places of the left and the right wrist at that moment, in the world of the pose; NaN for
                one that is not seen, None for neither.
            skip: take the pose and predict nothing, for a model that is slower than the tracker; None is returned.
            fields: values of the same moment that the transforms of the config read from the store.

        Returns:
            ``joints (J,3)`` in the world. It is not valid for a pose that is not there, and for one that is not later
            than the pose before, which is left out.

        Raises:
            ValueError: another shape, a first pose whose rotation is none, times that are not seconds, places that are
                not metres, wrists for a model that reads none.
        """
        fields = {name: np.asarray(value) for name, value in fields.items()} | self._wrists(wrists)
        pose, problem = self._checked(T_world_camera, fields)
        time = self.clock.read(time)
        if problem is None and (late := self.clock.lateness(time)) is not None:
            self.counts['late'] += 1
            problem = f'late by {late:.3g} s'
        if problem is None and 'wrists' in fields:
            self._leave_out_far(fields['wrists'], pose)
        if problem is not None:
            return self.history.without_pose(time, self.stretch, self.begin, problem)
        begin = self.clock.advance(time) or self._jump(time, pose)
        if begin is not None:
            self._begin_stretch(time, begin)
        due = self._append_due(time, pose, fields, begin is not None)
        self.before = time, pose, fields
        return self._result(time) if due and not skip else None

    def restart(self, note: str = 'restart') -> None:
        """Begin anew with the next pose: the tracker has a new world, or another person puts on the headset."""
        self.clock.last, self.restarted = None, note

    def motion(self, person: str = 'wearer') -> Motion:
        """What was predicted in the last seconds, with the head track."""
        return self.history.motion(person)

    def _wrists(self, wrists) -> dict:
        """The field ``wrists (2,3)`` of a model that reads them, in standard axes, NaN where none is seen."""
        if not self.reads_wrists:
            if wrists is not None:
                raise ValueError(NO_WRISTS)
            return {}
        places = np.full((2, 3), np.nan) if wrists is None else as_floats(wrists)
        if places.shape != (2, 3):
            raise ValueError(f'wrists should have the shape (2,3), the left and the right one, got {places.shape}')
        places[(places == 0).all(-1)] = np.nan  # what trackers write for a hand that is not there
        return dict(wrists=self.convention.points_to_standard(places))

    def _leave_out_far(self, wrists: np.ndarray, pose: np.ndarray) -> None:
        """Take wrists ``(2,3)`` out of reach of the head for none. Raises ``ValueError`` if that goes on."""
        distance = np.linalg.norm(wrists - pose[:3, 3], axis=-1)
        far = distance > MAX_DISTANCE_M
        wrists[far] = np.nan
        self.far_wrists = self.far_wrists + 1 if far.any() else 0
        self.counts['wrists out of reach'] += int(far.sum())
        if self.far_wrists > MAX_BREAKS:
            raise ValueError(f'the wrists of the last {MAX_BREAKS} pushes are out of reach, now '
                             f'{distance[far].max():.3g} m from the head: they should be in metres, and in its world')

    def _checked(self, pose, fields: dict) -> tuple:
        """The pose in standard axes, and what is wrong with it, if anything."""
        shapes = {name: value.shape for name, value in fields.items()}
        if pose is not None and self.shapes not in (None, shapes):
            raise ValueError(f'each push should have the fields {self.shapes}, got {shapes}')
        if pose is None:
            self.counts['not there'] += 1
            return None, 'no pose'
        pose = as_floats(pose)
        if pose.shape != (4, 4):
            raise ValueError(f'T_world_camera should have the shape (4,4), got {pose.shape}')
        if not np.isfinite(pose).all():
            self.counts['not there'] += 1
            return None, 'the pose is not finite'
        if (error := rigidity_error(pose)) > ROTATION_TOLERANCE:
            text = 'the rotation is ' + ('mirrored' if np.isinf(error) else f'off by {error:.2g}')
            if rigidity_error(pose[:3]) < error:
                text = f'the last row is {pose[3].tolist()}'
            if self.stretch < 0:
                raise ValueError('T_world_camera should have an orthonormal rotation with determinant 1 and the last '
                                 f'row 0 0 0 1, but {text}: are the axes right, and the matrix not transposed or '
                                 'scaled?')
            self.counts['not there'] += 1
            return None, text
        self.shapes = shapes
        pose = self.convention.to_standard(pose)
        before = self.before[1][:3, 3] if self.before else 0.0
        distance = float(np.abs(pose[:3, 3] - before).max())
        if distance > (FAR[0] if self.before else WORLD):
            self.counts['not there'] += 1
            self._count_jump(distance)
            return None, f'the head is {distance:.2g} m away'
        return pose, None

    def _jump(self, time: float, pose: np.ndarray) -> str | None:
        """Why the tracker must have lost the head between the pose before and this one, or None."""
        if self.before is None:
            return None
        distance = float(np.linalg.norm(pose[:3, 3] - self.before[1][:3, 3]))
        jumped = distance > JUMP[0] and distance > JUMP[1] * (time - self.before[0])
        self._count_jump(distance if jumped else None)
        return f'the head jumped by {distance:.2g} m' if jumped else None

    def _count_jump(self, distance: float | None) -> None:
        """Raise ``ValueError`` if one pose after the other jumps; None: this one did not."""
        self.jumps = 0 if distance is None else self.jumps + 1
        if self.jumps > MAX_BREAKS:
            raise ValueError(f'the head jumped with each of the last {MAX_BREAKS} poses, now by {distance:.3g} m: '
                             "places should be in metres (unit='mm' says that they are not), times in seconds")

    def _begin_stretch(self, time: float, note: str) -> None:
        if self.stretch >= 0:
            self.counts['stretches begun anew'] += 1
            self.note = self.restarted or note
        if self.before is None or time <= self.before[0]:
            self.origin = time
        self.next_frame = int(np.ceil((time - 1e-9 - self.origin) * self.frame_rate - 1e-6))
        self.stretch, self.begin = self.stretch + 1, self.origin + self.next_frame / self.frame_rate
        self.bridged, self.head_peak, self.restarted = 0, -np.inf, ''
        self.rows.clear()

    def _append_due(self, time: float, pose: np.ndarray, fields: dict, first: bool) -> int:
        """Append the frames up to this pose that follow the one before; their number."""
        last = int(np.floor((time + self.tolerance - self.origin) * self.frame_rate + 1e-9))
        frames = np.arange(self.next_frame, last + 1)
        if not len(frames):
            return 0
        wanted = self.origin + frames / self.frame_rate
        time_before, pose_before, fields_before = (
            time - 1, pose, fields) if first or self.before is None else self.before
        places = bracket(np.array([time_before, time]), wanted)
        poses = interpolate_poses(np.stack([pose_before, pose]), *places)
        values = {name: interpolate(np.stack([fields_before[name], value]), *places)
                  for name, value in fields.items()}
        for k, model_pose in enumerate(self.model_convention.from_standard(poses @ self.offset)):
            self.head_peak = max(self.head_peak, model_pose[2, 3])
            self.rows.append(head_pose=model_pose, head_peak=self.head_peak, frame=np.int64(frames[k]),
                             **{name: value[k] for name, value in values.items()})
        self.next_frame, self.head_pose = last + 1, poses[-1]
        if time - time_before > 1.5 / self.clock.fps and not first:
            self.bridged += int((wanted < time - self.tolerance).sum())
        return len(frames)

    def _result(self, newest: float) -> LiveFrame:
        """The pose of the last frame that was appended."""
        sample = self.predict(self.rows.batch())
        joints = apply_rigid(sample.T_world_target[:, -1], sample.pred_joints[:, -1].double()).cpu().numpy()
        time = self.origin + (self.next_frame - 1) / self.frame_rate
        note, bridged = self.note, self.bridged
        self.note, self.bridged = '', 0
        self.counts['bridged'] += bridged
        if not len(joints):
            return self.history.without_pose(time, self.stretch, self.begin,
                                             'a transform of the config could not read the window')
        return self.history.add(LiveFrame(time, joints[0], True, max(newest - time, 0.0), self.stretch,
                                          time - self.begin, bridged, note), self.head_pose)
