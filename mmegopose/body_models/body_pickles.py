"""The files of MANO and SMPL: pickles of Python 2 with numpy arrays, scipy sparse matrices and chumpy nodes."""
from pathlib import Path

import numpy as np

from ..pickles import SafeUnpickler, Stub, load_pickle, plain


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

    Raises as :func:`.load_pickle`.
    """
    with open(path, 'rb') as file:
        return load_pickle(file, str(path), BodyUnpickler)
