"""Object arrays in ``.npz`` files, read without running the code that a pickle may hold."""
import pickle
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..files import BadFile, atomic_write


def read_object(path: str | Path, key: str):
    """The dicts, lists, strings, numbers and arrays that ``np.savez(path, key=value)`` stored under ``key``.

    Object arrays become lists; that of a single object becomes the object.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: not an npz, cut off, without that key, or a pickle of anything but plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix('.npy') for name in archive.namelist()]
            if key not in names:
                raise BadFile(f'{path} has no {key!r}, only {names}: is it the right file?')
            with archive.open(f'{key}.npy') as file:
                return _read_array(file)
    except BadFile:
        raise
    except pickle.UnpicklingError as error:
        raise BadFile(f'{path}: {key!r} {error}; nothing of it was run. Get the file from its original source'
                      ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError,
            NotImplementedError, RecursionError, MemoryError) as error:
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
        return _plain(_Unpickler(file, encoding='latin1').load())
    count = int(np.prod(shape, dtype=np.int64))
    values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return values.reshape(shape, order='F' if fortran else 'C')


class _Unpickler(pickle.Unpickler):
    """Knows arrays, and nothing else beyond what pickle has built in.

    Arrays are built by the stand-ins below: numpy's own ``__setstate__`` trusts its input.
    """

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f'holds {module}.{name}, where only plain values and arrays should be')
        return _KNOWN[module, name]


class _Dtype:
    def __init__(self, name, *_):
        self.dtype = np.dtype(str(name))
        if self.dtype.kind not in 'biufSUO':
            raise pickle.UnpicklingError(f'holds an array of {self.dtype}, where numbers should be')

    def __setstate__(self, state):
        if state[1] in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stand-in for an array until it is known what it holds."""

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state
        self.values = content
        if dtype.dtype.hasobject:
            self.shape = shape
        else:
            content = content.encode('latin1') if isinstance(content, str) else content
            self.values = np.frombuffer(content, dtype.dtype).reshape(shape, order='F' if fortran else 'C')


def _scalar(dtype, content):
    content = content.encode('latin1') if isinstance(content, str) else content
    return np.frombuffer(content, dtype.dtype)[0]


def _encode(text, encoding):
    return text.encode({'latin1': 'latin1', 'latin-1': 'latin1'}[encoding])


_KNOWN = {('numpy', 'dtype'): _Dtype, ('numpy', 'ndarray'): _Array, ('_codecs', 'encode'): _encode,
          ('builtins', 'dict'): dict, ('collections', 'OrderedDict'): dict,
          **{(f'numpy.{core}.multiarray', name): found for core in ('core', '_core')
             for name, found in (('_reconstruct', lambda *_: _Array()), ('scalar', _scalar))}}


def _plain(value):
    """``value`` with all stand-ins replaced."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if not isinstance(value, _Array):
        return value
    if isinstance(value.values, np.ndarray):
        return value.values
    if len(value.shape) > 1:
        raise pickle.UnpicklingError(f'holds a table of objects {value.shape}, where a list should be')
    items = [_plain(item) for item in value.values]
    return items if value.shape else items[0]
