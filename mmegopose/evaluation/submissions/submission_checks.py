"""What the files of all challenges share: reading, numbers of the right form, units, broken values, names of places."""
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...datasets.readers.units import MAX_COORDINATE_M
from ...files import as_floats, read_json

MAX_LISTED = 5  # names in a message


def read_challenge_file(path: str | Path) -> dict:
    """Content of a JSON file in which takes and frames are keys.

    Raises:
        ValueError: the file is not a JSON dict, was cut off, or holds a key twice.
    """
    content = read_json(path, twice=(twice := []))
    if twice:
        raise ValueError(f'{path} holds {name_first(map(repr, twice))} twice: each take and frame should be there once')
    return content


def stack_poses(poses: Sequence, num_points: int, where: str) -> torch.Tensor:
    """Poses that are to be scored, ``(n,P,3)`` float64.

    Args:
        poses: n entries of ``num_points`` times three numbers; NaN is one.
        num_points: P.
        where: what holds them, for the message.

    Raises:
        ValueError: an entry has another form, or a point is farther away than any place.
    """
    try:
        points = as_floats(poses).reshape(len(poses), num_points, 3)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{where} has poses that are not {num_points} x 3 numbers') from error
    if (np.abs(points) > MAX_COORDINATE_M).any():
        raise ValueError(f'{where} has poses farther than {MAX_COORDINATE_M / 1000:g} km from the origin; coordinates '
                         'are metres')
    return torch.from_numpy(points)


def check_form(entries: Sequence, num_points: int, name: Callable[[Iterable[int]], str],
               noun: str = 'joints') -> tuple[list[str], np.ndarray, np.ndarray]:
    """What is wrong with the form of the poses in a file, and the poses with which nothing is.

    Args:
        entries: poses, or whatever is in their place.
        num_points: joints or vertices of a pose.
        name: names the entries of some places, e.g. ``'2 frames (7, 8)'``.
        noun: what the points are.

    Returns:
        A line for each kind of mistake; points ``(n,P,3)`` float64, finite and not all at zero; and their places
        ``(n,)`` among the entries.
    """
    points, places, misshapen, unreadable = _read_points(entries, num_points)
    broken, zero = ~(np.abs(points) < 1e3 * MAX_COORDINATE_M).all((1, 2)), (points == 0).all((1, 2))
    problems = [f'{text} in {name(rows)}' for text, rows in (
        ('values that are not numbers', unreadable), (f'poses that are not {num_points} x 3', misshapen),
        ('NaN or infinite coordinates', places[broken]), (f'all {noun} at zero', places[zero])) if len(rows)]
    good = ~broken & ~zero
    return problems, points[good], places[good]


def _read_points(entries: Sequence, num_points: int) -> tuple[np.ndarray, np.ndarray, list, list]:
    """Points ``(n,P,3)`` and places ``(n,)`` of the entries that are so many times three numbers; the places of those
    with numbers in another form, and of those that hold something else.
    """
    shape = (num_points, 3)
    whole = _numbers(entries)
    if whole is not None and whole.shape[1:] == shape:  # many times faster than one by one
        return whole.astype(np.float64), np.arange(len(whole)), [], []
    points, places, misshapen, unreadable = [], [], [], []
    for i, entry in enumerate(entries):
        array = _numbers(entry)
        if array is None:
            unreadable.append(i)
        elif array.shape != shape:
            misshapen.append(i)
        else:
            points.append(array)
            places.append(i)
    stacked = np.stack(points).astype(np.float64) if points else np.zeros((0, *shape))
    return stacked, np.array(places, np.int64), misshapen, unreadable


def _numbers(values) -> np.ndarray | None:
    """``values`` as an array, or None if not all are numbers; ragged numbers become an empty array."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in 'fiu' and not _are_arrays(values):  # numpy takes true for 1
            as_floats(values)
    except ValueError:
        return np.zeros(0) if all(isinstance(value, (int, float)) and not isinstance(value, bool)
                                for value in _leaves(values)) else None
    return array if array.dtype.kind in 'fiu' else None


def _are_arrays(values) -> bool:
    return isinstance(values, np.ndarray) or (isinstance(values, Sequence)
                                              and all(isinstance(value, np.ndarray) for value in values))


def _leaves(values):
    if isinstance(values, (list, np.ndarray)):
        for value in values:
            yield from _leaves(value)
    else:
        yield values


def unit_problem(size: float, what: str, max_millimetres: float, max_metres: float) -> str | None:
    """A line that tells that points are not in metres, judged by a size of which ``what`` says how it was measured.

    Args:
        size: in the unit of the file.
        max_millimetres, max_metres: sizes above which the unit is the millimetre, or at least not the metre.
    """
    for unit, bound, factor in (('millimetres', max_millimetres, 1000), ('centimetres', max_metres, 100)):
        if size > bound:
            return f'looks like {unit} ({what}: {size:.0f}); the file must be in metres: divide by {factor}'
    return None


def hand_unit_problem(sizes: np.ndarray) -> str | None:
    """:func:`unit_problem` of hands, of which ``sizes (n,)`` are measured from corner to corner of their box."""
    # A hand in metres measures about 0.2: the bounds lie midway (in the logarithm) between the units.
    return unit_problem(float(np.median(sizes)), 'median size of a hand', max_millimetres=60, max_metres=2)


def name_first(names: Iterable, max_names: int = MAX_LISTED) -> str:
    """The first few names, ``'a, b, ...'``."""
    names = [str(name) for name in names]
    return ', '.join(names[:max_names]) + (', ...' if len(names) > max_names else '')


def count_and_name(noun: str, names: Iterable) -> str:
    """``'3 frames (7, 8, 9)'``."""
    names = list(names)
    return f'{len(names)} {noun}{"s" if len(names) > 1 else ""} ({name_first(names)})'


def raise_problems(out_file: str, problems: Sequence[str]) -> None:
    """Raise ``ValueError`` that names a written file and all that is wrong with it, if anything is."""
    if problems:
        raise ValueError('\n  '.join([f'{out_file} was written, but is not fit to be submitted:', *problems]))
