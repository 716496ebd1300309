"""Pickles, and npz files that hold them, read without running what they ask for or the packages that wrote them.

Time and memory are bounded by the size of the file: shared objects stay shared, and what would unfold to far more than
the file holds is refused.
"""
import math
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterable, Sized
from pathlib import Path
from typing import Any

import numpy as np

from .files import BadFile, atomic_write, stand_in
from .npz import MAX_BYTES, require_bound, unreadable


class Blocked(pickle.UnpicklingError):
    """A pickle that asks for something beyond plain values and arrays; the text names it."""


class RefusedFile(BadFile):
    """A pickle that asks to run code; nothing of it was run."""


class Stub:
    """Takes the place of a class: keeps the state, runs nothing. Subclasses define :meth:`plain`."""
    state = None

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        self.state = state

    def plain(self, convert: 'Convert'):
        """The value that it stands for; ``convert`` gives those of its parts."""
        raise NotImplementedError


class Budget:
    """How much may be made of a file of ``size`` bytes: numbers, letters, entries of lists."""

    def __init__(self, size: int):
        self.limit = self.left = 16 * size + (1 << 22)

    def spend(self, count: int) -> None:
        """Raise ``ValueError`` if all that was made is more than the limit."""
        self.left -= count
        if self.left < 0:
            raise ValueError('it would unfold to far more than it holds')


class _Dtype:
    def __init__(self, name, *_):
        self.dtype = np.dtype(str(name))
        if self.dtype.kind not in 'biufSUO':
            raise Blocked(f'an array of {self.dtype}')

    def __setstate__(self, state):
        if state[1] in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array(Stub):
    """An array, which numpy's own ``__setstate__`` would build without doubting shape, type and addresses."""

    def plain(self, convert):
        _, shape, dtype, fortran, content = self.state
        if not dtype.dtype.hasobject:
            convert.budget.spend(len(content))
            return _from_bytes(content, dtype, shape, 'F' if fortran else 'C')
        if len(shape) > 1:
            raise Blocked(f'a table of objects {shape}')
        items = convert(list(content) if isinstance(content, bytes) else content)
        return items if shape else items[0]


def _from_bytes(content, dtype: _Dtype, shape: tuple, order: str = 'C') -> np.ndarray:
    return np.frombuffer(_to_bytes(content), dtype.dtype).reshape(shape, order=order)


def _to_bytes(content, encoding: str = 'latin1') -> bytes:
    """Bytes, which old pickles hold as text; also ``codecs.encode``, which newer ones of that form ask for."""
    if encoding not in ('latin1', 'latin-1'):
        raise Blocked(f'bytes in the encoding {encoding!r}')
    if not isinstance(content, (str, bytes)):
        raise ValueError(f'bytes made of a {type(content).__name__}')
    return content.encode('latin1') if isinstance(content, str) else content


def _new_object(cls, base, state):
    """``copyreg._reconstructor`` for the stand-ins."""
    if not issubclass(cls, Stub):
        raise Blocked(f'an object of {cls.__name__} in the form of Python 2')
    return cls()


def _key(value):
    """``value`` if it can be a key of a dict or an item of a set: the hash of nested tuples can take for ever."""
    if not isinstance(value, (str, bytes, int, float, type(None), np.generic)) or \
            isinstance(value, int) and value.bit_length() > 64:
        raise ValueError(f'a {type(value).__name__} as key of a dict')
    return value


def _dict(items=()) -> dict:
    return dict(items) if isinstance(items, dict) else {_key(key): value for key, value in items}


def _set(items=()) -> set:
    return {_key(item) for item in items}


class _Function:
    """A function that a pickle may call, whose arguments count."""

    def __init__(self, function: Callable, budget: Budget):
        self.function, self.budget = function, budget

    def __call__(self, *args):
        self.budget.spend(sum(len(value) * (1 if isinstance(value, (str, bytes)) else 8) for value in args
                              if isinstance(value, Sized)))
        return self.function(*args)


class _Reader:
    """A file of ``size`` bytes that gives what is asked for or raises ``EOFError``, before any memory is taken."""

    def __init__(self, file, size: int):
        self.file, self.left = file, size

    def _checked(self, content: bytes, complete: bool) -> bytes:
        self.left -= len(content)
        if not complete:
            raise EOFError('it ends too early')
        return content

    def read(self, count: int) -> bytes:
        content = self.file.read(count) if count <= self.left else b''
        return self._checked(content, len(content) == count)

    def readline(self) -> bytes:
        content = self.file.readline()
        return self._checked(content, content.endswith(b'\n'))


class SafeUnpickler(pickle._Unpickler):
    """Reads plain values and numpy arrays; :class:`Convert` makes values of what it loads.

    Anything else raises :class:`Blocked`. Subclasses add stand-ins to ``known``. It is the unpickler in Python, because
    that in C hashes whatever a pickle uses as a key and sets the attributes of whatever it names.
    """
    known: dict[str, Any] = {
        'numpy.ndarray': _Array, 'numpy.dtype': _Dtype, '_codecs.encode': _to_bytes, 'collections.OrderedDict': _dict,
        **{f'numpy.{core}.{name}': found for core in ('core', '_core') for name, found in (
            ('multiarray._reconstruct', lambda *_: _Array()), ('numeric._frombuffer', _from_bytes),
            ('multiarray.scalar', lambda dtype, content: _from_bytes(content, dtype, (1,))[0]))},
        **{f'{module}._reconstructor': _new_object for module in ('copyreg', 'copy_reg')},
        **{f'{module}.{name}': found for module in ('builtins', '__builtin__') for name, found in (
            ('dict', _dict), ('object', object), ('set', _set), ('slice', slice),
            ('bytearray', lambda content=b'', *_: _to_bytes(content)))},
    }

    def __init__(self, file, size: int):
        super().__init__(_Reader(file, size), encoding='latin1')
        self.budget = Budget(size)

    def find_class(self, module: str, name: str):
        try:
            found = self.known[f'{module}.{name}']
        except KeyError:
            raise Blocked(f'{module}.{name}') from None
        return found if isinstance(found, type) else _Function(found, self.budget)

    def _set_state(self):
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (Stub, _Dtype)):
            raise ValueError(f'a state for a {type(self.stack[-1]).__name__}')
        self.stack[-1].__setstate__(state)

    def _set_items(self, items=None):
        items = self.pop_mark() if items is None else items
        target = self.stack[-1]
        if type(target) is not dict:
            raise ValueError(f'keys for a {type(target).__name__}')
        target.update((_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True))

    def _set_item(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _make_dict(self):
        items = self.pop_mark()
        self.append({})
        self._set_items(items)

    def _add_items(self):
        items = self.pop_mark()
        self.stack[-1].update(map(_key, items))

    def _make_frozenset(self):
        items = self.pop_mark()
        self.append(frozenset(map(_key, items)))

    def _make_bytes(self):
        self.append(self.read(struct.unpack('<Q', self.read(8))[0]))

    dispatch = pickle._Unpickler.dispatch | {opcode[0]: function for opcode, function in (
        (pickle.BUILD, _set_state), (pickle.SETITEM, _set_item), (pickle.SETITEMS, _set_items),
        (pickle.DICT, _make_dict), (pickle.ADDITEMS, _add_items), (pickle.FROZENSET, _make_frozenset),
        (pickle.BYTEARRAY8, _make_bytes))}


class Convert:
    """Replaces the stand-ins in what an unpickler loaded; object arrays become lists, those of one object the object.

    What is shared stays shared. Raises ``ValueError`` for what holds itself, or would be more than the budget if each
    part stood alone: those who take a list apart visit shared parts again and again.
    """

    def __init__(self, budget: Budget):
        self.budget = budget
        self._done: dict[int, tuple] = {}  # the object, which keeps its id, and what it became
        self._sizes: dict[int, int] = {}

    def __call__(self, value):
        if not isinstance(value, (Stub, dict, list, tuple)):
            return value
        known = self._done.get(id(value))
        if known is None:
            self._done[id(value)] = value, value
            known = self._done[id(value)] = value, self._convert(value)
        elif known[0] is known[1]:
            raise ValueError('it holds itself')
        return known[1]

    def _convert(self, value):
        if isinstance(value, Stub):
            return value.plain(self)
        if isinstance(value, dict):
            found: dict | list = {key: self(item) for key, item in value.items()}
            size = sum(map(self._size, value)) + sum(map(self._size, found.values()))
        else:
            found = [self(item) for item in value]
            size = sum(map(self._size, found))
        if size > self.budget.limit:
            raise ValueError('it would unfold to far more than it holds')
        self._sizes[id(found)] = size + 1
        return found

    def _size(self, value) -> int:
        if isinstance(value, np.ndarray):
            return value.size + 1
        return len(value) + 1 if isinstance(value, (str, bytes)) else self._sizes.get(id(value), 1)


def load_pickle(file, where: str, unpickler: type[SafeUnpickler] = SafeUnpickler):
    """Plain values and arrays of a pickle.

    Args:
        file: opened for reading bytes.
        where: its name, for messages.
        unpickler: knows the classes that may occur.

    Raises:
        RefusedFile: it asks for anything else; nothing of it was run.
        BadFile: it is damaged.
    """
    found = stand_in(file.read(512))
    if found:
        raise BadFile(f'{where} is {found}')
    try:
        return _load(file, file.seek(0, os.SEEK_END) - file.seek(0), unpickler)
    except Blocked as error:
        raise RefusedFile(f'{where} asks for {error}, which is no array or plain value, so it was not opened and '
                          'nothing in it was run; take the file from the official site') from None
    except Exception as error:  # a damaged pickle can raise anything
        raise BadFile(f'{where} cannot be read: it is cut off, damaged or no pickle of arrays '
                      f'({type(error).__name__}: {error}); copy or download it again') from None


def _load(file, size: int, unpickler: type[SafeUnpickler] = SafeUnpickler):
    reader = unpickler(file, size)
    return Convert(reader.budget)(reader.load())


def read_object(path: str | Path, key: str, max_bytes: int = MAX_BYTES):
    """The dicts, lists, strings, numbers and arrays that ``np.savez(path, key=value)`` stored under ``key``.

    Object arrays become lists; that of a single object becomes the object.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not an npz, cut off, without that key, larger than ``max_bytes`` unpacked, or a pickle of anything but
            plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix('.npy') for name in archive.namelist()]
            if key not in names:
                raise BadFile(f'{path} has no {key!r}, only {names}: is it the right file?')
            size = archive.getinfo(f'{key}.npy').file_size
            require_bound(f'{path}: {key!r}', size, max_bytes)
            with archive.open(f'{key}.npy') as file:
                return _read_array(file, size)
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Blocked as error:
        raise BadFile(f'{path}: {key!r} asks for {error}, where only plain values and arrays should be; nothing of it '
                      'was run. Get the file from its original source') from None
    except Exception as error:  # as in read_arrays
        raise unreadable(path, path, error) from None


def write_object(path: str | Path, key: str, items: Iterable) -> None:
    """Write what ``np.savez_compressed(path, key=dict(items))`` would, with one item in memory at a time."""
    content = np.empty((), object)
    content[()] = _LazyDict(items)
    with atomic_write(path, 'wb') as file, zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive, \
            archive.open(f'{key}.npy', 'w', force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, dict(descr='|O', fortran_order=False, shape=()))
        pickler = pickle.Pickler(member, protocol=4)
        pickler.fast = True  # else the pickler keeps what it has written, to refer to it
        pickler.dump(content)


class _LazyDict:
    """Pickled as the dict of its items."""

    def __init__(self, items: Iterable):
        self.items = items

    def __reduce__(self):
        return dict, (), None, None, iter(self.items)


def _read_array(file, size: int):
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in header:
        raise ValueError(f'npy version {version}')
    shape, fortran, dtype = header[version](file)
    if dtype.hasobject:
        return _load(file, size)
    count = math.prod(shape)
    if not 0 <= count * dtype.itemsize <= size:  # what the header promises is not in the file
        raise ValueError(f'the header promises {shape} of {dtype}, but there are {size} bytes only')
    values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return values.reshape(shape, order='F' if fortran else 'C')
