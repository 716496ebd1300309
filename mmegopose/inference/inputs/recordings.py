"""Head tracks as a store: for inference, and for training on recordings of one's own."""
from pathlib import Path

import numpy as np

from ...datasets.readers.head_pose.egoexo4d_body import FPS
from ...datasets.store import Field, SequenceStore
from ...files import BadFile
from ...geometry.conventions import PoseConvention
from ...geometry.resampling import bracket, interpolate
from ...motion import Motion
from ...registry import READERS
from ...structures import get_skeleton
from .hands import HandTrack, recorded_wrists
from .head_tracks import HeadTrack, detect_track_format, read_head_track

LABELS = 'motion.npz'
SCHEMA = dict(
    frame=Field('int32', (), 'number of the frame in the recording'),
    label=Field('int32', (), 'row in the tables, -1: none'),
    head_pose=Field('float64', (4, 4), 'camera to world, metres, z up'),
    time=Field('float64', (), 'seconds of the device'),
    target=Field('bool', (), 'a frame to predict'),
    wrists=Field('float64', (2, 3), 'left and right, metres, world; NaN: not seen'),
    joints=Field('float32', ('J', 3), 'metres, world; one row a labelled frame'),
    visible=Field('bool', ('J',), 'the joint has a label'))


def track_store(tracks: list[HeadTrack], fps: float = FPS, *, names: list[str] | None = None,
                motions: list | None = None, fields: list[dict] | None = None,
                hands: list[HandTrack | None] | None = None, head_camera: str = 'eyes', camera_axes: str = 'opencv',
                skeleton: str = 'coco17', dataset_name: str = 'recordings', split: str = '') -> SequenceStore:
    """Tracks at a constant rate; each unbroken piece is a sequence, whose frames count from the start of its track.

    Args:
        tracks: as the readers give them.
        fps: frames per second of the store.
        names: of the tracks; default: their numbers.
        motions: a :class:`.Motion` in the world of its track for each of them, or None: labels, which are interpolated
            at the frames of the track.
        fields: for each of them more arrays ``(N, ...)``, a row for each of its rows, for transforms that read them.
        hands: tracked hands beside each of them, or None: the field ``wrists``.
        head_camera: device whose camera the model expects, see :data:`.head_offsets.DEVICES`; ``'eyes'``: the middle of
            the pupils, looking straight ahead.
        camera_axes: axes of the poses in the store, ``'opencv'`` or ``'aria'``.
        skeleton: of the labels, which are converted.
        dataset_name, split: facts of the store.

    Raises:
        ValueError: no track with a valid pose, labels in another frame of reference than the world, or a field of
            another length than its track.
    """
    parts, to_axes = [], PoseConvention(camera=camera_axes)
    for number, track in enumerate(tracks):
        name = names[number] if names else str(number)
        motion = motions[number] if motions else None
        if not track.valid.any():
            continue
        even = track.resample(fps)
        poses = to_axes.from_standard(even.seen_from(head_camera))
        joints, visible = _labels(motion, even.time, skeleton, name)
        more = _even_fields(fields[number] if fields else {}, track, even)
        if hands is not None:
            beside = hands[number]
            more['wrists'] = np.full((len(even), 2, 3), np.nan) if beside is None else beside.wrists_at(even.time)
        pieces = even.pieces()
        for piece, rows in enumerate(pieces):
            seen = visible[rows]
            label = np.where(seen.any(1), np.cumsum(seen.any(1)) - 1, -1).astype(np.int32)
            frames = dict(frame=np.arange(rows.start, rows.stop, dtype=np.int32), label=label, head_pose=poses[rows],
                          time=even.time[rows], target=np.ones(len(label), bool) if motions is None else label >= 0,
                          **{key: values[rows] for key, values in more.items()})
            uid = name if len(pieces) == 1 else f'{name}#{piece}'
            parts.append((dict(uid=uid, name=uid, recording=name), frames, dict(
                joints=joints[rows][label >= 0].astype(np.float32), visible=seen[label >= 0])))
    if not parts:
        raise ValueError('there is no track with a valid pose')
    return SequenceStore.join(parts, links=dict(label='joints'), schema=SCHEMA, info=dict(
        dataset_name=dataset_name, split=split, skeleton=skeleton, camera_axes=camera_axes, head_camera=head_camera,
        fps=fps))


@READERS.register_module('recordings')
def read_recordings(data_root: str, split: str = 'train', *, recordings: dict | list | None = None,
                    format: str = 'auto', fps: float = FPS, head_camera: str = 'eyes', camera_axes: str = 'opencv',
                    skeleton: str = 'coco17', labels: str | None = LABELS, wrists: bool = False,
                    **options) -> SequenceStore:
    """Recordings of your own, in any format that :func:`.read_head_track` knows.

    Args:
        data_root: a recording, or a folder with recordings (files or folders) in it.
        split: which of ``recordings``.
        recordings: names in ``data_root``: a list, or ``{split: [names]}``; default: all that are there.
        format, options: of :func:`.read_head_track`.
        fps, head_camera, camera_axes, skeleton: see :func:`track_store`.
        labels: name of a saved :class:`.Motion` in the folder of a recording, the truth in the world of its track; a
            recording without it has no labels. None: no labels.
        wrists: add the field ``wrists``, of the hands that Aria MPS tracked.

    Raises:
        FileNotFoundError: a recording is not there.
        ValueError: nothing that could be read, or an unknown split.
    """
    root = Path(data_root).expanduser()
    if not root.exists():
        raise FileNotFoundError(f'data_root={data_root!r}: there is no {root}')
    if isinstance(recordings, dict):
        if split not in recordings:
            raise ValueError(f'split={split!r} should be one of those of recordings, {sorted(recordings)}')
        recordings = recordings[split]
    paths = [root / name for name in recordings] if recordings else _found(root, format)
    tracks, motions, hands = [], [], []
    for path in paths:
        tracks.append(read_head_track(path, format, **options))
        hands.append(recorded_wrists(path, tracks[-1]) if wrists else None)
        file = path / labels if labels and path.is_dir() else None
        motions.append(Motion.load(file) if file and file.is_file() else None)
    names = [path.stem if path.is_file() else path.name for path in paths]
    motions = motions if any(motion is not None for motion in motions) else None
    return track_store(tracks, fps, names=names, motions=motions, hands=hands if wrists else None,
                       head_camera=head_camera, camera_axes=camera_axes, skeleton=skeleton, dataset_name=root.name,
                       split=split)


def _found(root: Path, format: str) -> list:
    """The recordings of a folder: itself if it is one, else what is in it."""
    if root.is_file() or format != 'auto':
        return [root]
    try:
        detect_track_format(root)
        return [root]
    except BadFile:
        inside = sorted(path for path in root.iterdir() if not path.name.startswith('.'))
        if not inside:
            raise ValueError(f'{root} is empty') from None
        return inside


def _even_fields(fields: dict, track: HeadTrack, even: HeadTrack) -> dict:
    """Arrays ``(N, ...)`` beside a track at the times of another, ``(M, ...)``."""
    if wrong := {name: len(values) for name, values in fields.items() if len(values) != len(track)}:
        raise ValueError(f'fields should have a row for each of the {len(track)} frames, got {wrong}')
    places = bracket(track.time, even.time)
    return {name: interpolate(np.asarray(values), *places) for name, values in fields.items()}


def _labels(motion: Motion | None, time: np.ndarray, skeleton: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """World joints ``(T,J,3)`` at the times of a track, and which of them are there ``(T,J)``."""
    count = get_skeleton(skeleton).num_joints
    if motion is None:
        return np.zeros((len(time), count, 3)), np.zeros((len(time), count), bool)
    if motion.frame != 'world':
        raise ValueError(f'{name}: the labels are relative to the {motion.frame}; they should be in the world of the '
                         'track')
    even = motion.convert(skeleton).resample(time=time)
    return np.where(even.valid[..., None], even.joints, 0), even.valid
