"""The files of MANO and SMPL: pickles of Python 2 with numpy arrays, scipy sparse matrices and chumpy nodes."""
from pathlib import Path

import numpy as np

from ..files import BadFile
from ..pickles import Blocked, SafeUnpickler, Stub, plain


class _ChumpyArray(Stub):
    """``chumpy.ch.Ch``: an array."""

    def plain(self) -> np.ndarray:
        return np.asarray(plain(self.state['x']))


class _ChumpySelect(Stub):
    """``chumpy.reordering.Select``: elements of another node."""

    def plain(self) -> np.ndarray:
        picked = np.ravel(plain(self.state['a']))[np.ravel(plain(self.state['idxs']))]
        shape = plain(self.state.get('preferred_shape'))
        return picked if shape is None else picked.reshape(shape)


class _SparseColumns(Stub):
    """``scipy.sparse.csc_matrix``, made dense."""

    def plain(self) -> np.ndarray:
        indptr, indices, data = (plain(self.state[name]) for name in ('indptr', 'indices', 'data'))
        dense = np.zeros(plain(self.state['_shape']))
        columns = np.repeat(np.arange(dense.shape[1]), np.diff(indptr))
        np.add.at(dense, (indices, columns), data)  # checks the indices, scipy does not
        return dense


class BodyUnpickler(SafeUnpickler):
    """Reads sparse matrices and chumpy arrays too; neither scipy nor chumpy need be installed."""
    known = SafeUnpickler.known | {
        'chumpy.ch.Ch': _ChumpyArray, 'chumpy.reordering.Select': _ChumpySelect,
        **{f'scipy.sparse.{module}.csc_matrix': _SparseColumns for module in ('csc', '_csc')}}


def read_pickle(path: str | Path):
    """Content of a pickle of arrays: an array, or a dict whose foreign values have become arrays.

    Raises :class:`BadFile` that names a blocked class (of which nothing was run), or says that the file is damaged.
    """
    with open(path, 'rb') as file:
        try:
            return plain(BodyUnpickler(file).load())
        except Blocked as error:
            raise BadFile(f'{path} asks for {error}, which no body model needs, so it was not opened and nothing in it '
                          'was run; take the file from the official site of the model') from None
        except Exception as error:  # a damaged pickle can raise anything
            raise BadFile(f'{path} cannot be read: it is cut off, damaged or no pickle of arrays '
                          f'({type(error).__name__}: {error}); copy or download it again') from None
