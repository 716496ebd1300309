"""Object arrays in ``.npz`` files, read without running the code that a pickle may hold."""
import pickle
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...files import BadFile, atomic_write
from ...pickles import Blocked, SafeUnpickler, plain


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
    except Blocked as error:
        raise BadFile(f'{path}: {key!r} asks for {error}, where only plain values and arrays should be; nothing of it '
                      'was run. Get the file from its original source') from None
    except (zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError,
            IndexError, KeyError, NotImplementedError, RecursionError, MemoryError) as error:
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
