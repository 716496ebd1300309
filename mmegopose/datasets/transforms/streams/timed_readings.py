"""Streams of sensors with a clock of their own: inertial sensors and eye trackers."""
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....npz import read_arrays
from ....registry import TRANSFORMS
from .side_stream import SideStream

GRAVITY = 9.81  # metres per second squared
UNITS = dict(s=1.0, ms=1e-3, us=1e-6, ns=1e-9)
STILL_ACCELERATION = 4.0, 30.0  # what typical readings of a sensor on a head lie between, metres per second squared
MAX_TURN = 4.0   # radians per second, typically: nobody turns the head so fast for long
MAX_OUT_OF_STEP = 0.5  # seconds by which readings may begin later or end earlier than their sequence, untold


def read_columns(path: str | Path, names: tuple) -> np.ndarray:
    """Columns ``(n, len(names))`` float64 of a CSV with a header, or arrays of an npz; NaN where a cell is no number.

    Raises:
        OSError: it cannot be opened.
        BadFile: a column is not there or holds no numbers, or there is no row.
    """
    if str(path).endswith('.npz'):
        arrays = read_arrays(path, names)
        known = list(arrays)
    else:
        with open(path, encoding='utf-8-sig', errors='replace') as file:
            known = [name.strip().strip('"') for name in file.readline().strip().lstrip('#').split(',')]
    if lacking := [name for name in names if name not in known]:
        raise BadFile(f'it has no column {lacking[0]!r}, but {", ".join(known)[:200]}')
    if str(path).endswith('.npz'):
        lengths = {len(arrays[name]) for name in names if arrays[name].ndim == 1}
        if len(lengths) != 1 or any(arrays[name].ndim != 1 for name in names):
            raise BadFile(f'its columns should have one length, got { {name: arrays[name].shape for name in names} }')
        if text := [name for name in names if arrays[name].dtype.kind not in 'iuf']:
            raise BadFile(f'its column {text[0]!r} should be numbers, got {arrays[text[0]].dtype}')
        values = np.stack([arrays[name].astype(float) for name in names], -1)
    else:
        places = [known.index(name) for name in names]
        lines = Path(path).read_text(encoding='utf-8-sig', errors='replace').splitlines()[1:]
        cells = [line.split(',') for line in lines if line.strip()]
        values = np.array([[_number(row[place]) if place < len(row) else np.nan for place in places] for row in cells])
    if not len(values):
        raise BadFile('it has no row')
    return values


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float('nan')


class TimedReadings(SideStream):
    """Base of the streams that are measured at times of their own.

    Args:
        files, name, num_frames: see :class:`.SideStream`.
        columns: of the time and of the readings, in the CSV, or the names of the arrays in the npz.
        time_unit: ``'s'``, ``'ms'``, ``'us'`` or ``'ns'``.
        start: time of frame 0 in this unit; None: that of the first reading.
        max_gap: longest time between two readings across which they are interpolated, seconds.
    """

    num_samples: int = 1
    """Readings of a frame: at its time, and evenly before it since the video frame before."""

    def __init__(self, files: str | tuple, name: str, columns: tuple, time_unit: str = 's', start: float | None = None,
                 max_gap: float = 0.1, num_frames: int | None = None):
        super().__init__(files, name, num_frames)
        if time_unit not in UNITS:
            raise ValueError(f'time_unit={time_unit!r} should be one of {list(UNITS)}')
        self.columns, self.unit, self.start, self.max_gap = tuple(columns), UNITS[time_unit], start, max_gap

    def values_of(self, columns: np.ndarray) -> np.ndarray:
        """Readings ``(n,D)`` of the columns ``(n,C)`` after the time."""
        return columns

    def doubt(self, columns: np.ndarray) -> str:
        """What is strange about the size of the numbers ``(n,C)`` after the time, with the likely cause; or nothing."""
        return ''

    def read(self, path, index, frames):
        time, values = self.recent.get(path, lambda: self._load(path, index))
        fps = self.store.info['fps']
        back = np.arange(self.num_samples - 1, -1, -1) / self.num_samples  # (S,) of a frame
        wanted = (frames[:, None] - back) / fps  # (n,S)
        after = np.searchsorted(time, wanted).clip(1, len(time) - 1)
        gap = time[after] - time[after - 1]
        there = (wanted >= time[0] - 0.5 / fps) & (wanted <= time[-1] + 0.5 / fps) & (gap <= self.max_gap)
        weight = ((wanted - time[after - 1]) / gap).clip(0, 1)[..., None]
        found = (1 - weight) * values[after - 1] + weight * values[after]  # (n,S,D)
        self.report['frames without readings'] += int((~there.all(1)).sum())
        return found.reshape(len(frames), *self.shape).astype(np.float32), there.all(1)

    def _load(self, path: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Times from frame 0 on, seconds, ascending, and readings of a file."""
        table = read_columns(path, self.columns)
        time, good = table[:, 0] * self.unit, np.isfinite(table).all(1)
        if not good.all():
            self.tell(path, 'readings that are no numbers', int((~good).sum()))
        time, columns = time[good], table[good, 1:]
        if len(time) < 2:
            raise BadFile(f'it has {len(time)} readings')
        if doubt := self.doubt(columns):
            self.tell(path, doubt)
        values = self.values_of(columns)
        time = time - (time[0] if self.start is None else self.start * self.unit)
        order = np.unique(time, return_index=True)[1]
        if len(order) < len(time) or (np.diff(order) < 0).any():
            self.tell(path, 'readings whose time does not ascend, put in order', int((np.diff(time) <= 0).sum()))
        time, values = time[order], values[order]
        rows = self.store.offsets[index:index + 2] - [0, 1]
        first, last = self.store.frame_ids(rows, np.array([index, index])) / self.store.info['fps']
        if time[0] > first + MAX_OUT_OF_STEP or time[-1] < last - MAX_OUT_OF_STEP:
            self.tell(path, f'out of step: its readings are of {time[0]:.2f} to {time[-1]:.2f} s, the sequence lasts '
                            f'from {first:.2f} to {last:.2f} s')
        return time, values


@TRANSFORMS.register_module()
class InertialReadings(TimedReadings):
    """The stream ``imu (B,T',F)``: acceleration in units of gravity and turn rate in radians per second.

    Of each frame come the ``num_samples`` readings since the video frame before, oldest first, in the axes of the
    sensor; so F is six times as many.

    Args:
        files, columns, time_unit, start, max_gap, num_frames: see :class:`TimedReadings`; the columns are time,
            acceleration (x, y, z; metres per second squared) and turn rate (x, y, z; radians per second).
        num_samples: readings of a frame.
    """

    def __init__(self, files: str | tuple, columns: tuple = ('time', 'ax', 'ay', 'az', 'gx', 'gy', 'gz'),
                 num_samples: int = 4, time_unit: str = 's', start: float | None = None, max_gap: float = 0.1,
                 num_frames: int | None = None):
        if len(columns) != 7:
            raise ValueError(f'columns={tuple(columns)} should be seven: time, acceleration x, y, z and turn rate '
                             'about x, y, z')
        super().__init__(files, 'imu', columns, time_unit, start, max_gap, num_frames)
        self.num_samples, self.shape = num_samples, (6 * num_samples,)

    def doubt(self, columns):
        size, turn = (float(np.median(np.linalg.norm(part, axis=1))) for part in (columns[:, :3], columns[:, 3:]))
        told = []
        if size > 0 and not STILL_ACCELERATION[0] < size < STILL_ACCELERATION[1]:
            cause = 'units of gravity, or gravity was taken away' if size < GRAVITY else \
                'thousandths of gravity, or cm/s²' if 500 < size < 2000 else 'another unit, or other columns'
            told.append(f'acceleration is typically {size:.3g}, that of gravity alone is {GRAVITY} m/s²: {cause}?')
        if turn > MAX_TURN:
            told.append(f'turn rates are typically {turn:.3g} rad/s: degrees per second?')
        return ' '.join(told)

    def values_of(self, columns):
        return columns / np.array([GRAVITY] * 3 + [1.0] * 3)


@TRANSFORMS.register_module()
class GazeDirections(TimedReadings):
    """The stream ``gaze (B,T',3)``: where the wearer looks, a unit vector with x forward, y left and z up.

    Its axes are those of Aria's central pupil frame, which is tied to the head. The challenge of Ego-Exo4D forbids
    gaze.

    Args:
        files, columns, time_unit, start, max_gap, num_frames: see :class:`TimedReadings`; the columns are time, yaw to
            the left and pitch up, radians, as Aria's MPS writes them in ``general_eye_gaze.csv``.
    """

    shape = (3,)

    def __init__(self, files: str | tuple, columns: tuple = ('tracking_timestamp_us', 'yaw_rads_cpf', 'pitch_rads_cpf'),
                 time_unit: str = 'us', start: float | None = None, max_gap: float = 0.2,
                 num_frames: int | None = None):
        if len(columns) != 3:
            raise ValueError(f'columns={tuple(columns)} should be three: time, yaw and pitch')
        super().__init__(files, 'gaze', columns, time_unit, start, max_gap, num_frames)

    def doubt(self, columns):
        angle = float(np.quantile(np.abs(columns).max(1), 0.9))
        return f'angles reach {angle:.3g} rad, behind the head: degrees?' if angle > np.pi / 2 else ''

    def values_of(self, columns):
        direction = np.stack([np.ones(len(columns)), np.tan(columns[:, 0]), np.tan(columns[:, 1])], -1)
        return direction / np.linalg.norm(direction, axis=-1, keepdims=True)
