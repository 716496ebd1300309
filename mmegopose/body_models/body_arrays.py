"""Arrays of a body model and the files that hold them."""
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..files import BadFile
from ..npz import read_array, read_arrays
from .body_pickles import read_pickle

_ASSETS = Path(__file__).parents[1] / 'assets'
OPEN_MODELS = {'open_hand': _ASSETS / 'open_hand_right.npz', 'open_body': _ASSETS / 'open_body.npz'}
"""Body models that come with the package, by name."""

LIMITS = dict(v_template=10., shapedirs=10., posedirs=10., J_regressor=10., weights=10., coco17_regressor=10.,
              kintree_table=2 ** 32)
"""The largest number of an array: metres or shares, which are below 3 in bodies; joints, of which none is 2^32 - 1."""


@dataclass(frozen=True)
class BodyArrays:
    """The arrays of a body model, named as in the files of SMPL and MANO. V vertices, J joints, S shapes, F faces.

    Raises :class:`BadFile` that lists every missing or misshapen array.

    Attributes:
        source: name or file, for messages.
        v_template: ``(V,3)`` vertices at rest, metres.
        shapedirs: ``(V,3,S)`` change of the vertices with each shape coefficient, metres.
        J_regressor: ``(J,V)`` joints from vertices at rest.
        weights: ``(V,J)`` skinning weights.
        kintree_table: ``(2,J)``; the first row holds the parents, the root's is ignored; a parent precedes its child.
        f: ``(F,3)`` vertices of the triangles.
        posedirs: ``(V,3,9(J-1))`` change of the vertices with the entries of R - I of all joints but the root.
        tip_ids: ``(5,)`` vertices at the tips of thumb, index, middle, ring and little finger.
        coco17_regressor: ``(17,V)`` joints of COCO from posed vertices.
    """
    source: str
    v_template: np.ndarray
    shapedirs: np.ndarray
    J_regressor: np.ndarray
    weights: np.ndarray
    kintree_table: np.ndarray
    f: np.ndarray
    posedirs: np.ndarray | None = None
    tip_ids: np.ndarray | None = None
    coco17_regressor: np.ndarray | None = None

    def __post_init__(self):
        V, J = (np.shape(getattr(self, name))[:1] or ('?',) for name in ('v_template', 'J_regressor'))
        pose = 9 * (J[0] - 1) if J != ('?',) else '9(J-1)'
        wanted = dict(v_template=(*V, 3), shapedirs=(*V, 3, 'any'), J_regressor=(*J, *V), weights=(*V, *J),
                      kintree_table=(2, *J), f=('any', 3), posedirs=(*V, 3, pose), tip_ids=(5,),
                      coco17_regressor=(17, *V))
        optional = {field.name for field in fields(self) if field.default is None}
        wrong = []
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is None:
                wrong += [] if name in optional else [f'{name} is missing']
            elif np.ndim(value) != len(shape) or any(w not in ('any', n) for n, w in zip(np.shape(value), shape)):
                text = str(shape).replace("'", '')
                wrong.append(f'{name} has shape {np.shape(value)} and should have {text}')
            elif np.asarray(value).dtype.kind not in 'iuf':
                wrong.append(f'{name} holds {np.asarray(value).dtype} and should hold numbers')
            elif np.size(value) and not np.abs(value).max() <= LIMITS.get(name, np.inf):  # NaN is not
                wrong.append(f'{name} holds {np.abs(value).max():.3g} and should be finite, at most '
                             f'{LIMITS.get(name, np.inf):g}: it is damaged, or not in metres')
        if not wrong and not (np.min(self.f, initial=0) >= 0 and np.max(self.f, initial=0) < V[0]):
            wrong = [f'f names vertices from {np.min(self.f):.3g} to {np.max(self.f):.3g}, of {V[0]}']
        if not wrong and not all(0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            wrong = [f'kintree_table names the parents {self.parents.tolist()}, which should precede their children']
        if wrong:
            raise BadFile(f'{self.source} is no body model of the SMPL family: ' + '; '.join(wrong))

    @property
    def parents(self) -> np.ndarray:
        """``(J,)`` int64, -1 at the root."""
        return np.append(-1, np.asarray(self.kintree_table)[0, 1:].astype(np.int64))


def read_body_model(source: str | Path) -> BodyArrays:
    """Read a body model.

    Args:
        source: a key of ``OPEN_MODELS``, or a file in the layout of SMPL, SMPL-H or MANO (right hand), as the official
            pickle or as an npz with the same keys.

    Raises:
        FileNotFoundError: no such name or file.
        BadFile: the file is damaged, asks to run code, or is no body model.
    """
    path = OPEN_MODELS.get(str(source)) or Path(source).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'body model {str(source)!r} is neither a file nor one of {sorted(OPEN_MODELS)}')
    names = [field.name for field in fields(BodyArrays)][1:]
    arrays = _read(path)
    if not isinstance(arrays, dict):
        raise BadFile(f'{path} should hold named arrays, got {type(arrays).__name__}')
    return BodyArrays(str(path), **{name: arrays.get(name) for name in names})


def read_regressor(path: str | Path, num_vertices: int) -> np.ndarray:
    """Matrix ``(K,V)`` of joints from vertices, from a pickle or npy; raises :class:`BadFile` if it is not that."""
    matrix = _read(Path(path).expanduser())
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.shape[1] != num_vertices:
        found = f'an array of shape {matrix.shape}' if isinstance(matrix, np.ndarray) else type(matrix).__name__
        raise BadFile(f'{path} should hold one array of shape (any, {num_vertices}), got {found}')
    return matrix


def _read(path: Path):
    """An array (npy, pickle) or a dict of arrays (npz, pickle), by the first bytes of the file."""
    with open(path, 'rb') as file:
        magic = file.read(6)
    if not magic.startswith((b'PK\x03\x04', b'\x93NUMPY')):
        return read_pickle(path)
    return read_array(path) if magic.startswith(b'\x93') else read_arrays(path, BodyArrays.__annotations__)
