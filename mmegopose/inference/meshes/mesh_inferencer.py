"""Meshes of hands and bodies in pictures and videos."""
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...datasets import ImageMeshDataset
from ...motion import Mesh, Motion
from ...registry import INFERENCERS
from ...structures import PoseDataSample
from ..detectors import build_detector
from ..detectors.poses_of_video import collect_poses, detect_in
from ..inferencer import Inferencer
from ..inputs.image_sources import open_images
from ..inputs.poses_2d import Poses2D, read_poses_2d
from ..inputs.timed_image import ImageSource, TimedImage
from ..post_processing import check_post_processing, post_process
from ..tracking import PersonTrack, track_people
from .full_camera import image_camera, place_in_image
from .image_windows import crop_options, image_windows
from .subjects import Subject, subjects_of_boxes, subjects_of_pictures, subjects_of_tracks

SKELETONS = {('hand', 21): 'hand21', ('body', 24): 'smpl24', ('body', 17): 'coco17', ('body', 25): 'openpose25'}
DETECTORS_OF = dict(hand='mediapipe_hands', body='mediapipe')
SIDES = dict(left_hand=False, right_hand=True)
NEEDED = ('joints', 'vertices', 'keypoints', 'camera', 'global_orient', 'body_pose', 'betas')


@INFERENCERS.register_module()
class MeshInferencer(Inferencer):
    """Parameters, joints and vertices of every hand or body in pictures or a video, in the camera of the image.

    ::

        mesh = MeshInferencer('configs/mesh/extpose-tiny_synthetic-hand.py', 'iter_1200.pth')
        motions = mesh('hand.jpg')                                                # with MediaPipe, if it is installed
        motion, = mesh('hand.jpg', boxes=(120, 80, 340, 300), right=False)
        motions = mesh('video.mp4', poses='openpose_folder', field_of_view=60)

    A picture, or a window of a video, goes through the pipeline of the config, with all its streams; the network sees
    left hands mirrored, and they come back as left hands.

    Args:
        kwargs: ``config``, ``checkpoint``, ``model``, ``device``, ``precision``, ``engine``,
            ``progress``: see :class:`.Inferencer`.

    Attributes:
        kind: ``'hand'`` or ``'body'``.

    Raises:
        ValueError: a model without a body model, or the config of a data set that does not tell how to crop.
    """
    datasets: tuple = ('ImageMeshDataset', 'SyntheticMeshDataset')

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._set_model()
        self.options = crop_options(self.dataset, self.kind)

    def _set_model(self) -> None:
        """Find out what the model says of whom."""
        bodies = [part for part in self.model.modules() if hasattr(part, 'faces') and hasattr(part, 'num_keypoints')]
        if not bodies:
            raise ValueError(f'the model of {self.provenance["config"]} has no body model, so it makes no meshes')
        self.kind = 'hand' if bodies[0].num_joints == 16 else 'body'
        self.faces = bodies[0].faces.cpu().numpy()
        count = min(bodies[0].num_keypoints, 25) if self.kind == 'body' else bodies[0].num_keypoints
        if (self.kind, count) not in SKELETONS:
            raise ValueError(f'the body model reports {bodies[0].num_keypoints} joints of a {self.kind}, which are no '
                             f"known skeleton; joint_order='openpose' of hands and 'model' of bodies are")
        self.reported = SKELETONS[self.kind, count]
        self.body_model = _find(self.cfg.model, 'body_model')

    @property
    def skeleton(self) -> str:
        return self.reported

    def __call__(self, images, *, boxes=None, poses=None, detector: str | dict | Callable | None = None, right=None,
                 fps: float | None = None, intrinsics=None, field_of_view: float | None = None, frame: str = 'camera',
                 tracking: dict | None = None, person: str = 'all', mesh: bool = True, batch_size: int = 16,
                 smooth: str | dict | None = None, constant_bones: bool | dict = False, floor: bool | float = False,
                 **options) -> list[Motion]:
        """The meshes of a picture, of pictures, or of a video.

        Where they are is told by ``boxes``, or ``poses``, or found by a detector.

        Args:
            images: what :func:`.open_images` takes.
            boxes: left, top, right, bottom of each hand or person, pixels: ``(4,)`` or ``(P,4)`` of one picture;
                ``(T,P,4)``, or a list with ``(P,4)`` or None for each picture, where box k is always the same hand or
                person, NaN where it is not there.
            poses: 2D poses of the same pictures: a file that :func:`.read_poses_2d` knows, :class:`.Poses2D`, tracks of
                :func:`.track_people`, or these by side: ``dict(left_hand=..., right_hand=...)``.
            detector: see :func:`.build_detector`; default, without boxes and poses: ``'mediapipe_hands'`` or
                ``'mediapipe'``.
            right: of hands whose side is not known: True or False, or one for each box. Default: right, with a warning
                where nothing tells.
            fps: frames per second of pictures that are a sequence; without it each picture stands for itself.
            intrinsics: ``fx, fy, cx, cy`` or a ``(3,3)`` matrix, pixels; or
            field_of_view: degrees from the left to the right edge of the image. Without both, distances are those of a
                very long lens, as HaMeR has them: the picture fits, metres of depth mean nothing.
            frame: ``'camera'``, or ``'root'``: relative to the wrist or pelvis.
            tracking: options of :func:`.track_people`.
            person: ``'all'``, or one: ``'longest'`` or ``'largest'``.
            mesh: keep the vertices; without them long videos of bodies need much less memory.
            batch_size: windows per forward pass. As many pictures are in memory at once.
            smooth, constant_bones, floor: see :func:`.post_process`.
            options: of the file of poses.

        Returns:
            A Motion for each hand or person, in camera axes: joints, and in ``mesh`` the vertices, with the parameters
            ``global_orient``, ``body_pose``, ``betas``, ``translation`` (of the body model, metres) and ``intrinsics``
            of each frame. Those of a left hand are for the mirrored body model. What could not be used is not valid,
            and counted in ``provenance['skipped']``.

        Raises:
            FileNotFoundError, BadFile: the pictures or the poses cannot be read.
            ValueError: boxes of another shape, or options that do not fit.
            ModuleNotFoundError: the detector is not installed.
        """
        check_post_processing(smooth, floor)
        if frame not in ('camera', 'root'):
            raise ValueError(f"frame={frame!r} should be 'camera' or 'root'")
        if self.kind == 'hand' and right is not None and np.asarray(right).dtype != bool:
            raise ValueError(f'right={right!r} should be True for right hands, or False')
        if person not in ('all', 'longest', 'largest'):
            raise ValueError(f"person={person!r} should be 'all', 'longest' or 'largest'")
        if (boxes is not None) + (poses is not None) + (detector is not None) > 1:
            raise ValueError('only one says where they are: give boxes, or poses, or detector')
        source = open_images(images, fps)
        subjects, told = self._subjects(source, boxes, poses, detector, right, tracking or {}, options)
        if person != 'all' and subjects:
            subjects = [max(subjects, key=len if person == 'longest' else Subject.area)]
        motions = self._reconstruct(source, subjects, told, mesh, batch_size, intrinsics, field_of_view)
        motions = [motion.to_root() if frame == 'root' else motion for motion in motions]
        return [post_process(motion, smooth, constant_bones, floor) for motion in motions]

    def _subjects(self, source: ImageSource, boxes, poses, detector, right, tracking: dict,
                  options: dict) -> tuple[list[Subject], dict]:
        """Everybody, and facts of where they come from."""
        separate, sides = source.fps is None, right if self.kind == 'hand' else True
        target = 'hand21' if self.kind == 'hand' else 'smpl24'
        told = dict(source=source.name)
        if boxes is not None:
            self._told_of_sides(right is None)
            return subjects_of_boxes(boxes, sides, target, source.num_frames == 1, separate), told | dict(boxes=True)
        if poses is not None:
            found = self._read(poses, options)
        else:
            detector = self._detector(detector, separate)
            told['detector'] = type(detector).__name__
            if separate:
                subjects, unknown = subjects_of_pictures(
                    detect_in(source, detector, self.progress), getattr(detector, 'skeleton', ''), target, sides)
                self._told_of_sides(unknown > 0 and right is None)
                return subjects, told
            found = collect_poses(source, detector, progress=self.progress, sides=self.kind == 'hand')
            if getattr(detector, 'follows', False):
                tracking = dict(use_identities='always') | tracking
        subjects = []
        for part, people in found.items():
            if isinstance(people, Poses2D):
                if len(people) and source.num_frames and people.num_frames > source.num_frames + 1:
                    raise ValueError(f'the poses are of {people.num_frames} frames, but {source.name} has '
                                     f'{source.num_frames}: are they of another video?')
                people = track_people(people, **(dict(min_frames=1) | tracking))
            side = SIDES.get(part, True if sides is None else bool(sides))
            self._told_of_sides(part not in SIDES and right is None and bool(people))
            subjects += subjects_of_tracks(people, side, target, part.removesuffix('_hand') if part in SIDES else '')
        return subjects, told

    def _read(self, poses, options: dict) -> dict:
        """2D poses or tracks by part: ``'left_hand'``, ``'right_hand'``, or ``'body'`` where the side is not known."""
        if isinstance(poses, dict):
            if unknown := set(poses) - {*SIDES, 'body'}:
                raise ValueError(f'poses are given for {sorted(unknown)}; they should be for left_hand and right_hand')
            return {part: found for part, one in poses.items() for found in self._read(one, dict(
                options, part=part)).values()}
        if isinstance(poses, (str, Path)):
            read = read_poses_2d(poses, **options)
            if self.kind == 'body' or read.skeleton == 'hand21':
                return dict(body=read)
            return {part: read_poses_2d(poses, **dict(options, part=part)) for part in SIDES}
        if isinstance(poses, Poses2D):
            return {poses.facts.get('part', 'body'): poses}
        tracks = list(poses)
        if not all(isinstance(track, PersonTrack) for track in tracks):
            raise ValueError('poses should be a file, Poses2D, tracks, or a dict of these by side, got '
                             f'{type(poses).__name__}')
        return dict(body=tracks)

    def _detector(self, detector, separate: bool) -> Callable:
        chosen = detector or DETECTORS_OF[self.kind]
        if separate and chosen in DETECTORS_OF.values():
            chosen = dict(type=chosen, single=True)
        try:
            return build_detector(chosen)
        except ModuleNotFoundError as error:
            if detector is not None:
                raise
            boxes = 'boxes and right' if self.kind == 'hand' else 'boxes'
            raise ModuleNotFoundError(f'nothing tells where the {self.kind}s are: pass {boxes}, or poses, or detector; '
                                      f'by default, {error}', name=error.name) from error

    def _told_of_sides(self, unknown: bool) -> None:
        if unknown and self.kind == 'hand':
            warnings.warn('nothing tells left hands from right ones: they are taken for right hands; pass right=False '
                          'for left ones', stacklevel=4)

    def _reconstruct(self, source: ImageSource, subjects: list[Subject], told: dict, mesh: bool, batch_size: int,
                     intrinsics, field_of_view) -> list[Motion]:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f'batch_size={batch_size!r} should be a whole number, at least 1')
        results: list[dict] = [{} for _ in subjects]
        times, sizes, skipped = {}, {}, Counter[str]()
        for shots in self._chunks(source, batch_size):
            for shot in shots:
                times[shot.number] = shot.time
                if shot.image is not None:
                    sizes[shot.number] = shot.image.shape[1::-1]
            rows = self._rows(shots, subjects, skipped)
            if not len(rows):
                continue
            data = self._windows(shots, subjects, rows)
            for begin in range(0, len(data), batch_size):
                index = np.arange(begin, min(begin + batch_size, len(data)))
                sample = self.predict(data.__getitems__(index))
                for place, values in self._placed(sample, data, intrinsics, field_of_view, mesh):
                    number, position = rows[place]
                    results[number][int(position)] = values
            skipped.update(data.skipped)
        told = dict(input=told | dict(pictures=dict(source.report)), skipped=dict(skipped), fps=source.fps)
        return [self._motion(subject, result, times, sizes, told)
                for subject, result in zip(subjects, results) if any(number in times for number in subject.frame)]

    def _windows(self, shots: list[TimedImage], subjects: list[Subject], rows: np.ndarray) -> ImageMeshDataset:
        return image_windows(shots, subjects, rows, self.kind, self.options)

    def _chunks(self, source: ImageSource, batch_size: int) -> Iterator[list[TimedImage]]:
        """The pictures, a whole number of windows at a time."""
        window = self.options.get('num_frames', 1)
        size, shots = window * math.ceil(batch_size / window), []
        console = Console(stderr=True)
        shown = console.is_terminal if self.progress is None else self.progress
        columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
            task = bar.add_task(self.provenance['model'], total=source.num_frames)
            for shot in source:
                shots.append(shot)
                bar.advance(task)
                if len(shots) == size:
                    yield shots
                    shots = []
            if shots:
                yield shots

    @staticmethod
    def _rows(shots: list[TimedImage], subjects: list[Subject], skipped: Counter) -> np.ndarray:
        """``(n,2)`` subject and place in it of everybody in the pictures, without empty boxes."""
        first, last = shots[0].number, shots[-1].number
        sizes = {shot.number: shot.image.shape[1::-1] for shot in shots if shot.image is not None}
        rows = []
        for number, subject in enumerate(subjects):
            for position in range(*np.searchsorted(subject.frame, [first, last + 1])):
                low, high = subject.box[position, :2], subject.box[position, 2:]
                size = sizes.get(int(subject.frame[position]), (math.inf, math.inf))
                if not (np.isfinite(subject.box[position]).all() and (high > low).all()):
                    skipped['empty box'] += 1
                elif (low >= size).any() or (high <= 0).any():
                    skipped['box outside the image'] += 1
                else:
                    rows.append((number, position))
        return np.array(rows, int).reshape(-1, 2)

    def _placed(self, sample: PoseDataSample, data, intrinsics, field_of_view,
                mesh: bool) -> Iterator[tuple[int, dict]]:
        """Row of the store and values of every frame that was predicted."""
        missing = [name for name in NEEDED if f'pred_{name}' not in sample]
        if missing:
            raise ValueError(f'the model gives no {", ".join(missing)}; MeshInferencer needs a MeshDecoderHead with a '
                             'body model, and no test_cfg.flip')
        rows, good = data.windows.rows(sample.index.cpu().numpy(), None).rows, sample.scored.cpu()
        if not good.any():
            return
        crop = {name: sample.get(f'pred_{name}')[good.to(sample.get(f'pred_{name}').device)].float().cpu().numpy()
                for name in NEEDED}
        crop |= {name: sample.get(name).cpu()[good].numpy() for name in ('box_center', 'box_size')}
        sizes = sample.image_size.cpu()[good].numpy()
        cameras = np.stack([image_camera((float(w), float(h)), field_of_view, intrinsics) for w, h in sizes])
        placed = place_in_image(crop, sample.right.cpu()[good].numpy(), cameras) | dict(intrinsics=cameras)
        if not mesh:
            del placed['vertices']
        for place, row in enumerate(rows[good.numpy()]):
            yield int(row), {name: values[place].astype(np.float32) for name, values in placed.items()}

    def _motion(self, subject: Subject, result: dict, times: dict, sizes: dict, told: dict) -> Motion:
        """The Motion of a subject, from its first to its last picture."""
        numbers = np.array([number for number in range(subject.frame[0], subject.frame[-1] + 1) if number in times])
        places = {int(subject.frame[position]) - int(numbers[0]): position for position in range(len(subject))
                  if subject.frame[position] in times}
        known = {row: result[position] for row, position in places.items() if position in result}

        def column(name: str, shape: tuple) -> np.ndarray:
            values = np.full((len(numbers), *shape), np.nan, np.float32)
            for row, one in known.items():
                values[row] = one[name]
            return values

        joints = column('joints', next(iter(known.values()))['joints'].shape if known else (
            self._num_reported(), 3))[:, :self._num_reported()]
        valid = np.zeros(joints.shape[:2], bool)
        valid[list(known)] = True
        filled, confidence = np.zeros(len(numbers), bool), np.zeros(joints.shape[:2], np.float32)
        keypoints = np.full((*joints.shape[:2], 2), np.nan, np.float32)
        for row, position in places.items():
            filled[row] = subject.filled[position]
            if subject.keypoints.shape[1] == joints.shape[1]:
                confidence[row] = subject.keypoints[position, :, 2]
                seen = confidence[row] > 0
                keypoints[row, seen] = subject.keypoints[position, seen, :2]
        mesh = None
        if known and 'vertices' in next(iter(known.values())):
            one = next(iter(known.values()))
            faces = self.faces if subject.right else self.faces[:, ::-1].copy()
            mesh = Mesh(column('vertices', one['vertices'].shape), faces, self.body_model + (
                '' if subject.right else ' (mirrored)'), {name: column(name, one[name].shape) for name in (
                    'global_orient', 'body_pose', 'betas', 'translation', 'intrinsics')})
        found = list(dict.fromkeys(sizes[number] for number in numbers if number in sizes))
        size = found[0] if found else ()
        side = dict(side='right' if subject.right else 'left') if self.kind == 'hand' else {}
        return Motion(np.array([times[number] for number in numbers]), joints, self.skeleton, valid, 'camera',
                      subject.person, confidence if (subject.keypoints[..., 2] > 0).any() else None, filled=filled,
                      mesh=mesh, provenance=self.provenance | told | dict(image_size=list(size)) | side,
                      keypoints=keypoints if len(found) == 1 and np.isfinite(keypoints).any() else None,
                      image_size=size or None)

    def _num_reported(self) -> int:
        return next(count for (_, count), name in SKELETONS.items() if name == self.skeleton)


def _find(config, key: str) -> str:
    """Source of the body model in the config of a model."""
    if isinstance(config, dict):
        if key in config and config[key]:
            value = config[key]
            return str(value.get('source', value.get('type', '')) if isinstance(value, dict) else value)
        return next((found for value in config.values() if (found := _find(value, key))), '')
    if isinstance(config, (list, tuple)):
        return next((found for value in config if (found := _find(value, key))), '')
    return ''
