"""The pair of npz files of VideoPose3D (Pavllo et al., CVPR 2019), in which Human3.6M and HumanEva are passed on, and
the file of their cameras."""
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ....files import DAMAGE, BadFile, as_floats, read_json
from ....geometry.cameras import Camera, quaternion_to_matrix, world_to_camera
from ....pickles import read_object
from ....structures import convert_joints, get_skeleton
from ...store import SequenceStore
from ..units import MAX_PIXEL_COORD
from .keypoint_sequences import KeypointSequence, assemble, check_joints, check_keypoints


class VideoPose3DReader:
    """Sequences of some subjects and actions; a clip of the files is one for each camera.

    Args:
        positions: npz with ``positions_3d``: ``{subject: {clip: (N,J,3)}}``, world, metres.
        keypoints: npz with ``positions_2d``: ``{subject: {clip: [(M,J,2|3) of each camera]}}``, pixels, M >= N, and
            ``metadata``.
        cameras: cameras of each subject, in the order of the keypoints.
        skeleton: name of the skeleton to make.
        sources: names of the skeletons that the 3D may have.
        fps: frames per second.
        subjects: names in the files.
        actions: actions or clips to keep, by their exact names; None keeps all.
        subsample: keep every n-th frame.
        rename: other names of actions.

    Raises:
        BadFile: what the files hold does not fit together; the message names file, subject and clip.
        ValueError: unknown subjects or actions.
    """

    def __init__(self, positions: Path, keypoints: Path, cameras: dict[str, list[Camera]], *, skeleton: str,
                 sources: tuple, fps: float, subjects: tuple, actions: tuple | None = None, subsample: int = 1,
                 rename: dict | None = None):
        self.positions, self.keypoints = positions, keypoints
        self.skeleton, self.subsample, self.fps = get_skeleton(skeleton), subsample, fps / subsample
        self.sources = {get_skeleton(source).num_joints: source for source in sources}
        self.rename, self.report = rename or {}, Counter()
        joints, points = self._read(positions, 'positions_3d'), self._read(keypoints, 'positions_2d')
        self._check_layout(read_object(keypoints, 'metadata'))
        for path, found in ((positions, joints), (keypoints, points)):
            if missing := [subject for subject in subjects if subject not in found]:
                raise ValueError(f'{path} has no subjects {missing}, only {sorted(found)}')
        self.report['subjects without 3D, not used'] = len(set(points) - set(joints))
        if missing := [subject for subject in subjects if subject not in cameras]:
            raise ValueError(f'the cameras of subjects {missing} are not known, only those of {sorted(cameras)}')
        self.recordings = [(subject, name, world, points[subject], cameras[subject]) for subject in subjects
                      for name, world in joints[subject].items()]
        self._choose(actions)

    def store(self, **info) -> SequenceStore:
        """All clips, camera by camera; ``info``: facts of the store besides its skeleton."""
        num_frames = sum(-(-len(world) // self.subsample) * len(cameras) for *_, world, _, cameras in self.recordings)
        return assemble(self._sequences(), num_frames, dict(info, skeleton=self.skeleton.name), self.report)

    def _read(self, path: Path, key: str) -> dict:
        """``{subject: {clip: ...}}`` with canonical clip names."""
        content = read_object(path, key)
        if not isinstance(content, dict) or not all(isinstance(recordings, dict) for recordings in content.values()):
            raise BadFile(f'{path}: {key!r} should hold {{subject: {{clip: ...}}}}; is it a VideoPose3D file?')
        return {subject: {self._canonical(name): values for name, values in recordings.items()}
                for subject, recordings in content.items()}

    def _canonical(self, recording: str) -> str:
        action, *number = recording.split(' ')
        return ' '.join([self.rename.get(action, action), *number])

    def _check_layout(self, metadata) -> None:
        if not isinstance(metadata, dict) or 'keypoints_symmetry' not in metadata:
            raise BadFile(f"{self.keypoints}: 'metadata' should be a dict with 'keypoints_symmetry'; is it a "
                          'VideoPose3D file?')
        try:
            left, right = (list(map(int, side)) for side in metadata['keypoints_symmetry'])
        except DAMAGE:
            raise BadFile(f"{self.keypoints}: 'keypoints_symmetry' should be the left and the right joints, got "
                          f'{str(metadata["keypoints_symmetry"])[:60]}') from None
        flip = {joint: other for joint, other in enumerate(self.skeleton.flip) if joint != other}
        if dict(zip([*left, *right], [*right, *left])) != flip:
            raise BadFile(f'{self.keypoints}: its left joints {left} and right joints {right} are not '
                          f'those of {self.skeleton.name} (layout {metadata.get("layout_name", "not named")!r}): it is '
                          'of a detector of other joints; choose other keypoints')

    def _choose(self, actions) -> None:
        known = {name for _, recording, *_ in self.recordings for name in (recording, recording.split(' ')[0])}
        if actions is not None:
            if unknown := [action for action in actions if action not in known]:
                raise ValueError(f'{self.positions} has no actions {unknown} of these subjects, only '
                                 f'{sorted({name.split(" ")[0] for name in known})}')
            self.recordings = [r for r in self.recordings if r[1] in actions or r[1].split(' ')[0] in actions]
        if not self.recordings:
            raise ValueError(f'{self.positions} has no clip of these subjects')

    def _sequences(self) -> Iterator[KeypointSequence]:
        for subject, recording, world, points, cameras in self.recordings:
            where = f'subject {subject}, clip {recording!r}'
            if recording not in points:
                raise BadFile(f'{self.keypoints} lacks {where}, which {self.positions} has; the files do not belong '
                              'together')
            views = points[recording] if isinstance(points[recording], (list, tuple, np.ndarray)) else ()
            if len(views) != len(cameras):
                raise BadFile(f'{self.keypoints}: {where} has keypoints of {len(views)} cameras, but '
                              f'{len(cameras)} are described: {[camera.name for camera in cameras]}')
            joints = self._joints(f'{self.positions}: {where}', world)
            for camera, seen in zip(cameras, points[recording]):
                check_keypoints(f'{self.keypoints}: {where}, camera {camera.name}', seen, self.skeleton, len(joints))
                yield self._view(subject, recording, joints, camera, seen)

    def _joints(self, where: str, world) -> np.ndarray:
        """``(N,J,3)`` of the wanted skeleton, world."""
        count = world.shape[1] if isinstance(world, np.ndarray) and world.ndim == 3 else None
        if count not in self.sources:
            raise BadFile(f'{where} should be (frames, {" or ".join(map(str, self.sources))}, 3), got '
                          f'{np.shape(world)}; is it a VideoPose3D file?')
        joints = convert_joints(world, self.sources[count], self.skeleton.name)
        check_joints(where, joints, self.skeleton, 'm')
        return joints

    def _view(self, subject, recording, joints, camera: Camera, seen) -> KeypointSequence:
        self.report['frames of keypoints after the end of the 3D, not used'] += len(seen) - len(joints)
        pose = camera.T_world_camera.numpy()
        seen, joints = seen[:len(joints):self.subsample], joints[::self.subsample]
        center = joints[:, self.skeleton.root]
        info = dict(
            uid=f'{subject}/{recording}/{camera.name}', name=f'{subject} {recording} {camera.name}', subject=subject,
            action=recording.split(' ')[0], camera=camera.name, fps=self.fps, image_size=[camera.width, camera.height])
        turned = (joints - center[:, None]) @ pose[:3, :3].astype(joints.dtype)
        return KeypointSequence(info, seen, turned, world_to_camera(center, pose))


def read_cameras(path: str | Path) -> dict[str, list[Camera]]:
    """Cameras of each subject, in the order of the file, float64.

    The file is ``{subject: {camera: {width, height, intrinsics, orientation, translation}}}``: the image size and the
    nine intrinsics in pixels, the unit quaternion (w, x, y, z) that turns camera axes into world axes, and the
    camera's centre in metres. ``tools/dataset_converters/h36m_cameras.py`` writes it for Human3.6M.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not of this layout; the message names the camera and the field.
    """
    cameras = {}
    for subject, entries in read_json(path).items():
        if not isinstance(entries, dict):
            raise BadFile(f'{path}: {subject} should hold its cameras by name, got {type(entries).__name__}')
        cameras[subject] = [_camera(path, subject, name, entry) for name, entry in entries.items()]
    return cameras


def _camera(path: str | Path, subject: str, name: str, entry: dict) -> Camera:
    where = f'{path}: camera {name} of {subject}'
    if not isinstance(entry, dict):
        raise BadFile(f'{where} should hold its fields by name, got {type(entry).__name__}')
    shapes = dict(width=(), height=(), intrinsics=(9,), orientation=(4,), translation=(3,))
    if missing := [field for field in shapes if field not in entry]:
        raise BadFile(f'{where} lacks {missing}')
    values = {field: _numbers(f'{where}: {field}', entry[field], shape) for field, shape in shapes.items()}
    size = values['width'].item(), values['height'].item()
    if not all(0 < side < MAX_PIXEL_COORD and side.is_integer() for side in size):
        raise BadFile(f'{where}: width and height should be whole numbers of pixels, got {size}')
    if values['intrinsics'].abs().max() > MAX_PIXEL_COORD:
        raise BadFile(f'{where}: intrinsics should be in pixels, got {entry["intrinsics"]}')
    if abs(values['orientation'].norm() - 1) > 1e-3:
        raise BadFile(f'{where}: orientation should be a unit quaternion, got {entry["orientation"]}')
    if values['translation'].norm() > 100:
        raise BadFile(f'{where}: translation should be in metres, got {entry["translation"]}, which looks like mm')
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3], pose[:3, 3] = quaternion_to_matrix(values['orientation']), values['translation']
    return Camera(name, int(size[0]), int(size[1]), values['intrinsics'], pose)


def _numbers(where: str, value, shape: tuple) -> torch.Tensor:
    try:
        tensor = torch.from_numpy(as_floats(value))
    except ValueError:
        raise BadFile(f'{where} should be numbers, got {value!r}') from None
    if tuple(tensor.shape) != shape or not tensor.isfinite().all():
        raise BadFile(f'{where} should be {shape[0] if shape else "one"} finite number(s), got {value!r}')
    return tensor
