"""Columns of times and their units."""
import re

import numpy as np

TIME_UNITS = {'s': 1.0, 'ms': 1e-3, 'us': 1e-6, 'ns': 1e-9, '100ns': 1e-7}
TIMES = ('time', 'timestamp', 't', 'times', 'timestamps', 'seconds', 'stamp', 'frame_time', 'unix_time', 'system_time',
         'device_time', 'header_stamp', 'time_stamp', 'tracking_timestamp')
DEFAULT_FPS = 30.0     # frames per second of a video or of 2D poses, where nothing tells
EPOCH = 0.94e9, 4.2e9  # seconds since 1970: 1999 to 2103
SLOW = 2.5             # seconds from row to row that may be meant
FRAME_STEP = 30        # frame numbers may be of every so manieth frame
_ENDINGS = dict(s='s', sec='s', secs='s', seconds='s', ms='ms', msec='ms', milliseconds='ms', us='us', usec='us',
                microseconds='us', ns='ns', nsec='ns', nanoseconds='ns')
_ENDING = re.compile(f'_({"|".join(_ENDINGS)})$')


def column_key(name: str) -> str:
    """``'Head Pos.X [m]'`` and ``'headPosX'`` as ``'head_pos_x'``: names of columns without case, marks and units of
    length."""
    name = re.sub(r'\[(\w+)\]|\((\w+)\)', r' \1\2', name)
    name = re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name)
    return re.sub(r'_(m|cm|mm|deg|degrees|meters?)$', '', re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_'))


def find_time(names: list) -> tuple[str | None, str | None]:
    """The column of times by its name, and the unit that the name tells; None: not known."""
    for name in names:
        key = column_key(name)
        if _ENDING.sub('', key) in TIMES:
            match = _ENDING.search(key)
            return name, 's' if key == 'seconds' else _ENDINGS[match[1]] if match else None
    return None, None


def require_fps(fps: float, source: str = '') -> float:
    """``fps`` as a number; ``ValueError`` if it is not positive and finite."""
    try:
        number = float(fps)
    except (TypeError, ValueError, OverflowError):
        number = float('nan')
    if not (number > 0 and np.isfinite(number)):
        raise ValueError(f'{source}{": " if source else ""}fps should be positive, got {str(fps)[:20]}')
    return number


def require_time_unit(time_unit: str) -> str:
    """A key of :data:`TIME_UNITS` or ``'auto'``; ``ValueError`` for anything else."""
    if time_unit not in (*TIME_UNITS, 'auto'):
        raise ValueError(f"time_unit={time_unit!r} should be one of {list(TIME_UNITS)} or 'auto'")
    return time_unit


def guess_time_unit(time: np.ndarray, source: str) -> str:
    """The unit in which times ``(N,)``, ascending, are 5 to 1500 rows a second; ``'s'`` for a single row.

    Times since 1970 tell their unit by their size. Raises ``ValueError`` if there is none, if they may be frame
    numbers, and if they may as well be about a row a second in the next larger unit.
    """
    if len(time) < 2:
        return 's'
    steps = np.diff(time)
    step = float(np.median(steps))
    for unit in ('s', 'ms', 'us', 'ns'):
        since_1970 = EPOCH[0] < time[0] * TIME_UNITS[unit] < EPOCH[1]
        if since_1970 and 1 / 1500 <= step * TIME_UNITS[unit] <= SLOW:
            return unit
    remedy = "if they are frame numbers, pass fps; if they are milliseconds, time_unit='ms'"
    whole = (time == np.round(time)).all()
    if whole and (step <= 5 or step <= FRAME_STEP and not (steps % step).any()):
        raise ValueError(f'{source}: the times are {time[0]:g}, {time[1]:g}, ..., without a unit: {remedy}, or another '
                         f'of {list(TIME_UNITS)}')
    fit = [unit for unit in TIME_UNITS if unit != '100ns' and 1 / 1500 <= step * TIME_UNITS[unit] <= 1 / 5]
    if not fit:
        raise ValueError(f'{source}: the times grow by {step:g}, which is in no unit 5 to 1500 rows a second; pass '
                         f'time_unit, one of {list(TIME_UNITS)}, or fps')
    if fit[0] != 's' and step * TIME_UNITS[fit[0]] * 1000 <= SLOW:
        larger = dict(ms='s', us='ms', ns='us')[fit[0]]
        fast, slow = (1 / step / TIME_UNITS[unit] for unit in (fit[0], larger))
        raise ValueError(f'{source}: the times grow by {step:g}, without a unit: that is {fast:.3g} rows a second in '
                         f'{fit[0]}, or {slow:.3g} in {larger}; pass time_unit={fit[0]!r}, time_unit={larger!r}, or '
                         'fps')
    return fit[0]


def thinning(time: np.ndarray, max_rate: float) -> int:
    """One of how many rows is needed for ``max_rate`` rows a second at least, from the first times ``(N,)``, s."""
    step = float(np.median(np.diff(time))) if len(time) > 1 else float('nan')
    return max(1, int(1 / max_rate / step + 1e-6)) if step > 0 else 1
