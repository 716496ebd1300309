"""Features of frames that a network has computed before."""
from pathlib import Path

import numpy as np

from ....files import BadFile
from ....npz import read_array, read_arrays
from ....registry import TRANSFORMS
from .side_stream import SideStream


@TRANSFORMS.register_module()
class FrameFeatures(SideStream):
    """A stream of features ``(B,T',F)`` from files: of egocentric video, of depth maps, of anything seen in a frame.

    A file of a sequence is an ``.npz`` with ``frame (n,)``, numbers of frames, and ``features (n,F)``; one of a single
    frame (``{frame:06d}`` in its path) an ``.npz`` with ``features (F,)``, or an ``.npy``.
    ``tools/dataset_converters/view_features.py`` writes those of video.

    Args:
        files, num_frames: see :class:`.SideStream`.
        dim: numbers F of a frame.
        name: of the stream, ``'view_features'``, ``'depth_features'`` or another one.
        tolerance: a frame without features takes those of the nearest frame, at most so many frames away.

    Raises:
        ValueError: features of another size.
    """

    def __init__(self, files: str | tuple, dim: int, name: str = 'view_features', num_frames: int | None = None,
                 tolerance: int = 0):
        super().__init__(files, name, num_frames)
        self.shape, self.tolerance = (dim,), tolerance

    def read(self, path, index, frames):
        if '{frame' in path:
            return self._files(path, frames)
        numbers, features = self.recent.get(path, lambda: self._load(path))
        after = np.searchsorted(numbers, frames).clip(max=len(numbers) - 1)
        before = (after - 1).clip(min=0)
        place = np.where(np.abs(numbers[before] - frames) < np.abs(numbers[after] - frames), before, after)
        there = np.abs(numbers[place] - frames) <= self.tolerance
        self.report['frames without features'] += int((~there).sum())
        return features[place].astype(np.float32), there

    def _load(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        arrays = read_arrays(path, ('frame', 'features'))
        if set(arrays) != {'frame', 'features'}:
            raise BadFile(f'it should hold frame (n,) and features (n,F), it has {sorted(arrays)} of these')
        numbers, features = arrays['frame'], arrays['features']
        if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in 'iu' or len(features) != len(numbers):
            raise BadFile(f'frame should be (n,) whole numbers, and features (n,F); they are {numbers.dtype} '
                          f'{numbers.shape} and {features.shape}')
        self._require_size(path, features.shape[1:])
        order = np.argsort(numbers, kind='stable')
        return numbers[order].astype(np.int64), features[order]

    def _files(self, path: str, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, there = np.zeros((len(frames), *self.shape), np.float32), np.zeros(len(frames), bool)
        for row, frame in enumerate(frames.tolist()):
            file = path.format(frame=frame)
            found = self.recent.get(file, lambda file=file: self._one(file))
            if len(found):
                values[row], there[row] = found, True
        self.report['frames without features'] += int((~there).sum())
        return values, there

    def _one(self, file: str) -> np.ndarray:
        """Features of a file of one frame; none if it is not there, or cannot be used."""
        try:
            if file.endswith('.npy'):
                features = read_array(file)
            elif 'features' not in (arrays := read_arrays(file, ('features',))):
                raise BadFile('it has no features')
            else:
                features = arrays['features']
        except FileNotFoundError:
            return np.zeros(0, np.float32)
        except (OSError, BadFile) as error:
            self.tell(file, f'cannot be used: {error}')
            return np.zeros(0, np.float32)
        self._require_size(file, features.shape)
        return features.astype(np.float32)

    def _require_size(self, path: str | Path, shape: tuple) -> None:
        if shape != self.shape:
            raise ValueError(f'{path}: a frame has features {shape}, but FrameFeatures(name={self.name!r}) says '
                             f'dim={self.shape[0]}: set dim, and in_dim of the embedding, to those of the files')
