"""The files of MANO and SMPL: pickles of Python 2 with numpy arrays, scipy sparse matrices and chumpy nodes."""
from pathlib import Path

import numpy as np

from ..pickles import SafeUnpickler, Stub, load_pickle


class _ChumpyArray(Stub):
    """``chumpy.ch.Ch``: an array."""

    def plain(self, convert) -> np.ndarray:
        return np.asarray(convert(self.state['x']))


class _ChumpySelect(Stub):
    """``chumpy.reordering.Select``: elements of another node."""

    def plain(self, convert) -> np.ndarray:
        values, places = (np.ravel(convert(self.state[name])) for name in ('a', 'idxs'))
        convert.budget.spend(len(places) * max(values.itemsize // 8, 1))
        shape = convert(self.state.get('preferred_shape'))
        return values[places] if shape is None else values[places].reshape(shape)


class _SparseColumns(Stub):
    """``scipy.sparse.csc_matrix``, made dense."""

    def plain(self, convert) -> np.ndarray:
        indptr, indices, data = (convert(self.state[name]) for name in ('indptr', 'indices', 'data'))
        rows, columns = convert(self.state['_shape'])
        counts = np.diff(indptr)
        if len(counts) != columns or (counts < 0).any() or indptr[0] != 0 or indptr[-1] != len(indices):
            raise ValueError(f'a sparse matrix whose {len(indices)} numbers do not belong to {columns} columns')
        convert.budget.spend(rows * columns)
        dense = np.zeros((rows, columns))
        np.add.at(dense, (indices, np.repeat(np.arange(columns), counts)), data)  # checks the indices, scipy does not
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
