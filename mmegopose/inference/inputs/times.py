"""Columns of times and their units."""
import re

import numpy as np

TIME_UNITS = {'s': 1.0, 'ms': 1e-3, 'us': 1e-6, 'ns': 1e-9, '100ns': 1e-7}
TIMES = ('time', 'timestamp', 't', 'times', 'timestamps', 'seconds', 'stamp', 'frame_time', 'unix_time', 'system_time',
         'device_time', 'header_stamp', 'time_stamp', 'tracking_timestamp')
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
            return name, _ENDINGS[match[1]] if match else None
    return None, None


def guess_time_unit(time: np.ndarray, source: str) -> str:
    """The unit in which times ``(N,)``, ascending, are 5 to 1500 rows a second; ``'s'`` for a single row.

    Raises ``ValueError`` if there is none, or if they may be frame numbers.
    """
    if len(time) < 2:
        return 's'
    steps = np.diff(time)
    if (steps == 1).all():
        raise ValueError(f'{source}: the times are {time[0]:g}, {time[1]:g}, ...: if they are frame numbers, pass fps; '
                         "if they are milliseconds, time_unit='ms'")
    step = float(np.median(steps))
    fit = [unit for unit in ('s', 'ms', 'us', 'ns') if 1 / 1500 <= step * TIME_UNITS[unit] <= 1 / 5]
    if not fit:
        raise ValueError(f'{source}: the times grow by {step:g}, which is in no unit 5 to 1500 rows a second; pass '
                         f'time_unit, one of {list(TIME_UNITS)}, or fps')
    return fit[0]


def thinning(time: np.ndarray, max_rate: float) -> int:
    """One of how many rows is needed for ``max_rate`` rows a second at least, from the first times ``(N,)``, s."""
    step = float(np.median(np.diff(time))) if len(time) > 1 else float('nan')
    return max(1, int(1 / max_rate / step + 1e-6)) if step > 0 else 1
