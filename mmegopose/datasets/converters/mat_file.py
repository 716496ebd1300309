"""MATLAB files of version 5, read without trust: the reader of SciPy ends the interpreter on damaged ones.

The layout is that of "MAT-File Format" (MathWorks, R2024a), chapter 1.
"""
import math
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...files import DAMAGE, BadFile

MAX_UNPACKED = 2 << 30  # bytes of one variable
HEAD = 1 << 12          # bytes of a variable in which its name stands
TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 9: 'f8', 12: 'i8', 13: 'u8'}  # as stored
CLASSES = {6: 'f8', 7: 'f4', 8: 'i1', 9: 'u1', 10: 'i2', 11: 'u2', 12: 'i4', 13: 'u4', 14: 'i8', 15: 'u8'}  # of arrays
CELL, MATRIX, COMPRESSED, COMPLEX = 1, 14, 15, 0x800


def read_mat(path: str | Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Variables of a file that are real numbers, or cells of such: arrays, and arrays of objects that are arrays.

    Raises:
        OSError: it cannot be opened.
        BadFile: it is no such file, damaged, or one of these variables is something else.
    """
    with open(path, 'rb') as file:
        content = file.read()
    try:
        order = {b'IM': '<', b'MI': '>'}[content[126:128]]
        if struct.unpack(order + 'H', content[124:126])[0] != 0x100:
            raise ValueError('another version')
        wanted, found, place = set(names), {}, 128
        while place < len(content):
            kind, data, place = _element(content, place, order, aligned=False)
            name, array = _variable(kind, data, order, wanted)
            if array is not None:
                found[name] = array
    except DAMAGE as error:
        raise BadFile(f'{path} is damaged or no MATLAB file of version 5 ({type(error).__name__}: {error}); '
                      'copy or download it again') from None
    return found


def _element(data: bytes, place: int, order: str, aligned: bool = True) -> tuple[int, bytes, int]:
    """Kind and bytes of the element at a place, and the place of the next one."""
    word, size = struct.unpack_from(order + 'II', data, place)
    start = place + 8
    if word >> 16:  # a small one, whose size stands beside its kind
        word, size, start = word & 0xffff, word >> 16, place + 4
        if size > 4:
            raise ValueError(f'a small element of {size} bytes')
    end = start + size
    if end > len(data):
        raise EOFError('it ends too early')
    following = place + 8 if start == place + 4 else end + (-size % 8 if aligned or word != COMPRESSED else 0)
    return word, data[start:end], following


def _variable(kind: int, data: bytes, order: str, wanted: set) -> tuple[str, np.ndarray | None]:
    """Name and array of a variable; no array of one that is not wanted."""
    if kind == COMPRESSED:
        unpack = zlib.decompressobj()
        head = unpack.decompress(data, HEAD)
        kind, size = struct.unpack_from(order + 'II', head)
        if kind != MATRIX or size > MAX_UNPACKED:
            raise ValueError(f'a variable of kind {kind} and {size} bytes')
        name = _header(head[8:], order)[3]
        if name not in wanted:
            return name, None
        data = (head + unpack.decompress(unpack.unconsumed_tail, max(size + 8 - len(head), 1)))[8:]
        if len(data) < size:
            raise EOFError('it ends too early')
    elif kind != MATRIX:
        return '', None
    name = _header(data, order)[3]
    return name, _array(data, order) if name in wanted else None


def _header(data: bytes, order: str) -> tuple[int, int, tuple, str, int]:
    """Class, flags, shape and name of an array, and the place of its content."""
    _, flags, place = _element(data, 0, order)
    kind, shape, place = _element(data, place, order)
    sides = tuple(np.frombuffer(shape, order + TYPES[kind]).tolist())
    if not 1 <= len(sides) <= 8 or any(side < 0 for side in sides):
        raise ValueError(f'the shape {sides[:9]}')
    _, name, place = _element(data, place, order)
    word = struct.unpack_from(order + 'I', flags)[0]
    return word & 0xff, word, sides, name.decode('latin1'), place


def _array(data: bytes, order: str, deep: bool = False) -> np.ndarray:
    kind, flags, shape, _, place = _header(data, order)
    count = math.prod(shape)
    if kind == CELL and not deep:
        if count > len(data) // 8:
            raise ValueError(f'{count} cells in {len(data)} bytes')
        cells = np.empty(count, object)
        for index in range(count):
            kind, inner, place = _element(data, place, order)
            if kind != MATRIX:
                raise ValueError(f'a cell of kind {kind}')
            cells[index] = _array(inner, order, deep=True)
        return cells.reshape(shape, order='F')
    if kind not in CLASSES or flags & COMPLEX:
        raise ValueError(f'an array of class {kind}')
    stored, content, _ = _element(data, place, order)
    values = np.frombuffer(content, order + TYPES[stored])
    return values.astype(CLASSES[kind]).reshape(shape, order='F')
