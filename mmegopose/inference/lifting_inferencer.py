"""3D poses from the 2D keypoints of a video."""
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..datasets import SequenceStore
from ..evaluation.benchmarks.lifting_benchmark import blend_frames
from ..files import as_floats
from ..geometry.root_translation import pinhole
from ..models.layers import lay_out_for_single_windows
from ..motion import Motion
from ..registry import INFERENCERS
from ..structures import get_skeleton
from .detectors import build_detector, poses_of_video
from .inferencer import Inferencer
from .inputs.image_sources import is_video
from .inputs.poses_2d import Poses2D, collect_frames, mend_sides, read_poses_2d
from .people import people_store
from .placement import place_in_camera, stand_upright
from .post_processing import check_post_processing, post_process
from .streaming import LiveLifting
from .tracking import PersonTrack, choose_person, one_person, track_people

FRAMES = ('root', 'camera', 'world')
FAR = 60.0        # metres: farther away people are too small in most pictures
MIN_SHARE = 0.25  # of the joints of the model; with fewer a frame says nothing of the body


@INFERENCERS.register_module()
class LiftingInferencer(Inferencer):
    """Lift videos of any length: overlapping windows, blended, every frame predicted once.

    ::

        lift = LiftingInferencer('config.py', 'checkpoint.pth')
        motions = lift('openpose_folder', image_size=(1920, 1080), fps=25)      # one Motion for each person

    Args:
        kwargs: ``config``, ``checkpoint``, ``model``, ``device``, ``precision``, ``engine``,
            ``progress``: see :class:`.Inferencer`.
    """
    datasets = ('LiftingDataset',)
    default_skeleton = 'h36m17'

    def __call__(self, poses, image_size: tuple | None = None, *, skeleton: str | None = None,
                 fps: float | None = None, format: str = 'auto', detector: str | dict | Callable | None = None,
                 tracking: dict | None = None, person: str = 'all', intrinsics=None,
                 field_of_view: float | None = None, frame: str | None = None, fields: dict | None = None,
                 sides: str = 'mend', batch_size: int = 16, smooth: str | dict | None = None,
                 constant_bones: bool | dict = False, floor: bool | float = False, **options) -> list[Motion]:
        """The 3D pose of everybody in a video.

        Args:
            poses: a file or folder that :func:`.read_poses_2d` knows; :class:`.Poses2D`; tracks of
                :func:`.track_people`; or an array of one person in pixels, ``(F,J,2)`` or ``(F,J,3)`` with confidence,
                NaN, masked, zeros or confidence 0 where a joint is not there; in a list
                of frames also None or an empty one. With a ``detector``, a video or pictures, see
                :func:`.open_images`.
            image_size: width and height of the images, pixels; where the file does not tell.
            skeleton: of the keypoints; default: what the file says, or the detector's of so many joints (17:
                ``'coco17'``).
            fps: frames per second; default: what the file says, or 30.
            format: of the file.
            detector: of 2D poses in a video: ``'mediapipe'``, ``'rtmlib'``, or your own; see :func:`.build_detector`;
                for the file of a video the default is ``'mediapipe'``.
            tracking: options of :func:`.track_people`.
            person: ``'all'``, or one: ``'longest'`` or ``'largest'``, see :func:`.choose_person`.
            intrinsics: ``fx, fy, cx, cy`` or a ``(3,3)`` matrix, pixels; or
            field_of_view: degrees from the left to the right edge of the image: then the place of each person in front
                of the camera is found, see :func:`.place_in_camera`.
            frame: ``'root'``: relative to the pelvis, in camera axes; ``'camera'``; or ``'world'``: z up, for a camera
                that stands still, see :func:`.stand_upright`. Default: the camera where it is known, else the root.
            fields: more arrays ``(F, ...)``, a row for each frame of the video, that the transforms of the config read
                from the store.
            sides: ``'mend'``: left and right limbs that the detector exchanges for a while are put back, see
                :func:`.exchanged_sides`, and counted in ``provenance['input']['exchanged_sides']``; ``'keep'``.
            batch_size: windows per forward pass.
            smooth, constant_bones, floor: see :func:`.post_process`.
            options: of the file's reader.

        Returns:
            A Motion for each person, in the order in which they appear, from the first to the last frame in which they
            are seen. Joints that are not detected are predicted from the others; their ``confidence``, which is the
            detector's, is 0. Frames with fewer than a quarter of the joints are not valid: they are holes, and what
            follows is predicted as if it were another recording. Short holes were filled: ``filled``. ``keypoints`` are
            the 2D poses in the joints of the model.

        Raises:
            FileNotFoundError, BadFile: the file cannot be read.
            ValueError: an array of another shape or not in pixels, or an option without which nothing can be done.
        """
        check_post_processing(smooth, floor)
        frame = frame or ('root' if intrinsics is None and field_of_view is None else 'camera')
        if frame not in FRAMES:
            raise ValueError(f'frame={frame!r} should be one of {FRAMES}')
        if frame != 'root' and intrinsics is None and field_of_view is None:
            raise ValueError(f'frame={frame!r}: where a person is needs intrinsics or field_of_view')
        if sides not in ('mend', 'keep'):
            raise ValueError(f"sides={sides!r} should be 'mend' or 'keep'")
        options |= dict(image_size=image_size, skeleton=skeleton, fps=fps)
        tracking = dict(tracking or {})
        if detector is not None or is_video(poses):
            detector = build_detector(detector or 'mediapipe', options.pop('skeleton'))
            poses = poses_of_video(poses, detector, progress=self.progress, **_given(options))
            options = {}
            if getattr(detector, 'follows', False):
                tracking.setdefault('use_identities', 'always')
        tracks = self._tracks(poses, tracking, _given(options), format)
        if person != 'all' and tracks:
            tracks = [choose_person(tracks, person)]
        tracks = [track.convert(self.skeleton) for track in tracks]
        if sides == 'mend':
            tracks = [mend_sides(track) for track in tracks]
        motions = self._lift(tracks, fields or {}, batch_size)
        if frame != 'root':
            cameras = [pinhole(track.image_size or (), field_of_view, intrinsics) for track in tracks]
            motions = [place_in_camera(motion, track.keypoints, camera, track.confidence)
                       for motion, track, camera in zip(motions, tracks, cameras)]
            _doubt_distance(motions)
        if frame == 'world' and motions:
            motions = stand_upright(motions)
        return [post_process(motion, smooth, constant_bones, floor) for motion in motions]

    def stream(self, image_size: tuple, **options) -> LiveLifting:
        """Poses frame by frame, as keypoints of one person come in, some frames behind.

        Args:
            image_size: width and height of the images, pixels.
            options: of :class:`.LiveLifting`: ``skeleton``, ``delay``, ``fps``, ``max_gap``, ``history``.
        """
        lay_out_for_single_windows(self.model)
        return LiveLifting(self.predict, self.dataset, model_skeleton=self.skeleton, image_size=image_size,
                           min_share=MIN_SHARE, provenance=self.provenance, **options)

    @staticmethod
    def _tracks(poses, tracking: dict, given: dict, format: str) -> list[PersonTrack]:
        if isinstance(poses, (str, Path)):
            poses = read_poses_2d(poses, format, **given)
        elif isinstance(poses, np.ndarray) or torch.is_tensor(poses) or _are_frames(poses):
            return one_person(_array_poses(poses, given), **{
                key: tracking[key] for key in ('max_hole',) if key in tracking})
        elif given:
            raise TypeError(f'{sorted(given)} are options of readers; the poses have been read already')
        return track_people(poses, **tracking) if isinstance(poses, Poses2D) else list(poses)

    def _lift(self, tracks: list, fields: dict, batch_size: int) -> list[Motion]:
        """Motions relative to their root, of tracks in the joints of the model."""
        skeleton = get_skeleton(self.skeleton)
        root = skeleton.root or 0
        enough = [track.detected.sum(1) >= MIN_SHARE * skeleton.num_joints for track in tracks]
        pieces = [(number, rows) for number, seen in enumerate(enough) for rows in _runs(seen)]
        joints = [np.full((len(track), skeleton.num_joints, 3), np.nan, np.float32) for track in tracks]
        if pieces:
            found = self._predict(self._store(tracks, pieces, fields), batch_size)
            for (number, rows), predicted in zip(pieces, found):
                joints[number][rows] = predicted - predicted[:, root:root + 1]
        return [Motion(track.time, points, self.skeleton, frame='root', person=track.person,
                       confidence=track.confidence, filled=track.filled_frames, provenance=dict(
                           self.provenance, input=dict(track.facts), image_size=list(track.image_size or ()),
                           fps=track.fps), image_size=track.image_size, keypoints=track.image_size and np.where(
                               track.detected[..., None], track.keypoints, np.nan))
                for track, points in zip(tracks, joints)]

    def _store(self, tracks: list, pieces: list, fields: dict) -> SequenceStore:
        store = people_store([tracks[number][rows] for number, rows in pieces], self.skeleton,
                             names=[f'{tracks[number].person}#{k}' for k, (number, _) in enumerate(pieces)])
        frames = dict(store.frames)
        if frames['detected'].all():  # nothing to leave out, so that also models run that know of no mask
            del frames['detected']
        rows = frames.pop('frame')  # the windows count from 0
        for name, values in fields.items():
            if len(values) <= rows.max():
                raise ValueError(f'fields should have a row for each of the {rows.max() + 1} frames, {name!r} has '
                                 f'{len(values)}')
            frames[name] = np.asarray(values)[rows]
        return SequenceStore(store.offsets, frames, store.sequences, info=store.info)

    def _predict(self, store: SequenceStore, batch_size: int) -> list[np.ndarray]:
        """Joints ``(F,J,3)`` of each sequence of a store."""
        data = self.data_over(store, protocol='overlap', mirror=False, window_stride=None)
        poses = torch.cat([sample.pred_joints[sample.scored].float().cpu()
                           for sample in self.samples(data, batch_size)])
        out, begin = [], 0
        for expected in data.metainfo['sequences']:
            ids, weights = (torch.from_numpy(expected[key]) for key in ('frame_ids', 'weights'))
            out.append(blend_frames(poses[begin:begin + len(ids)], ids, weights)[0].numpy())
            begin += len(ids)
        return out


def _doubt_distance(motions: list) -> None:
    """Warn of people whom nobody films."""
    depths = [motion.provenance['placement'].get('depth', 0.0) for motion in motions]
    if far := [depth for depth in depths if depth > FAR]:
        warnings.warn(f'{len(far)} of {len(depths)} people are farther away than {FAR:.0f} m, up to {max(far):.0f} m: '
                      'is the field of view, or the focal length in pixels, that of these images?', stacklevel=3)


def _given(options: dict) -> dict:
    return {key: value for key, value in options.items() if value is not None}


def _runs(mask: np.ndarray) -> list[slice]:
    """Where a mask ``(T,)`` is True, as slices."""
    bounds = np.flatnonzero(np.diff(mask.astype(int), prepend=0, append=0))
    return [slice(int(a), int(b)) for a, b in zip(bounds[::2], bounds[1::2])]


def _are_frames(poses) -> bool:
    """Whether it is a list of the keypoints of one person in each frame."""
    return isinstance(poses, (list, tuple)) and len(poses) > 0 and all(
        pose is None or _num_dims(pose) == 2 or np.size(pose) == 0 for pose in poses
        if not isinstance(pose, PersonTrack)) and not any(isinstance(pose, PersonTrack) for pose in poses)


def _array_poses(keypoints, options: dict) -> Poses2D:
    """The array of one person as the 2D poses of a video."""
    keypoints = as_floats(keypoints).astype(np.float32)
    if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3) or not len(keypoints):
        raise ValueError(f'keypoints should be (frames,joints,2) or (frames,joints,3), got {keypoints.shape}')
    if options.get('image_size') is None:
        raise ValueError('the size of the images is not known: pass image_size, width and height in pixels')
    frames = [points[None] if np.isfinite(points[..., :2]).any() else None for points in keypoints]
    return collect_frames(frames, **{'normalized': False, 'name': 'array', **options})


def _num_dims(pose) -> int:
    try:
        return np.ndim(pose)
    except ValueError:
        raise ValueError('the rows of a pose have different lengths: each joint needs x, y and, where there is one, a '
                         'confidence') from None
