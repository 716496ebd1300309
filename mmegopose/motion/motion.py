"""The motion of one person or hand: what every inferencer returns, and every viewer and writer of files takes."""
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..geometry.conventions import invert
from ..geometry.resampling import (
    bracket,
    interpolate,
    interpolate_poses,
    interpolate_rotations,
    time_grid,
    time_tolerance,
)
from ..npz import MAX_BYTES
from ..structures import convert_confidence, convert_joints, get_skeleton
from .motion_file import ARRAYS, load_motion, save_motion

FRAMES = ('world', 'camera', 'root')
MAX_PLACE = np.float32(1e9)  # metres; squares of what is farther off overflow
MAX_TIME = 1e12              # seconds
LEVEL_CAMERA = np.array([[1., 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # to a world with z up
DTYPES = dict(time=np.float64, valid=bool, filled=bool, head_pose=np.float64, head_valid=bool, keypoints=np.float32)


@dataclass(frozen=True, eq=False, repr=False)
class Mesh:
    """A surface that moves.

    Attributes:
        vertices: ``(T,V,3)`` metres, in the frame of reference of the joints.
        faces: ``(F,3)`` whole numbers, vertices of each triangle.
        body_model: name or file of the body model that made it, ``''`` if there is none.
        parameters: of the body model, ``(T, ...)`` each; what ends in ``(3,3)`` is a rotation.
    """
    vertices: np.ndarray
    faces: np.ndarray
    body_model: str = ''
    parameters: dict = field(default_factory=dict)

    def __repr__(self) -> str:
        frames, vertices = self.vertices.shape[:2]
        return f'Mesh({frames} frames of {vertices} vertices, {self.body_model or "of no body model"})'


@dataclass(frozen=True, eq=False, repr=False)
class Motion:
    """The joints of one person or hand over time. Lengths are metres, times seconds.

    A joint that is not there has ``valid`` False, whatever its numbers are; a joint that is not finite, or farther off
    than a million kilometres, is never valid, and neither is such a head pose.

    Attributes:
        time: ``(T,)`` float64, strictly ascending.
        joints: ``(T,J,3)`` in the frame of reference.
        skeleton: name of the skeleton, whose joints they are.
        valid: ``(T,J)`` bool: the joint is there. Default: where it is finite.
        frame: what the joints are relative to: ``'world'``: a fixed frame with z up; ``'camera'``: camera axes (x
            right, y down, z forward) at the camera; ``'root'``: the root of the skeleton, in the axes of a camera or a
            world.
        person: name or number of the person.
        confidence: ``(T,J)`` in [0,1], or None.
        spread: ``(T,J)`` metres, the standard deviation of the position, or None.
        filled: ``(T,)`` bool: the frame stands on input that was missing and filled in. Default: none.
        head_pose: ``(T,4,4)`` head camera to world (x right, y down, z forward; world z up), or None.
        head_valid: ``(T,)`` bool: the head pose was measured. Default: all, where there is a head track.
        mesh: a surface, or None.
        provenance: plain facts: model, checkpoint hash, options, source, licence.
        keypoints: ``(T,J,2)`` float32 pixels, where the joints were seen in the picture or video, NaN where they were
            not, or None.
        image_size: width and height of that picture or video, pixels; with ``keypoints``.

    Raises:
        ValueError: arrays that do not fit together; the message names the field.
        KeyError: unknown skeleton.
    """
    time: np.ndarray
    joints: np.ndarray
    skeleton: str
    valid: np.ndarray = None
    frame: str = 'world'
    person: str = ''
    confidence: np.ndarray | None = None
    spread: np.ndarray | None = None
    filled: np.ndarray = None
    head_pose: np.ndarray | None = None
    head_valid: np.ndarray | None = None
    mesh: Mesh | None = None
    provenance: dict = field(default_factory=dict)
    keypoints: np.ndarray | None = None
    image_size: tuple | None = None

    def __post_init__(self):
        if np.ndim(self.joints) != 3 or np.shape(self.joints)[-1] != 3 or np.asarray(self.joints).dtype.kind != 'f':
            raise ValueError(f'joints should be floats of shape (T,J,3), got {np.asarray(self.joints).dtype} '
                             f'{np.shape(self.joints)}')
        if self.time is None:
            raise ValueError('time is missing: a motion needs the time of each frame, seconds')
        if self.head_valid is not None and self.head_pose is None:
            raise ValueError('head_valid without head_pose says nothing; give the head track too')
        if self.keypoints is not None and self.image_size is None:
            raise ValueError('keypoints without image_size say nothing; give width and height of the image too')
        if self.image_size is not None:
            object.__setattr__(self, 'image_size', _checked_size(self.image_size))
        num_frames, num_joints = len(self.joints), get_skeleton(self.skeleton).num_joints
        defaults = dict(valid=np.ones(np.shape(self.joints)[:2], bool), filled=np.zeros(num_frames, bool),
                        head_valid=None if self.head_pose is None else np.ones(num_frames, bool))
        shapes = dict(joints=(num_frames, num_joints, 3), time=(num_frames,), valid=(num_frames, num_joints),
                      confidence=(num_frames, num_joints), spread=(num_frames, num_joints), filled=(num_frames,),
                      head_pose=(num_frames, 4, 4), head_valid=(num_frames,), keypoints=(num_frames, num_joints, 2))
        for key, shape in shapes.items():
            value = defaults.get(key) if getattr(self, key) is None else getattr(self, key)
            if value is not None:
                value = np.asarray(value, DTYPES.get(key))
                if value.dtype.kind == 'b' and key in ('confidence', 'spread'):
                    value = value.astype(np.float32)
                if value.shape != shape or value.dtype.kind not in 'fb':
                    raise ValueError(f'{key} should be numbers of the shape {shape} ({num_frames} frames of '
                                     f'{self.skeleton!r}), got {value.dtype} {value.shape}')
                object.__setattr__(self, key, value)
        object.__setattr__(self, 'person', str(self.person))
        object.__setattr__(self, 'valid', self.valid & (np.abs(self.joints) < MAX_PLACE).all(-1))
        if self.head_pose is not None:
            object.__setattr__(self, 'head_valid', self.head_valid & (np.abs(self.head_pose) < MAX_PLACE).all((1, 2)))
        step = np.diff(self.time)
        if not ((np.abs(self.time) < MAX_TIME).all() and (step > 0).all()):
            row = int(np.argmax(~(step > 0) | ~(np.abs(self.time[1:]) < MAX_TIME))) + 1 if len(step) else 0
            raise ValueError(f'time should be finite and ascend, but row {row} is {self.time[row:row + 1]} s, after '
                             f'{self.time[row - 1:row]}')
        if self.frame not in FRAMES:
            raise ValueError(f'frame={self.frame!r} should be one of {FRAMES}')
        if self.mesh is not None:
            _check_mesh(self.mesh, num_frames)

    def __repr__(self) -> str:
        parts = [f'person={self.person!r}' if self.person else '', f'{len(self)} frames in {self.duration:.2f} s',
                 f'joints of {self.skeleton} in the frame {self.frame!r}',
                 f'{self.valid.mean():.0%} valid' if len(self) else '',
                 f'{int(self.filled.sum())} frames filled in' if self.filled.any() else '',
                 'head track' if self.head_pose is not None else '',
                 'keypoints' if self.keypoints is not None else '',
                 f'mesh of {self.mesh.vertices.shape[1]} vertices' if self.mesh is not None else '']
        return f'Motion({", ".join(part for part in parts if part)})'

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.time)

    @property
    def num_joints(self) -> int:
        return self.joints.shape[1]

    @property
    def fps(self) -> float:
        """Frames per second: one over the median time between frames; NaN with fewer than two frames."""
        return 1 / float(np.median(np.diff(self.time))) if len(self) > 1 else float('nan')

    @property
    def duration(self) -> float:
        """Seconds from the first to the last frame."""
        return float(self.time[-1] - self.time[0]) if len(self) else 0.0

    def __getitem__(self, frames) -> 'Motion':
        """Some frames, by a slice, a mask ``(T,)`` or ascending numbers of frames."""
        if isinstance(frames, (int, np.integer)):
            frames = [range(len(self))[frames]]
        return self._with_frames(lambda values: values[frames])

    def cut(self, start: float | None = None, stop: float | None = None) -> 'Motion':
        """The frames with ``start <= time < stop``, seconds; times stay as they are."""
        low = 0 if start is None else np.searchsorted(self.time, start, 'left')
        high = len(self) if stop is None else np.searchsorted(self.time, stop, 'left')
        return self[low:max(low, high)]

    def resample(self, fps: float | None = None, time: np.ndarray | None = None,
                 max_gap: float | None = None) -> 'Motion':
        """The motion at other times.

        Positions and numbers are interpolated linearly, rotations by the shortest turn. A joint is valid where it is
        valid in both neighbouring frames and these are close enough; so holes stay holes.

        Args:
            fps: frames per second of the result, which begins at the first time; or
            time: ``(M,)`` the times themselves, seconds.
            max_gap: longest time between neighbouring frames that is bridged, seconds; default: 2.5 median steps.
        """
        if (fps is None) == (time is None):
            raise ValueError('resample takes either fps or time')
        if max_gap is not None and not max_gap >= 0:
            raise ValueError(f'max_gap={max_gap} should be seconds, 0 or more')
        new_time = time_grid(self.time, fps) if time is None else np.asarray(time, np.float64)
        if new_time.ndim != 1 or not np.isfinite(new_time).all() or (np.diff(new_time) <= 0).any():
            raise ValueError(f'time should be (M,) seconds that are finite and ascend, got {str(time)[:80]}')
        tolerance = time_tolerance(self.time)
        if not len(self) or not len(new_time):
            return replace(self[:0], time=new_time[:0])
        before, after, weight = places = bracket(self.time, new_time)
        max_gap = 2.5 / self.fps if max_gap is None and len(self) > 1 else max_gap or 0
        inside = (new_time >= self.time[0] - tolerance) & (new_time <= self.time[-1] + tolerance)
        near = inside & (self.time[after] - self.time[before] <= max_gap + tolerance)

        def linear(values):
            return interpolate(values, *places)

        def both(values):
            return values[before] & values[after] & near.reshape(-1, *[1] * (values.ndim - 1))

        def turned(values):
            flat = values.reshape(len(values), -1, 3, 3)
            return np.stack([interpolate_rotations(flat[:, k], *places) for k in range(flat.shape[1])],
                            1).reshape(len(new_time), *values.shape[1:])

        changes = {key: None if (value := getattr(self, key)) is None else linear(value)
                   for key in ('joints', 'confidence', 'spread')}
        if self.head_pose is not None:
            known = np.where(self.head_valid[:, None, None], self.head_pose, np.eye(4))
            changes.update(head_pose=interpolate_poses(known, *places), head_valid=both(self.head_valid))
        if self.keypoints is not None:
            changes['keypoints'] = np.where(near[:, None, None], linear(self.keypoints), np.float32(np.nan))
        if self.mesh is not None:
            changes['mesh'] = replace(self.mesh, vertices=linear(self.mesh.vertices), parameters={
                key: turned(value) if value.shape[-2:] == (3, 3) else linear(value)
                for key, value in self.mesh.parameters.items()})
        return replace(self, time=new_time, valid=both(self.valid),
                       filled=self.filled[before] | self.filled[after], **changes)

    @classmethod
    def concatenate(cls, motions: Sequence['Motion'], gap: float | None = None) -> 'Motion':
        """One motion of several, of one person, skeleton and frame of reference.

        What only some of them have (confidence, head track, mesh, ...) is left out, and so are keypoints in images of
        different sizes.

        Args:
            motions: at least one.
            gap: seconds between the last frame of one and the first of the next, whose times are moved; default: the
                times stay as they are, and must ascend.
        """
        motions = list(motions)
        if not motions:
            raise ValueError('there is no motion to concatenate')
        first = motions[0]
        for other in motions[1:]:
            for key in ('skeleton', 'frame', 'person'):
                if getattr(other, key) != getattr(first, key):
                    raise ValueError(f'motions of {key} {getattr(first, key)!r} and {getattr(other, key)!r} cannot be '
                                     'joined; convert them first')
        times = [m.time for m in motions]
        if gap is not None:
            for i in range(1, len(times)):
                end = next((t[-1] for t in times[i - 1::-1] if len(t)), None)
                if end is not None and len(times[i]):
                    times[i] = times[i] - times[i][0] + end + gap
        changes = {key: None if any(getattr(m, key) is None for m in motions) else
                   np.concatenate([getattr(m, key) for m in motions])
                   for key in ARRAYS if key != 'time'}
        if changes['keypoints'] is None or any(m.image_size != first.image_size for m in motions):
            changes.update(keypoints=None, image_size=None)
        meshes = [m.mesh for m in motions]
        same = all(mesh is not None and np.array_equal(mesh.faces, meshes[0].faces) for mesh in meshes)
        mesh = same and replace(
            meshes[0], vertices=np.concatenate([m.vertices for m in meshes]),
            parameters={key: np.concatenate([m.parameters[key] for m in meshes]) for key in meshes[0].parameters
                        if all(key in m.parameters for m in meshes)})
        return replace(first, time=np.concatenate(times), mesh=mesh or None, **changes)

    def convert(self, skeleton: str) -> 'Motion':
        """The joints of another skeleton, by the rules of :mod:`.structures.conversion`; the mesh stays.

        A joint is valid if all joints that it is made of are; its confidence is the least, its spread the largest of
        theirs.
        """
        if skeleton == self.skeleton:
            return self
        pair = self.skeleton, skeleton
        changes = dict(joints=convert_joints(self.joints, *pair), valid=convert_confidence(self.valid, *pair))
        if self.confidence is not None:
            changes['confidence'] = convert_confidence(self.confidence, *pair)
        if self.spread is not None:
            changes['spread'] = -convert_confidence(-self.spread, *pair)
        if self.keypoints is not None:
            changes['keypoints'] = convert_joints(self.keypoints, *pair)
        return replace(self, skeleton=skeleton, **changes)

    def moved(self, transform: np.ndarray, frame: str) -> 'Motion':
        """Joints and mesh moved by ``(4,4)``, or ``(T,4,4)`` for each frame, into the frame of reference ``frame``."""
        transform = np.broadcast_to(np.asarray(transform, np.float64), (len(self), 4, 4))

        def move(points):
            moved = points @ transform[:, :3, :3].swapaxes(1, 2) + transform[:, None, :3, 3]
            return moved.astype(points.dtype)

        mesh = self.mesh and replace(self.mesh, vertices=move(self.mesh.vertices))
        return replace(self, joints=move(self.joints), frame=frame, mesh=mesh)

    def to_world(self, T_world_camera: np.ndarray | None = None) -> 'Motion':
        """From camera axes to the world.

        Args:
            T_world_camera: ``(4,4)`` or ``(T,4,4)``; default: the head track, and what has no valid head pose is not
                valid.
        """
        return self._change_frame('camera', 'world', T_world_camera, lambda pose: pose)

    def to_camera(self, T_world_camera: np.ndarray | None = None) -> 'Motion':
        """From the world to camera axes; see :meth:`to_world`."""
        return self._change_frame('world', 'camera', T_world_camera, invert)

    def to_root(self) -> 'Motion':
        """Relative to the root of the skeleton, or to the middle of the hips where it has none; axes stay.

        A frame whose root is not valid is not valid. ``provenance['axes']`` tells whose axes they are.
        """
        skeleton = get_skeleton(self.skeleton)
        if skeleton.root is not None:
            roots = [skeleton.root]
        elif {'left-hip', 'right-hip'} <= set(skeleton.joints):
            roots = [skeleton.index('left-hip'), skeleton.index('right-hip')]
        else:
            raise ValueError(f'skeleton {self.skeleton!r} has neither a root nor hips; convert the motion first')
        there = self.valid[:, roots].all(1)
        shift = np.tile(np.eye(4), (len(self), 1, 1))
        shift[:, :3, 3] = -np.where(there[:, None], self.joints[:, roots].mean(1), 0)
        axes = {} if self.frame == 'root' else dict(axes=self.frame)
        return replace(self.moved(shift, 'root'), valid=self.valid & there[:, None],
                       provenance=self.provenance | axes)

    def upright(self) -> 'Motion':
        """With z up, for viewers and files of other programs; a motion that has it stays as it is.

        Camera axes become the world by the head track, where there is one. Without it the camera counts as level and
        still: z is up, y forward, x right, and it stands at the origin. So do the axes of a motion relative to the
        root, which stays its origin, unless :meth:`to_root` made it from the world (``provenance['axes']``).
        """
        if self.frame == 'world' or (self.frame == 'root' and self.provenance.get('axes') == 'world'):
            return self
        if self.frame == 'camera' and self.head_pose is not None:
            return self.to_world()
        if self.frame == 'root':
            return replace(self.moved(LEVEL_CAMERA, 'root'), provenance=self.provenance | dict(axes='world'))
        return self.moved(LEVEL_CAMERA, 'world')

    def save(self, path: str | Path) -> None:
        """Write everything to an npz, from which :meth:`load` makes an equal motion; see :mod:`.motion_file`."""
        save_motion(self, path)

    @classmethod
    def load(cls, path: str | Path, max_bytes: int = MAX_BYTES) -> 'Motion':
        """Read a file of :meth:`save`, which may come from anybody; see :func:`.motion_file.load_motion`."""
        return load_motion(path, max_bytes, cls, Mesh)

    def _with_frames(self, pick) -> 'Motion':
        changes = {key: None if (value := getattr(self, key)) is None else pick(value) for key in ARRAYS}
        mesh = self.mesh and replace(self.mesh, vertices=pick(self.mesh.vertices), parameters={
            key: pick(value) for key, value in self.mesh.parameters.items()})
        return replace(self, mesh=mesh, **changes)

    def _change_frame(self, source: str, target: str, pose, direction) -> 'Motion':
        if self.frame != source:
            raise ValueError(f'the joints are relative to the {self.frame}, not the {source}: their place in the '
                             f'{target} is not known')
        valid = self.valid
        if pose is None:
            if self.head_pose is None:
                raise ValueError(f'to change from {source} to {target} the motion needs a head track, or give '
                                 'T_world_camera')
            pose, valid = self.head_pose, valid & self.head_valid[:, None]
        return replace(self.moved(direction(np.asarray(pose, np.float64)), target), valid=valid)


def _checked_size(size) -> tuple:
    """Width and height as whole numbers; ``ValueError`` if they are none."""
    numbers = np.asarray(size)
    if numbers.shape != (2,) or numbers.dtype.kind not in 'iuf' or not (
            (numbers > 0) & (numbers < 1e6) & (numbers % 1 == 0)).all():
        raise ValueError(f'image_size should be width and height, pixels, got {str(size)[:80]}')
    return int(numbers[0]), int(numbers[1])


def _check_mesh(mesh: Mesh, num_frames: int) -> None:
    vertices, faces = np.shape(mesh.vertices), np.asarray(mesh.faces)
    if np.asarray(mesh.vertices).dtype.kind != 'f':
        raise ValueError(f'mesh vertices should be floats, got {np.asarray(mesh.vertices).dtype}')
    if len(vertices) != 3 or vertices[0] != num_frames or vertices[2] != 3:
        raise ValueError(f'mesh vertices should be ({num_frames},V,3), got {vertices}')
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in 'iu' or \
            (faces.size and (faces.min() < 0 or faces.max() >= vertices[1])):
        raise ValueError(f'mesh faces should be (F,3) numbers of its {vertices[1]} vertices, got {faces.dtype} '
                         f'{faces.shape}')
    for key, value in mesh.parameters.items():
        if len(np.shape(value)) < 1 or len(value) != num_frames or np.asarray(value).dtype.kind not in 'biuf':
            raise ValueError(f'mesh parameter {key!r} should be {num_frames} rows of numbers, is '
                             f'{np.asarray(value).dtype} of the shape {np.shape(value)}')
