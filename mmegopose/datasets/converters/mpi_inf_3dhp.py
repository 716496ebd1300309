"""The official annotation files of MPI-INF-3DHP (Mehta et al., 3DV 2017)."""
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ...files import DAMAGE, BadFile
from ...structures import convert_joints
from ..readers.units import MAX_COORDINATE_M, MAX_PIXEL_COORD
from .mat_file import read_mat

SUBJECTS = tuple(f'S{n}' for n in range(1, 9))
SEQUENCES = ('Seq1', 'Seq2')
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)  # not at the ceiling; those of the papers
FAST = ('S1/Seq2', 'S3/Seq1', 'S3/Seq2', 'S5/Seq1', 'S5/Seq2')  # 50 frames per second, the others 25
TEST_SEQUENCES = tuple(f'TS{n}' for n in range(1, 7))


def find_files(root: str | Path, names: Iterable[str], filename: str) -> dict[str, Path]:
    """``{name: root/.../name/filename}``, at most two folders down.

    Raises ``FileNotFoundError`` that lists what is missing.
    """
    root = Path(root).expanduser()
    found = {name: next((path for above in ('', '*/', '*/*/') for path in root.glob(f'{above}{name}/{filename}')), None)
             for name in names}
    if missing := [f'{name}/{filename}' for name, path in found.items() if path is None]:
        raise FileNotFoundError(f'{root} lacks {missing}: download them, or name the sequences to convert')
    return {name: path for name, path in found.items() if path is not None}


def read_train(files: dict[str, Path], cameras: Iterable[int] = CAMERAS) -> Iterator[tuple]:
    """``('S1 Seq1', [{camera: dict(data_2d, data_3d)}, fps])`` of each ``{'S1/Seq1': path of annot.mat}``.

    ``data_2d (F,17,2)`` are pixels, ``data_3d (F,17,3)`` millimetres of the universal skeleton in camera axes, float32.

    Raises:
        BadFile: a file of another layout.
    """
    for name, path in files.items():
        content = read_mat(path, ('annot2', 'univ_annot3', 'cameras'))
        if lacking := [key for key in ('annot2', 'univ_annot3') if key not in content]:
            raise BadFile(f'{path} is not the annot.mat of MPI-INF-3DHP: it lacks {lacking}; download it again')
        points, joints = content['annot2'].ravel(), content['univ_annot3'].ravel()
        numbers = content['cameras'].ravel().tolist() if 'cameras' in content else list(range(len(points)))
        if missing := [camera for camera in cameras if camera not in numbers]:
            raise BadFile(f'{path} lacks the cameras {missing}; it has {numbers}')
        views = {str(camera): dict(
            data_2d=_joints28(path, camera, points[numbers.index(camera)], 2),
            data_3d=_joints28(path, camera, joints[numbers.index(camera)], 3)) for camera in cameras}
        yield name.replace('/', ' '), [views, 50 if name in FAST else 25]


def read_test(files: dict[str, Path]) -> Iterator[tuple]:
    """``('TS1', dict(data_2d, data_3d, valid, activity))`` of each ``{'TS1': path of annot_data.mat}``.

    As :func:`read_train`, and ``valid (F,)`` bool, ``activity (F,)`` from 1 to 7.

    Raises:
        ImportError: h5py is not installed.
        BadFile: a file of another layout.
    """
    try:
        import h5py
    except ImportError:
        raise ImportError('the test sequences are MATLAB 7.3 files, which h5py reads: pip install h5py') from None
    for name, path in files.items():
        try:
            with h5py.File(path, 'r') as file:
                arrays = dict(
                    data_2d=_known(file['annot2'][()].reshape(-1, 17, 2)),
                    data_3d=_known(file['univ_annot3'][()].reshape(-1, 17, 3)),
                    valid=file['valid_frame'][()].ravel() != 0,
                    activity=file['activity_annotation'][()].ravel().astype(np.int64))
        except (OSError, *DAMAGE) as error:
            raise BadFile(f'{path} is not the annot_data.mat of MPI-INF-3DHP ({type(error).__name__}: {error}); '
                          'download it again') from None
        if len({len(values) for values in arrays.values()}) != 1:
            raise BadFile(f'{path}: arrays of different lengths { {k: len(v) for k, v in arrays.items()} }')
        yield name, arrays


def _joints28(path: Path, camera: int, values: np.ndarray, dims: int) -> np.ndarray:
    if values.ndim != 2 or values.shape[1] != 28 * dims or values.dtype.kind not in 'iuf':
        raise BadFile(f'{path}: camera {camera} should be (frames, {28 * dims}), got {values.shape} of {values.dtype}')
    return _known(convert_joints(values.reshape(-1, 28, dims), 'mpi_inf_3dhp28', 'mpi_inf_3dhp17'))


def _known(values: np.ndarray) -> np.ndarray:
    """Pixels ``(...,2)`` or millimetres ``(...,3)``, float32, NaN where no picture and no room has such a place."""
    limit = MAX_PIXEL_COORD if values.shape[-1] == 2 else 1000 * MAX_COORDINATE_M
    return np.where(np.abs(values) <= limit, values, np.nan).astype(np.float32)
