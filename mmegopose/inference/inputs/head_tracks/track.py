"""The track of a camera on a head, whatever device it came from."""
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....geometry.conventions import PRESETS, invert
from ....geometry.resampling import bracket, interpolate_poses, time_grid
from .head_offsets import device_offset, head_offset
from .self_tests import sample_motion, travel


@dataclass(frozen=True, eq=False, repr=False)
class HeadTrack:
    """Poses of a camera on a head: camera to world, upright camera (x right, y down, z forward), z up, metres, seconds.

    Attributes:
        time: ``(N,)`` float64 seconds of the device's clock, strictly ascending.
        T_world_camera: ``(N,4,4)`` float64; where a row is not valid, the last pose before it.
        valid: ``(N,)`` bool: the pose was measured.
        segment: ``(N,)`` int64 number of the unbroken stretch that a row belongs to, -1 where it is not valid. Between
            two segments poses are missing, jump, or the world is another one.
        world: ``(N,)`` int64 number of the world frame; poses of different worlds cannot be compared.
        quality: ``(N,)`` in [0,1], larger is better, or None.
        device: name of the device, see :data:`.head_offsets.DEVICES`; ``''`` if not known.
        head_offset: ``(4,4)`` the eyes frame in the camera's axes. Default: that of the device, or none.
        facts: plain facts: file, format, convention, counts of what was skipped, notes.
    """
    time: np.ndarray
    T_world_camera: np.ndarray
    valid: np.ndarray
    segment: np.ndarray
    world: np.ndarray
    quality: np.ndarray | None = None
    device: str = ''
    head_offset: Any = None
    facts: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.head_offset is None:
            offset = device_offset(self.device) if self.device else np.eye(4)
            object.__setattr__(self, 'head_offset', offset)

    def __repr__(self) -> str:
        share = self.valid.mean() if len(self) else 0
        return (f'HeadTrack({len(self)} poses in {self.duration:.2f} s, {share:.0%} valid, '
                f'{self.num_segments} unbroken piece(s), device {self.device or "not known"})')

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.time)

    @property
    def num_segments(self) -> int:
        return int(self.segment.max(initial=-1)) + 1

    @property
    def duration(self) -> float:
        """Seconds from the first to the last row."""
        return float(self.time[-1] - self.time[0]) if len(self) else 0.0

    @property
    def fps(self) -> float:
        """Rows per second: one over the median time between rows; NaN with fewer than two."""
        return 1 / float(np.median(np.diff(self.time))) if len(self) > 1 else float('nan')

    @property
    def T_world_eyes(self) -> np.ndarray:
        """``(N,4,4)`` poses of the middle of the pupils, looking straight ahead: what a model of glasses expects."""
        return self.T_world_camera @ self.head_offset

    def seen_from(self, device: str) -> np.ndarray:
        """``(N,4,4)`` poses that the camera of another device would have on this head."""
        return self.T_world_eyes @ invert(device_offset(device))

    def in_convention(self, preset: str) -> np.ndarray:
        """``(N,4,4)`` poses as another program writes them, see :data:`.geometry.conventions.PRESETS`."""
        return PRESETS[preset].from_standard(self.T_world_camera)

    def with_head_offset(self, offset) -> 'HeadTrack':
        """The same track of a camera that sits elsewhere on the head; see :func:`.head_offsets.head_offset`."""
        return replace(self, head_offset=head_offset(offset))

    def split(self) -> list['HeadTrack']:
        """One track for each segment, valid rows only."""
        tracks = [self[self.segment == number] for number in range(self.num_segments)]
        return [replace(track, segment=np.zeros(len(track), np.int64)) for track in tracks]

    def pieces(self) -> list[slice]:
        """Rows of each unbroken stretch, in their order: valid rows of one segment that follow each other."""
        bounds = np.flatnonzero(np.diff(self.segment, prepend=-2, append=-2))
        return [slice(int(a), int(b)) for a, b in zip(bounds[:-1], bounds[1:]) if self.segment[a] >= 0]

    def cut(self, start: float | None = None, stop: float | None = None) -> 'HeadTrack':
        """Rows with ``start <= time < stop``, seconds of the device's clock."""
        return self[(self.time >= (-np.inf if start is None else start)) & (
            self.time < (np.inf if stop is None else stop))]

    def __getitem__(self, rows) -> 'HeadTrack':
        """Some rows, by a slice or a mask ``(N,)``."""
        segment = self.segment[rows]
        numbers = np.unique(segment[segment >= 0])
        renumbered = np.where(segment >= 0, np.searchsorted(numbers, segment), -1)
        return replace(self, segment=renumbered, quality=None if self.quality is None else self.quality[rows],
                       **{key: getattr(self, key)[rows] for key in ('time', 'T_world_camera', 'valid', 'world')})

    def resample(self, fps: float) -> 'HeadTrack':
        """The track at a constant rate: positions linearly, rotations by the shortest turn, within segments only.

        Rows between two segments are not valid and repeat the last pose before them.
        """
        new_time = time_grid(self.time, fps)
        known = np.flatnonzero(self.valid)
        if not len(known):
            raise ValueError('the track has no valid pose')
        segment, world = self.segment[known], self.world[known]
        before, after, weight = bracket(self.time[known], new_time)
        inside = (segment[before] == segment[after]) & (new_time >= self.time[known[0]] - 1e-9) & (
            new_time <= self.time[known[-1]] + 1e-9)
        weight = np.where(inside, weight, 0.0)
        after = np.where(inside, after, before)
        out = interpolate_poses(self.T_world_camera[known], before, after, weight)
        quality = None if self.quality is None else np.minimum(self.quality[known][before], self.quality[known][after])
        return replace(self, time=new_time, T_world_camera=out, valid=inside, world=world[before], quality=quality,
                       segment=np.where(inside, segment[before], -1))

    def describe(self) -> str:
        """A few lines to read after an import: length, rate, gaps, where up is, how high and fast the head was."""
        poses = self.T_world_camera[self.valid]
        up, height = poses[:, 2, :3].mean(0), poses[:, 2, 3]
        lines = [f'{self.facts.get("source", "track")}: {len(self)} poses in {self.duration:.2f} s '
                 f'({self.fps:.4g} a second), {self.num_segments} unbroken piece(s), '
                 f'{int((~self.valid).sum())} poses missing',
                 f'device {self.device or "not known"}; read with {self.facts.get("convention", "no convention")}',
                 f'up in the camera: ({up[0]:.2f}, {up[1]:.2f}, {up[2]:.2f}), should be about (0, -0.9, -0.3); '
                 f'height of the camera {height.min():.2f} to {height.max():.2f} m in its world']
        way, direction, steady = travel(poses, sample_motion(poses, self.time[self.valid], self.segment[self.valid]))
        if way > 3 and steady > 0.5:
            side = f'{abs(np.degrees(direction)):.0f} degrees to the {"left" if direction > 0 else "right"}'
            lines.append(f'walks {way:.0f} m, on average {side} of where the camera looks; if that is far, it is '
                         'turned about the vertical (the device in place of the camera?), or the world mirrored')
        if self.quality is not None:
            lines.append(f'quality below 0.5 in {100 * (self.quality < .5).mean():.0f} % of the rows')
        return '\n'.join(lines + [f'note: {note}' for note in self.facts.get('notes', ())])
