"""Tables of numbers in text files, read by the names of their columns; mistakes name file, line and column."""
import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...files import BadFile

ROWS_AT_ONCE = 1 << 15
NO_NUMBER = ('', 'nan', 'null', 'none', 'na', 'n/a', '-nan')


class Table(NamedTuple):
    """Columns of a text file.

    Attributes:
        columns: ``{name: (N,)}``, float64, or text where it was asked for.
        names: of all columns of the file, in its order.
        notes: what was left out.
    """
    columns: dict
    names: list
    notes: list

    def stack(self, names: Sequence[str]) -> np.ndarray:
        """Some columns side by side, ``(N, len(names))``."""
        return np.stack([self.columns[name] for name in names], -1)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def read_header(path: str | Path) -> tuple[list, str | None]:
    """Names of the columns and the delimiter (None: blanks) of a table with a header line.

    A ``#`` before the first name is left out. Raises ``BadFile`` if there is no text in the file.
    """
    with _open(path) as file:
        line = next((line for line in file if line.strip().strip('#')), '')
    if not line:
        raise BadFile(f'{path} is empty')
    if '\0' in line:
        raise BadFile(f'{path} is no text file')
    line = line.strip().lstrip('#')
    delimiter = next((mark for mark in (',', ';', '\t') if mark in line), None)
    return [name.strip().strip('"') for name in _split(line, delimiter)], delimiter


def read_table(path: str | Path, wanted: Sequence[str], optional: Sequence[str] = (), text: Sequence[str] = (),
               names: Sequence[str] | None = None, delimiter: str | None = ',', skip: int = 0, every: int = 1,
               limit: int | None = None) -> Table:
    """Read some columns.

    A last line that is cut off is left out, with a note. Cells without a number (empty, nan, null) become NaN.

    Args:
        path: file.
        wanted: names that must be there.
        optional: names that may be there.
        text: those of them that hold text.
        names: of all columns, for files without a header; default: the first line that is not empty.
        delimiter: between columns, None: blanks. Only used with ``names``; a header tells its own.
        skip: lines before the first row that are no rows, for files without a header.
        every: take one of so many rows.
        limit: rows at most.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: empty, no text, without a wanted column, or a line that cannot be read.
    """
    has_header = names is None
    known, delimiter = read_header(path) if names is None else (list(names), delimiter)
    if missing := [name for name in wanted if name not in known]:
        raise BadFile(f'{path} has no column {missing[0]!r}, but {len(known)} others: {", ".join(known)[:300]}')
    chosen = [*wanted, *(name for name in optional if name in known)]
    places = [known.index(name) for name in chosen]
    parts, notes = {name: [] for name in chosen}, []
    with _open(path) as file:
        lines = ((number, line) for number, line in enumerate(file, 1)
                 if line.strip() and not (line.lstrip().startswith('#') and not has_header))
        for _ in range(1 if has_header else skip):
            next(lines, None)
        lines = itertools.islice(lines, 0, None if limit is None else limit * every, every)
        for block in iter(lambda: list(itertools.islice(lines, ROWS_AT_ONCE)), []):
            rows = [_split(line, delimiter) for _, line in block]
            if has_header:
                _check_width(path, block, rows, len(known), delimiter)
            last = len(block) < ROWS_AT_ONCE and limit is None
            if last and (len(rows[-1]) <= max(places) or not block[-1][1].endswith('\n') and not _complete(
                    rows, len(known))):
                notes.append(f'the last line ({block[-1][0]}) is cut off and left out')
                rows, block = rows[:-1], block[:-1]
            for name, place in zip(chosen, places):
                parts[name].append(_column(path, block, rows, place, name, name in text))
    columns = {name: np.concatenate(values) if values else np.zeros(0) for name, values in parts.items()}
    if not len(next(iter(columns.values()))):
        raise BadFile(f'{path} has a header, but no row' if has_header else f'{path} has no row')
    return Table(columns, known, notes)


def _check_width(path, block: list, rows: list, count: int, delimiter: str | None) -> None:
    """Raise ``BadFile`` if most rows have more cells than the header has names: no name is that of its cells."""
    wide = [place for place, row in enumerate(rows) if any(cell.strip() for cell in row[count:])]
    if 2 * len(wide) > len(rows):
        number, width = block[wide[0]][0], len(rows[wide[0]])
        commas = ': decimal commas among commas? Write the numbers with points' if delimiter == ',' else ''
        raise BadFile(f'{path}: line {number} has {width} columns, but the header names {count}{commas}')


def _complete(rows: list, count: int) -> bool:
    """Whether the last line has as many cells as the line before, none of them empty at the end."""
    return len(rows[-1]) >= (len(rows[-2]) if len(rows) > 1 else count) and bool(rows[-1][-1].strip())


def _open(path: str | Path) -> io.TextIOBase:
    return open(path, encoding='utf-8-sig', errors='replace', newline=None)


def _split(line: str, delimiter: str | None) -> list:
    if delimiter is None:
        return line.split()
    if '"' in line:
        return next(csv.reader([line], delimiter=delimiter))
    return line.rstrip('\n').split(delimiter)


def _column(path, block: list, rows: list, place: int, name: str, as_text: bool) -> np.ndarray:
    try:
        cells = [row[place] for row in rows]
    except IndexError:
        number, row = next((number, row) for (number, _), row in zip(block, rows) if len(row) <= place)
        raise BadFile(f'{path}: line {number} has {len(row)} columns, too few for {name!r}') from None
    if as_text:
        return np.array([cell.strip().strip('"') for cell in cells])
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array([_number(path, number, cell, name) for (number, _), cell in zip(block, cells)])


def _number(path, line: int, cell: str, name: str) -> float:
    cell = cell.strip().strip('"')
    if cell.lower() in NO_NUMBER:
        return float('nan')
    try:
        return float(cell)
    except ValueError:
        raise BadFile(f'{path}: line {line}: {name!r} should be a number, is {cell[:40]!r}') from None
