"""The container of egocentric motion clips and its npz file."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..files import require
from ..geometry.trajectory import rigidity_error
from ..npz import read_arrays, write_arrays
from ..structures import get_skeleton

FPS = 30.0
SPLITS = ('train', 'val', 'test')
COCO_NAMES, H36M_NAMES = (tuple(name.replace('-', '_') for name in get_skeleton(skeleton).joints)
                          for skeleton in ('coco17', 'h36m17'))
# camera axes (x right, y down, z forward) as columns in the head frame (x forward, y left, z up)
HEAD_TO_CAMERA = np.array([[0., 0, 1], [-1, 0, 0], [0, -1, 0]])


@dataclass
class MocapSequence:
    """One clip: ``joints`` and ``joints_h36m`` ``(T,17,3)``, ``head_pose`` ``(T,4,4)``; metres, z up.

    ``hands``: 21 joints of right and left hand ``(T,2,21,3)``, if they are known.
    """
    name: str
    subject: str
    action: str
    source: str
    split: str
    joints: np.ndarray
    joints_h36m: np.ndarray
    head_pose: np.ndarray
    exact_skeleton: bool = True
    hands: np.ndarray | None = None


def camera_pose(head: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Camera to world ``(T,4,4)`` of glasses, from the head's rotation ``(T,3,3)`` and the eyes' centre ``(T,3)``."""
    pose = np.tile(np.eye(4), (len(center), 1, 1))
    pose[:, :3, :3] = head @ HEAD_TO_CAMERA
    pose[:, :3, 3] = center
    return pose


@dataclass
class MocapSequences:
    """N clips of F frames together.

    Attributes:
        names, subjects, actions, source, splits: ``(N,)`` strings; names are unique, splits train, val or test.
        fps: frames a second, 30.
        offsets: ``(N+1,)`` first frame of each clip, then F.
        joints3d: ``(F,17,3)`` COCO joints, metres, z up; NaN where missing.
        joints3d_h36m: ``(F,17,3)`` the same bodies with the joints of Human3.6M.
        head_pose: ``(F,4,4)`` camera to world of glasses: origin between the eyes, x right, y down, z forward.
        coco_names, h36m_names: ``(17,)`` names of the joints.
        exact_skeleton: ``(N,)`` whether the bone lengths are the performer's own.
    """
    names: np.ndarray
    subjects: np.ndarray
    actions: np.ndarray
    source: np.ndarray
    splits: np.ndarray
    fps: np.ndarray
    offsets: np.ndarray
    joints3d: np.ndarray
    joints3d_h36m: np.ndarray
    head_pose: np.ndarray
    coco_names: np.ndarray
    h36m_names: np.ndarray
    exact_skeleton: np.ndarray = None

    def __post_init__(self):
        if self.exact_skeleton is None:
            self.exact_skeleton = np.ones(len(self.names), bool)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[MocapSequence]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> MocapSequence:
        rows = slice(*self.offsets[index:index + 2])
        words = (str(a[index]) for a in (self.names, self.subjects, self.actions, self.source, self.splits))
        return MocapSequence(*words, self.joints3d[rows], self.joints3d_h36m[rows], self.head_pose[rows],
                    bool(self.exact_skeleton[index]))

    @classmethod
    def join(cls, sequences: Sequence[MocapSequence]) -> 'MocapSequences':
        """Container of one or more sequences at 30 Hz."""
        def frames(key):
            return np.concatenate([getattr(sequence, key) for sequence in sequences]).astype(np.float32)

        words = [np.array([getattr(sequence, key) for sequence in sequences])
                 for key in ('name', 'subject', 'action', 'source', 'split')]
        offsets = np.cumsum([0, *(len(sequence.joints) for sequence in sequences)]).astype(np.int64)
        return cls(*words, np.float32(FPS), offsets, frames('joints'), frames('joints_h36m'), frames('head_pose'),
                   np.array(COCO_NAMES), np.array(H36M_NAMES),
                   np.array([sequence.exact_skeleton for sequence in sequences]))

    def save(self, path: str | Path) -> None:
        """Write a compressed npz, whole or not at all. Raises ``ValueError`` if not valid, and ``OSError``."""
        self.validate(path)
        write_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: str | Path) -> 'MocapSequences':
        """Read and check an npz of clips.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: not an npz of clips; the message names file and key.
        """
        keys = [f.name for f in fields(cls)]
        require(path, 'this should be an npz of sequences, which tools/dataset_converters/mocap.py writes. A data set '
                      "takes its path, or 'sample' for the embedded one, as data_root")
        arrays = read_arrays(path, keys)
        missing = [key for key in keys if key not in arrays and key != 'exact_skeleton']
        if missing:
            raise ValueError(f'{path} is not an npz of clips: it has no key {missing[0]!r}')
        clips = cls(**arrays)
        clips.validate(path)
        return clips

    def validate(self, source: str | Path) -> None:
        """Raise ``ValueError`` that names ``source`` and the first key whose array is wrong."""
        n, frames = self.names.size, self.joints3d.shape[0] if self.joints3d.ndim else 0
        shapes = dict(names=(n,), subjects=(n,), actions=(n,), source=(n,), splits=(n,), fps=(), offsets=(n + 1,),
                      joints3d=(frames, 17, 3), joints3d_h36m=(frames, 17, 3), head_pose=(frames, 4, 4),
                      coco_names=(17,), h36m_names=(17,), exact_skeleton=(n,))
        for key, shape in shapes.items():
            if getattr(self, key).shape != shape:
                raise ValueError(f'{source}: {key!r} should have the shape {shape}, has {getattr(self, key).shape}')
        for key in ('fps', 'offsets', 'joints3d', 'joints3d_h36m', 'head_pose'):
            if getattr(self, key).dtype.kind not in 'fiu':
                raise ValueError(f'{source}: {key!r} should hold numbers, has the type {getattr(self, key).dtype}')
        checks = dict(
            names=(n > 0 and len(set(self.names.tolist())) == n, 'at least one clip and no name twice'),
            splits=(set(self.splits.tolist()) <= set(SPLITS), f'only {", ".join(SPLITS)}'),
            fps=(self.fps == FPS, f'the rate {FPS:g}, the time base of the benchmarks'),
            offsets=(self.offsets[0] == 0 and self.offsets[-1] == frames and (np.diff(self.offsets) > 0).all(),
                     f'ascending frame numbers from 0 to {frames}'),
            joints3d=(not np.isinf(self.joints3d).any(), 'no infinite number'),
            joints3d_h36m=(not np.isinf(self.joints3d_h36m).any(), 'no infinite number'),
            head_pose=((rigidity_error(self.head_pose.astype(float)) < 1e-4).all()
                       and (self.head_pose[:, 3] == [0, 0, 0, 1]).all(), 'rigid transforms'),
            coco_names=(tuple(self.coco_names.tolist()) == COCO_NAMES, f'{COCO_NAMES}'),
            h36m_names=(tuple(self.h36m_names.tolist()) == H36M_NAMES, f'{H36M_NAMES}'))
        for key, (right, wanted) in checks.items():
            if not right:
                raise ValueError(f'{source}: {key!r} should hold {wanted}')
