"""Pickled arrays without running what a pickle asks for, and without the packages that wrote it.

The files of MANO and SMPL are pickles of Python 2 with numpy arrays, scipy sparse matrices and chumpy nodes.
"""
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..files import BadFile

try:
    from numpy._core import multiarray, numeric
except ImportError:  # numpy 1
    from numpy.core import multiarray, numeric


class _Stub:
    """Takes the place of a foreign class: keeps the state, runs nothing."""
    state = None

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        self.state = state

    def field(self, name: str):
        return _plain(self.state[name])


class _ChumpyArray(_Stub):
    """``chumpy.ch.Ch``: an array."""

    def array(self) -> np.ndarray:
        return np.asarray(self.field('x'))


class _ChumpySelect(_Stub):
    """``chumpy.reordering.Select``: elements of another node."""

    def array(self) -> np.ndarray:
        picked = np.asarray(self.field('a')).ravel()[np.asarray(self.field('idxs')).ravel()]
        shape = self.state.get('preferred_shape')
        return picked if shape is None else picked.reshape(_plain(shape))


class _SparseColumns(_Stub):
    """``scipy.sparse.csc_matrix``, made dense."""

    def array(self) -> np.ndarray:
        dense = np.zeros(self.state['_shape'])
        columns = np.repeat(np.arange(dense.shape[1]), np.diff(self.field('indptr')))
        np.add.at(dense, (self.field('indices'), columns), self.field('data'))  # checks the indices, scipy does not
        return dense


def _plain(value):
    return value.array() if isinstance(value, _Stub) else value


def _encode(text: str, encoding: str) -> bytes:
    """``codecs.encode`` as pickles use it to store bytes."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'bytes in the encoding {encoding!r}')
    return text.encode('latin1')


def _new_object(cls, base, state):
    """``copyreg._reconstructor`` for the stand-ins."""
    if not issubclass(cls, _Stub):
        raise pickle.UnpicklingError(f'an object of {cls.__name__} in the form of Python 2')
    return cls()


_ALLOWED = {
    'numpy.ndarray': np.ndarray, 'numpy.dtype': np.dtype, '_codecs.encode': _encode,
    'collections.OrderedDict': OrderedDict, 'chumpy.ch.Ch': _ChumpyArray, 'chumpy.reordering.Select': _ChumpySelect,
    **{f'numpy.{core}.multiarray.{name}': getattr(multiarray, name)
       for core in ('core', '_core') for name in ('_reconstruct', 'scalar')},
    **{f'numpy.{core}.numeric._frombuffer': numeric._frombuffer for core in ('core', '_core')},
    **{f'scipy.sparse.{module}.csc_matrix': _SparseColumns for module in ('csc', '_csc')},
    **{f'{module}._reconstructor': _new_object for module in ('copyreg', 'copy_reg')},
    **{f'{module}.{kind.__name__}': kind for module in ('builtins', '__builtin__')
       for kind in (object, set, slice, bytearray)},
}


class Blocked(pickle.UnpicklingError):
    """A pickle that asks for something that no array needs."""


class SafeUnpickler(pickle.Unpickler):
    """Reads numpy arrays, sparse matrices and chumpy arrays; anything else raises :class:`Blocked`.

    Foreign classes are replaced by stand-ins that only hold data, so neither scipy nor chumpy need be installed.
    """

    def find_class(self, module: str, name: str):
        try:
            return _ALLOWED[f'{module}.{name}']
        except KeyError:
            raise Blocked(f'{module}.{name}') from None


def read_pickle(path: str | Path):
    """Content of a pickle of arrays: an array, or a dict whose foreign values have become arrays.

    Raises :class:`BadFile` that names a blocked class (of which nothing was run), or says that the file is damaged.
    """
    with open(path, 'rb') as file:
        try:
            content = SafeUnpickler(file, encoding='latin1').load()
            return {key: _plain(value) for key, value in content.items()} if isinstance(content, dict) \
                else _plain(content)
        except Blocked as error:
            raise BadFile(f'{path} asks for {error}, which no body model needs, so it was not opened and nothing in it '
                          'was run; take the file from the official site of the model') from None
        except Exception as error:  # a damaged pickle can raise anything
            raise BadFile(f'{path} cannot be read: it is cut off, damaged or no pickle of arrays '
                          f'({type(error).__name__}: {error}); copy or download it again') from None
