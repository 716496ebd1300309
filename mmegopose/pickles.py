"""Pickles, and npz files that hold them, read without running what they ask for or the packages that wrote them."""
import pickle
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .files import BadFile, atomic_write
from .npz import MAX_BYTES, require_bound


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

    def plain(self):
        """The value that it stands for."""
        raise NotImplementedError


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

    def plain(self):
        _, shape, dtype, fortran, content = self.state
        if not dtype.dtype.hasobject:
            return _from_bytes(content, dtype, shape, 'F' if fortran else 'C')
        if len(shape) > 1:
            raise Blocked(f'a table of objects {shape}')
        items = [plain(item) for item in content]
        return items if shape else items[0]


def _from_bytes(content, dtype: _Dtype, shape: tuple, order: str = 'C') -> np.ndarray:
    return np.frombuffer(_to_bytes(content), dtype.dtype).reshape(shape, order=order)


def _to_bytes(content, encoding: str = 'latin1') -> bytes:
    """Bytes, which old pickles hold as text; also ``codecs.encode``, which newer ones of that form ask for."""
    if encoding not in ('latin1', 'latin-1'):
        raise Blocked(f'bytes in the encoding {encoding!r}')
    return content.encode('latin1') if isinstance(content, str) else content


def _new_object(cls, base, state):
    """``copyreg._reconstructor`` for the stand-ins."""
    if not issubclass(cls, Stub):
        raise Blocked(f'an object of {cls.__name__} in the form of Python 2')
    return cls()


class SafeUnpickler(pickle.Unpickler):
    """Reads plain values and numpy arrays; :func:`plain` makes values of what it loads.

    Anything else raises :class:`Blocked`. Subclasses add stand-ins to ``known``.
    """
    known = {
        'numpy.ndarray': _Array, 'numpy.dtype': _Dtype, '_codecs.encode': _to_bytes, 'collections.OrderedDict': dict,
        **{f'numpy.{core}.{name}': found for core in ('core', '_core') for name, found in (
            ('multiarray._reconstruct', lambda *_: _Array()), ('numeric._frombuffer', _from_bytes),
            ('multiarray.scalar', lambda dtype, content: _from_bytes(content, dtype, (1,))[0]))},
        **{f'{module}._reconstructor': _new_object for module in ('copyreg', 'copy_reg')},
        **{f'{module}.{kind.__name__}': kind for module in ('builtins', '__builtin__')
           for kind in (dict, object, set, slice, bytearray)},
    }

    def __init__(self, file):
        super().__init__(file, encoding='latin1')

    def find_class(self, module: str, name: str):
        try:
            return self.known[f'{module}.{name}']
        except KeyError:
            raise Blocked(f'{module}.{name}') from None


def plain(value):
    """``value`` with all stand-ins replaced; object arrays become lists, those of one object the object."""
    if isinstance(value, Stub):
        return value.plain()
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


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
    try:
        return plain(unpickler(file).load())
    except Blocked as error:
        raise RefusedFile(f'{where} asks for {error}, which is no array or plain value, so it was not opened and '
                          'nothing in it was run; take the file from the official site') from None
    except Exception as error:  # a damaged pickle can raise anything
        raise BadFile(f'{where} cannot be read: it is cut off, damaged or no pickle of arrays '
                      f'({type(error).__name__}: {error}); copy or download it again') from None


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
            require_bound(f'{path}: {key!r}', archive.getinfo(f'{key}.npy').file_size, max_bytes)
            with archive.open(f'{key}.npy') as file:
                return _read_array(file)
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Blocked as error:
        raise BadFile(f'{path}: {key!r} asks for {error}, where only plain values and arrays should be; nothing of it '
                      'was run. Get the file from its original source') from None
    except (zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, EOFError, OSError, ValueError, TypeError,
            AttributeError, IndexError, KeyError, NotImplementedError, RecursionError, MemoryError) as error:
        raise BadFile(f'{path} cannot be read ({type(error).__name__}: {error}): it is cut off or no npz; copy or '
                      'download it again') from None


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


def _read_array(file):
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in header:
        raise ValueError(f'npy version {version}')
    shape, fortran, dtype = header[version](file)
    if dtype.hasobject:
        return plain(SafeUnpickler(file).load())
    count = int(np.prod(shape, dtype=np.int64))
    values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return values.reshape(shape, order='F' if fortran else 'C')
