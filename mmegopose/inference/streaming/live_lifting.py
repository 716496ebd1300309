"""3D poses from the 2D keypoints of one person, one frame at a time."""
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...files import BadFile, as_floats
from ...motion import Motion
from ...structures import get_skeleton
from ..inputs.poses_2d.collector import PARTS, SKELETONS, Collector
from ..inputs.poses_2d.pixel_checks import NORMALIZED, check_size, usual_reach
from ..inputs.poses_2d.poses_2d import check_fps
from ..people import people_store
from ..tracking import PersonTrack
from .input_clock import InputClock
from .live_frame import LiveFrame
from .live_history import LiveHistory
from .recent_rows import RecentRows


class LiveLifting:
    """Poses ``delay`` frames behind the camera: so many frames after a frame help to tell its pose.

    The pose of a frame is that of one window which ends ``delay`` frames after it. It equals what the model predicts
    for the whole recording with :class:`.DelayedWindows`; with half a window of delay these are the windows of the
    protocol ``'stcformer'``. :class:`.LiftingInferencer` blends several windows of each frame, which takes up to a
    whole window of delay: its poses are not equal to these, only alike.

    A joint that is not there keeps its last place, as in a recording; where the joint comes back, a recording is filled
    in between, which a stream cannot do. A frame in which most of the person is not there is held for up to ``max_gap``
    seconds; then the stretch ends, and its last frames are answered with their last frame repeated.

    Args:
        predict: from a batch to its data sample with predictions.
        dataset: config of its data set.
        model_skeleton: what it predicts.
        image_size: width and height of the images, pixels.
        skeleton: of the keypoints; default: by their number, 17: ``'coco17'``.
        delay: frames; default: half a window, which is the most accurate.
        fps: frames per second of the camera. A time between two pushes in which frames should have come counts as that
            many frames without the person.
        max_gap: seconds without the person that are held.
        min_share: of the joints that a frame should have.
        history: seconds that :meth:`motion` gives.
        provenance: facts for it.
    """

    def __init__(self, predict: Callable, dataset: dict, *, model_skeleton: str, image_size: tuple,
                 skeleton: str | None = None, delay: int | None = None, fps: float = 30.0, max_gap: float = 0.25,
                 min_share: float = 0.25, history: float = 10.0, provenance: dict | None = None):
        check_fps(fps)
        num_frames, frame_step = dataset.get('num_frames', 243), dataset.get('frame_step', 1)
        self.delay = num_frames // 2 * frame_step if delay is None else delay
        self.predict, self.model_skeleton, self.skeleton = predict, model_skeleton, skeleton
        self.image_size, self.max_gap, self.min_share = check_size(image_size) or (0, 0), max_gap, min_share
        self.clock = InputClock(fps, max_gap + 1.5 / fps)
        self.rows = RecentRows(
            dataset, (num_frames - 1) * frame_step + 1, dict(dataset_name='stream', skeleton=model_skeleton),
            masks=('detected',), windows=dict(type='DelayedWindows', num_frames=num_frames, frame_step=frame_step,
                                              delay=self.delay),
            protocol='overlap', mirror=False, window_stride=None)
        self.history = LiveHistory(model_skeleton, 'root', max(round(history * fps), 1), provenance)
        self.counts: Counter = Counter()
        self.stretch, self.begin, self.last_seen, self.is_open = -1, 0.0, 0.0, False
        self.ahead, self.advanced, self.note = 0, 0, ''
        self.num_keypoints: int | None = None
        self.track: PersonTrack | None = None  # the last frame, with a place for each joint

    def push(self, keypoints, time: float | None = None, **fields) -> LiveFrame | None:
        """Take the keypoints of a frame; the pose of the frame ``delay`` frames before, or None if there was none.

        Args:
            keypoints: ``(J,2)`` pixels, or ``(J,3)`` with confidence; NaN or confidence 0 where a joint is not there;
                None: nobody is.
            time: seconds, of any clock; default: one over ``fps`` after the push before.
            fields: values of the same moment that the transforms of the config read from the store.

        Returns:
            ``joints (J,3)``: metres in camera axes, relative to the root. It is not valid for a frame that came too
            late, which is left out, and where nobody is known.

        Raises:
            ValueError: another shape, not in pixels, or times that are not seconds.
        """
        seen = None if keypoints is None else self._seen(keypoints)
        time = self.clock.read(time)
        if (late := self.clock.lateness(time)) is not None:
            self.counts['late'] += 1
            return self._without_pose(time, f'late by {late:.3g} s')
        before = time if self.clock.last is None else self.clock.last
        begin = self.clock.advance(time)
        if begin is not None:
            self._drop_rows()
        elif self.is_open and time - self.last_seen > (
                self.max_gap if seen is None else self.clock.max_gap) + 1e-9:
            self.is_open, begin = False, f'nobody for {time - self.last_seen:.3g} s'
        if seen is None and not self.is_open:
            self.ahead, self.advanced = self.ahead + 1, self.advanced + 1
            return self._answer(time) if self.ahead <= self.delay and len(self.rows) else self._without_pose(
                time, 'nobody')
        if not self.is_open:
            self._begin_stretch(time, begin or 'nobody before')
        else:
            for number in range(1, round((time - before) * self.clock.fps)):
                self._append(None, before + number / self.clock.fps, fields)
        self._append(seen, time, fields)
        self.last_seen = self.last_seen if seen is None else time
        return self._answer(time)

    def flush(self) -> list[LiveFrame]:
        """The poses of the last ``delay`` frames, as at the end of a recording; then a new stretch begins."""
        frames, newest = [], self.clock.last or 0.0
        while len(self.rows) and self.ahead < self.delay:
            self.ahead, self.advanced = self.ahead + 1, self.advanced + 1
            frames.append(self._answer(newest))
        self._drop_rows()
        self.clock.last = None
        return [frame for frame in frames if frame is not None]

    def motion(self, person: str = '0') -> Motion:
        """What was predicted in the last seconds, relative to the root."""
        return self.history.motion(person)

    def _seen(self, keypoints) -> PersonTrack | None:
        """The person in one frame, or None if too little of it is there."""
        keypoints = as_floats(keypoints)
        if keypoints.ndim != 2 or keypoints.shape[1] not in (2, 3):
            raise ValueError(f'keypoints should have the shape (J,2) or (J,3), got {keypoints.shape}')
        known = {*SKELETONS, *PARTS} if self.skeleton is None else {get_skeleton(self.skeleton).num_joints}
        if len(keypoints) not in known or self.num_keypoints not in (None, len(keypoints)):
            raise ValueError(f'{len(keypoints)} keypoints, but there should be ' + (
                f'{self.num_keypoints} as before' if self.num_keypoints else f'{sorted(known)}, or pass skeleton'))
        there = np.isfinite(keypoints[:, :2]).all(1) & (keypoints[:, :2] != 0).any(1)
        if not there.any():
            return None
        reach = usual_reach(keypoints[:, :2], there)
        if reach <= NORMALIZED:
            raise ValueError(f'keypoints reach {reach:.2f}, but should be pixels of an image of {self.image_size[0]} x '
                             f'{self.image_size[1]}')
        collector = Collector('stream', 'stream', skeleton=self.skeleton, image_size=self.image_size, normalized=False)
        collector.add(0, keypoints)
        try:
            poses = collector.finish()
        except BadFile:  # outside of the image
            if self.stretch < 0:
                raise
            return None
        self.num_keypoints = len(keypoints)
        if not len(poses):
            return None
        track = PersonTrack('0', np.zeros(1, np.int64), poses.keypoints, poses.confidence, poses.detected,
                            np.zeros_like(poses.detected), poses.box, np.ones(1, bool), poses.skeleton,
                            self.image_size)
        share = track.convert(self.model_skeleton).detected.mean()
        return track if share >= self.min_share else None

    def _begin_stretch(self, time: float, note: str) -> None:
        self._drop_rows()
        self.counts['stretches begun anew'] += self.stretch >= 0
        self.stretch, self.begin, self.is_open, self.track = self.stretch + 1, time, True, None
        self.note = note if self.stretch else ''

    def _drop_rows(self) -> None:
        """Forget what came before; frames that nobody answered are counted."""
        self.counts['not answered'] += max(min(self.delay - self.ahead, len(self.rows)), 0)
        self.rows.clear()
        self.is_open, self.ahead, self.advanced = False, 0, 0

    def _append(self, seen: PersonTrack | None, time: float, fields: dict) -> None:
        """A frame as a row; None: the last one is held."""
        last = self.track if self.track is not None else seen
        assert last is not None  # a stretch begins with somebody
        if seen is None:
            none = np.zeros_like(last.detected)
            track = replace(last, detected=none, confidence=none.astype(np.float32))
        else:
            track = replace(seen, keypoints=np.where(seen.detected[..., None], seen.keypoints, last.keypoints))
        self.track = track
        row = people_store([track], self.model_skeleton).frames
        self.rows.append(keypoints=row['keypoints'][0], detected=row['detected'][0], time=time, held=seen is None,
                         **fields)
        self.advanced += 1

    def _answer(self, newest: float) -> LiveFrame | None:
        """The pose of the frame ``delay`` frames before the last one."""
        row = len(self.rows) - 1 - self.delay + self.ahead
        if row < 0:
            return None
        sample = self.predict(self.rows.batch(row))
        joints = sample.pred_joints[sample.scored].float().cpu().numpy()
        time = float(self.rows.frames['time'][row])
        bridged = int(self.rows.frames['held'][max(row + 1 - self.advanced, 0):row + 1].sum())
        self.counts['bridged'] += bridged
        self.advanced, note = 0, self.note
        self.note = ''
        if not len(joints):
            raise ValueError(f'the model does not predict the frame {self.delay} frames before the last one; another '
                             'delay, perhaps 0?')
        joints = joints[0] - joints[0][get_skeleton(self.model_skeleton).root or 0]
        return self.history.add(LiveFrame(time, joints, True, newest - time, self.stretch, time - self.begin, bridged,
                                          note))

    def _without_pose(self, time: float, note: str) -> LiveFrame:
        return self.history.without_pose(time, self.stretch, self.begin, note)
