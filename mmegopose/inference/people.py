"""2D poses of people as a store: for lifting, and for training on recordings of one's own."""
from pathlib import Path

import numpy as np

from ..datasets.store import Field, SequenceStore
from ..geometry.cameras import screen_normalize
from ..motion import Motion
from ..registry import READERS
from ..structures import get_skeleton
from .inputs.poses_2d import read_poses_2d
from .tracking import PersonTrack, track_people

SCHEMA = dict(
    frame=Field('int32', (), 'number of the frame in the video'),
    keypoints=Field('float32', ('J', 3), 'screen units (x in [-1, 1]), and confidence in [0, 1]'),
    detected=Field('bool', ('J',), 'the keypoint was found, or filled in'),
    filled=Field('bool', ('J',), 'the keypoint was filled in'),
    joints=Field('float32', ('J', 3), 'metres, camera axes, relative to the root'),
    visible=Field('bool', (), 'the 3D can be trusted'))


def people_store(tracks: list[PersonTrack], skeleton: str, *, motions: list | None = None, names: list | None = None,
                 dataset_name: str = 'people', split: str = '') -> SequenceStore:
    """One sequence for each person, in the joints of a model.

    Args:
        tracks: as :func:`.track_people` gives them.
        skeleton: of the model; the keypoints are converted.
        motions: a :class:`.Motion` in camera axes or relative to its root for each of them, or None: labels, which are
            interpolated at the frames. A frame without all joints has no label.
        names: of the sequences; default: those of the people.
        dataset_name, split: facts of the store.

    Raises:
        ValueError: nobody, a track whose image size is not known, or labels in the world.
    """
    if not tracks:
        raise ValueError('there is nobody in the video')
    parts: list[tuple] = []
    for number, track in enumerate(tracks):
        size = track.image_size
        if size is None:
            raise ValueError(f'person {track.person!r}: the size of the images is not known: pass image_size')
        track = track.convert(skeleton)
        points = screen_normalize(track.keypoints.astype(np.float64), *size)
        keypoints = np.concatenate([points, track.confidence[..., None]], -1).astype(np.float32)
        frames = dict(frame=track.frame.astype(np.int32), keypoints=keypoints, detected=track.detected,
                      filled=track.filled)
        if motions is not None:
            frames['joints'], frames['visible'] = _labels(motions[number], track.time, skeleton)
        name = names[number] if names else track.person
        parts.append((dict(uid=name, name=name, person=track.person, image_size=list(size)), frames))
    fps = {track.fps for track in tracks} - {None}
    return SequenceStore.join(parts, schema=SCHEMA, info=dict(
        dataset_name=dataset_name, split=split, skeleton=skeleton, **(dict(fps=fps.pop()) if len(fps) == 1 else {})))


@READERS.register_module('people_2d')
def read_people(data_root: str, split: str = 'train', *, skeleton: str = 'h36m17',
                recordings: dict | list | None = None, labels: str | None = '{name}.motion.npz',
                tracking: dict | None = None, **options) -> SequenceStore:
    """Everybody in videos of your own, from the 2D poses of a detector in any form that :func:`.read_poses_2d` knows.

    Args:
        data_root: a file or folder of 2D poses, or a folder with several.
        split: which of ``recordings``.
        skeleton: of the model.
        recordings: names in ``data_root``: a list, or ``{split: [names]}``; default: ``data_root`` is one recording.
        labels: name of a saved :class:`.Motion` in camera axes beside a recording, whose first person it is.
        tracking: options of :func:`.track_people`.
        options: of :func:`.read_poses_2d`: ``format``, ``image_size``, ``fps``, ...

    Raises:
        FileNotFoundError: a recording is not there.
        ValueError: an unknown split, nobody, or labels in the world.
    """
    root = Path(data_root).expanduser()
    if isinstance(recordings, dict):
        if split not in recordings:
            raise ValueError(f'split={split!r} should be one of those of recordings, {sorted(recordings)}')
        recordings = recordings[split]
    tracks, names, motions = [], [], []
    for path in [root / name for name in recordings] if recordings else [root]:
        found = track_people(read_poses_2d(path, **options), **(tracking or {}))
        file = path.parent / labels.format(name=path.stem) if labels else None
        tracks += found
        names += [f'{path.stem}/{track.person}' for track in found]
        motions += [Motion.load(file) if number == 0 and file and file.is_file() else None
                    for number in range(len(found))]
    if not tracks:
        raise ValueError(f'{root}: there is nobody in {"the videos" if recordings else "the video"}')
    motions = motions if any(motion is not None for motion in motions) else None
    return people_store(tracks, skeleton, motions=motions, names=names, dataset_name=root.stem, split=split)


def _labels(motion: Motion | None, time: np.ndarray, skeleton: str) -> tuple[np.ndarray, np.ndarray]:
    """Joints ``(T,J,3)`` relative to the root at the times of a track, and which frames have all of them ``(T,)``."""
    if motion is None:
        return np.zeros((len(time), get_skeleton(skeleton).num_joints, 3), np.float32), np.zeros(len(time), bool)
    if motion.frame == 'world':
        raise ValueError('labels of 2D poses should be in camera axes or relative to the root, not in the world')
    even = motion.convert(skeleton).resample(time=time).to_root()
    visible = np.asarray(even.valid.all(1))
    return np.where(visible[:, None, None], even.joints, 0).astype(np.float32), visible
