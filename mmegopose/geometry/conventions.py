"""Head and camera poses of other programs, and what they become here: camera to world, upright camera, z up, metres.

A program's poses are described by four facts: which axis of its world points up, what the axes of its camera (or head,
or body) mean for the wearer, in which direction its matrices map, and its unit of length. A left-handed world needs no
fact of its own: its camera axes are left-handed too.
"""
from dataclasses import dataclass, replace

import numpy as np

DIRECTIONS = ('camera_to_world', 'world_to_camera')
UNITS = dict(m=1.0, cm=0.01, mm=0.001, inch=0.0254, foot=0.3048)  # metres
UP_AXES = ('x', '-x', 'y', '-y', 'z', '-z')
_WORDS = dict(right=(1, 0, 0), left=(-1, 0, 0), down=(0, 1, 0), up=(0, -1, 0), forward=(0, 0, 1), back=(0, 0, -1))
CAMERA_AXES = dict(
    opencv='right down forward',
    opengl='right up back',
    aria='down left forward',        # RGB camera of Aria glasses of the first generation, as in Ego-Exo4D
    cpf='left up forward',           # central pupil frame of Aria; head joint of SMPL
    flu='forward left up',           # body of ROS
    unity='right up forward',        # left-handed
    unreal='forward right up',       # left-handed
    phone_portrait='down right back')  # ARKit's camera of a phone held upright
_TO_Z_UP = dict(  # rotations that bring the axis that points up to z
    z=((1, 0, 0), (0, 1, 0), (0, 0, 1)), y=((1, 0, 0), (0, 0, -1), (0, 1, 0)), x=((0, 0, -1), (0, 1, 0), (1, 0, 0)))
_TURN_OVER = np.diag([1., -1, -1])


@dataclass(frozen=True)
class PoseConvention:
    """How the poses of a program are written.

    Attributes:
        up: axis of its world that points up, one of :data:`UP_AXES`.
        camera: what its camera's x, y and z mean for the wearer: three words of right, left, up, down, forward, back,
            or a name of :data:`CAMERA_AXES`.
        direction: ``'camera_to_world'``, or ``'world_to_camera'`` for extrinsics.
        unit: of its positions, a name of :data:`UNITS`.

    Raises:
        ValueError: an unknown name, or words that are no three axes.
    """
    up: str = 'z'
    camera: str = 'opencv'
    direction: str = 'camera_to_world'
    unit: str = 'm'

    def __post_init__(self):
        for key, known in (('up', UP_AXES), ('direction', DIRECTIONS), ('unit', tuple(UNITS))):
            if getattr(self, key) not in known:
                raise ValueError(f'{key}={getattr(self, key)!r} should be one of {known}')
        words = CAMERA_AXES.get(self.camera, self.camera)
        axes = words.split()
        if len(axes) != 3 or not set(axes) <= set(_WORDS) or abs(np.linalg.det([_WORDS[w] for w in axes])) != 1:
            raise ValueError(f'camera={self.camera!r} should be what its x, y and z axes mean, such as '
                             f"'right down forward', or one of {sorted(CAMERA_AXES)}")
        object.__setattr__(self, 'camera', words)

    @property
    def camera_to_opencv(self) -> np.ndarray:
        """``(3,3)``: its camera's coordinates to those of an upright camera (right, down, forward)."""
        return np.array([_WORDS[word] for word in self.camera.split()], float).T

    @property
    def world_to_z_up(self) -> np.ndarray:
        """``(3,3)``: its world's axes to right-handed ones with z up; a mirror image if its camera is left-handed."""
        axis = self.up[-1]
        matrix = np.array(_TO_Z_UP[axis], float)
        if self.up.startswith('-'):
            matrix = _TURN_OVER @ matrix
        if np.linalg.det(self.camera_to_opencv) < 0:  # one level axis is turned round
            matrix = matrix @ np.diag([1., 1, -1] if axis == 'y' else [1., -1, 1])
        return matrix

    def to_standard(self, poses: np.ndarray) -> np.ndarray:
        """Its poses ``(..., 4, 4)`` as camera to world: right down forward, z up, metres."""
        poses = _scaled(poses, UNITS[self.unit])
        if self.direction == 'world_to_camera':
            poses = invert(poses)
        return _between(self.world_to_z_up, poses, self.camera_to_opencv.T)

    def points_to_standard(self, points: np.ndarray) -> np.ndarray:
        """Points ``(..., 3)`` of its world in that of the standard poses: z up, metres."""
        return points * UNITS[self.unit] @ self.world_to_z_up.T

    def from_standard(self, poses: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`to_standard`."""
        poses = _between(self.world_to_z_up.T, poses, self.camera_to_opencv)
        if self.direction == 'world_to_camera':
            poses = invert(poses)
        return _scaled(poses, 1 / UNITS[self.unit])

    def changed(self, world: np.ndarray | None = None, camera: np.ndarray | None = None,
                invert: bool = False) -> 'PoseConvention':
        """The convention whose standard poses are ``world @ poses @ camera`` of this one's, up to a turn about z.

        Args:
            world, camera: ``(3,3)`` rotations that permute axes and their signs; None: none.
            invert: its matrices map the other way.
        """
        out = self
        if world is not None:
            up = np.rint((world @ self.world_to_z_up)[2])
            axis = int(np.abs(up).argmax())
            out = replace(out, up='-' * bool(up[axis] < 0) + 'xyz'[axis])
        if camera is not None:
            columns = np.rint(camera.T @ self.camera_to_opencv).T
            out = replace(out, camera=' '.join(next(w for w, v in _WORDS.items() if np.array_equal(v, column))
                                               for column in columns))
        return replace(out, direction=DIRECTIONS[1 - DIRECTIONS.index(self.direction)]) if invert else out

    def options(self, other: 'PoseConvention | None' = None) -> str:
        """The facts as arguments, e.g. ``up='y', camera='right up back'``; only those that differ from ``other``."""
        facts = {key: getattr(self, key) for key in ('up', 'camera', 'direction', 'unit')}
        facts['camera'] = next((k for k, v in CAMERA_AXES.items() if v == self.camera), self.camera)
        return ', '.join(f'{key}={value!r}' for key, value in facts.items()
                         if other is None or getattr(self, key) != getattr(other, key))


PRESETS = dict(
    opencv=PoseConvention(),
    openxr=PoseConvention('y', 'opengl'),        # also Quest, SteamVR, WebXR, ARKit and ARCore in landscape
    arkit_portrait=PoseConvention('y', 'phone_portrait'),
    unity=PoseConvention('y', 'unity'),
    unreal=PoseConvention('z', 'unreal', unit='cm'),
    ros=PoseConvention('z', 'flu'),
    aria=PoseConvention('z', 'aria'),
    slam=PoseConvention('-y', 'opencv'))         # the world is the first camera: y down, gravity not known


def get_preset(name: str) -> PoseConvention:
    """Convention by the name of a program. Raises ``KeyError`` that lists the known names."""
    if name not in PRESETS:
        raise KeyError(f'unknown preset {name!r}; known: {sorted(PRESETS)}. Or say it yourself: up, camera, direction, '
                       'unit')
    return PRESETS[name]


def level(gravity: np.ndarray) -> np.ndarray:
    """Smallest rotation ``(3,3)`` that turns the direction of gravity ``(3,)``, in any unit, to -z.

    Raises ``ValueError`` if it has no direction.
    """
    gravity = np.asarray(gravity, float)
    norm = np.linalg.norm(gravity)
    if not (np.isfinite(norm) and norm > 0):
        raise ValueError(f'gravity should be three finite numbers, not all zero, got {gravity.tolist()}')
    up = -gravity / norm
    x, y, cosine = up[1], -up[0], up[2]  # of the axis, up x z, and of the angle
    square = x ** 2 + y ** 2
    if cosine < 0 and square < 1e-24:
        return _TURN_OVER.copy()
    factor = 1 / (1 + cosine) if cosine > 0 else (1 - cosine) / square  # the same; neither divides by a difference
    skew = np.array([[0, 0, y], [0, 0, -x], [-y, x, 0]])
    return np.eye(3) + skew + factor * skew @ skew


def invert(poses: np.ndarray) -> np.ndarray:
    """Inverse of rigid transforms ``(..., 4, 4)``, numpy."""
    out = np.zeros_like(poses)
    rotation = poses[..., :3, :3].swapaxes(-1, -2)
    out[..., :3, :3], out[..., 3, 3] = rotation, 1
    out[..., :3, 3] = -(rotation @ poses[..., :3, 3, None])[..., 0]
    return out


def _scaled(poses: np.ndarray, factor: float) -> np.ndarray:
    poses = np.array(poses, float)
    poses[..., :3, 3] *= factor
    return poses


def _between(world: np.ndarray, poses: np.ndarray, camera: np.ndarray) -> np.ndarray:
    out = poses.copy()
    out[..., :3, :3] = world @ poses[..., :3, :3] @ camera
    out[..., :3, 3] = poses[..., :3, 3] @ world.T
    return out
