"""Arrays in ``.npz`` files: written whole or not at all, read without pickle and within a bound of memory."""
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .files import BadFile, atomic_write, first_bytes, stand_in

MAX_BYTES = 4 << 30  # of all arrays of a file together, unpacked
KINDS = 'biufU'      # truth values, numbers and text; no objects, dates, records


def write_arrays(path: str | Path, arrays: dict) -> None:
    """Write named arrays as a compressed npz that appears at ``path`` only once it is complete.

    Raises:
        ValueError: a name that does not end in ``.npz``, or an array of objects or dates.
    """
    if Path(path).suffix.lower() != '.npz':
        raise ValueError(f'{path} should end in .npz')
    for key, value in arrays.items():
        if np.asarray(value).dtype.kind not in KINDS:
            raise ValueError(f'{path}: {key!r} should hold numbers, truth values or text, got the type '
                             f'{np.asarray(value).dtype}')
    with atomic_write(path, 'wb') as file:
        np.savez_compressed(file, **arrays)


def read_arrays(path: str | Path, keys: Iterable[str] | None = None, max_bytes: int = MAX_BYTES) -> dict:
    """Arrays of an npz by name; nothing in the file is run, and no more than ``max_bytes`` is unpacked.

    Args:
        path: file.
        keys: names to read if they are there; default: all.
        max_bytes: limit of the sizes of all arrays read together.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: no npz, cut off, larger than the limit, or arrays of objects; the message names file and key.
    """
    key, arrays, total = None, {}, 0
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                key = entry.filename.removesuffix('.npy')
                if keys is not None and key not in keys:
                    continue
                if key in arrays:
                    raise BadFile(f'{path} holds {key!r} twice')
                total += entry.file_size
                require_bound(f'{path}: {key!r}', total, max_bytes)
                with archive.open(entry) as member:
                    arrays[key] = read_npy(member, entry.file_size, f'{path}: {key!r}')
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # of zipfile, four ways of packing, and numpy: damage has no common class
        raise unreadable(f'{path}: {key!r}' if key else path, path, error) from None
    return arrays


def array_names(path: str | Path) -> list[str]:
    """Names of the arrays of an npz. Raises as :func:`read_arrays`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix('.npy') for name in archive.namelist()]
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
        raise unreadable(path, path, error) from None


def read_array(path: str | Path) -> np.ndarray:
    """The array of an npy. Raises as :func:`read_arrays`."""
    try:
        with open(path, 'rb') as file:
            return read_npy(file, os.fstat(file.fileno()).st_size, str(path))
    except (BadFile, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
        raise unreadable(path, path, error, 'npy') from None


def unreadable(where: str | Path, path: str | Path, error: Exception, kind: str = 'npz') -> BadFile:
    """The error for a damaged file ``path``, which begins with ``where``."""
    if found := stand_in(first_bytes(path)):
        return BadFile(f'{path} is {found}')
    if isinstance(error, MemoryError):
        return BadFile(f'{where} needs more memory than there is')
    return BadFile(f'{where} cannot be read ({type(error).__name__}: {error}): it is damaged, cut off or no {kind}; '
                   'copy or download it again')


def require_bound(where: str, size: int, max_bytes: int = MAX_BYTES) -> None:
    """``BadFile``, which begins with ``where``, if a file claims more than ``max_bytes`` bytes, unpacked."""
    if size > max_bytes:
        raise BadFile(f'{where} would fill {size / 1e9:.3g} GB with what is before it, more than the limit of '
                      f'{max_bytes / 1e9:.3g} GB (max_bytes)')


def read_npy(member, size: int, where: str) -> np.ndarray:
    """An array from an open npy file of ``size`` bytes, of which it takes no more memory; damage can raise anything."""
    version = np.lib.format.read_magic(member)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f'npy version {version}')
    shape, fortran, dtype = read_header[version](member)
    if dtype.kind not in KINDS or dtype.hasobject:
        raise BadFile(f'{where} holds {dtype}, not numbers, truth values or text; it is not read, because it could '
                      'bring code with it')
    if any(side < 0 for side in shape):
        raise ValueError(f'the shape {shape}')
    count = 1
    for side in shape:
        count *= int(side)
    if count * dtype.itemsize > size:  # what the header promises is not in the file
        raise ValueError(f'the header promises {shape} of {dtype}, but there are {size} bytes only')
    values = np.empty(count, dtype)
    target = memoryview(values.view(np.uint8) if count and dtype.itemsize else bytearray()).cast('B')
    filled = 0
    while filled < len(target):
        got = member.readinto(target[filled:])
        if not got:
            raise EOFError('the array ends too early')
        filled += got
    return values.reshape(shape, order='F' if fortran else 'C')
