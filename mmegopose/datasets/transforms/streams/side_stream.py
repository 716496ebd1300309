"""Streams from files beside the store: found once, opened when they are needed, and what is wrong with them told."""
import glob
from abc import abstractmethod
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from string import Formatter

import numpy as np
import torch
from mmengine.logging import MMLogger

from ....files import BadFile
from ...store import SequenceStore

CACHE_BYTES = 1 << 28  # of what was read and may be needed again, for each stream and process
MAX_VALUE = 1e6        # of a reading or a feature
MIN_ASKED = 8          # frames of a sequence of which none is there, that this is worth telling
MAX_TOLD = 5           # files of a stream that are named in the log; all are counted


class RecentValues:
    """The arrays that were asked for last, as many as fit in a number of bytes."""

    def __init__(self, max_bytes: int = CACHE_BYTES):
        self.max_bytes, self.bytes, self.values = max_bytes, 0, OrderedDict()

    def get(self, key: Hashable, make: Callable):
        """The value of a key, an array or a tuple of arrays, made if need be."""
        if key in self.values:
            self.values.move_to_end(key)
            return self.values[key]
        value = self.values[key] = make()
        self.bytes += _bytes(value)
        while self.bytes > self.max_bytes and len(self.values) > 1:
            self.bytes -= _bytes(self.values.popitem(last=False)[1])
        return value


def _bytes(value) -> int:
    return sum(map(_bytes, value)) if isinstance(value, tuple) else getattr(value, 'nbytes', 0)


class SideStream:
    """Base of the transforms that read a stream from files beside the store, for each sequence a file or a folder.

    They add the streams ``name`` and ``<name>_valid (B,T')``. What is not there is zero and not valid: a sequence
    without a file, or with one that cannot be read; a frame that the file does not have; numbers that are not finite;
    frames of a window that are not ``valid``. How many sequences have files is logged, damaged ones are named, and
    ``report`` counts the rest.

    They stand before the augmentation, so that ``Mirror`` mirrors them by their rule.

    Args:
        files: path of the files, relative to the root of the store; a word in braces is a fact of the sequence or of
            the store, e.g. ``'takes/{name}/imu.csv'`` with ``name``, ``uid`` and ``split``; ``{frame:06d}`` is the
            number of the frame, of a file for each. ``*`` stands for any letters. Of several paths the first counts
            that is there.
        name: of the stream.
        num_frames: newest frames of the window to read, T'; None: all.

    Attributes:
        report: counts of what is not there, by reason, in this process.

    Raises:
        ValueError: a path with a word that is no fact, or ``num_frames`` that is not positive.
    """

    shape: tuple = ()
    """Of the values of a frame; a subclass sets it."""
    dtype: type = np.float32
    """Of the values."""

    def __init__(self, files: str | tuple, name: str, num_frames: int | None = None):
        if num_frames is not None and not (type(num_frames) is int and num_frames > 0):
            raise ValueError(f'num_frames={num_frames!r} should be a number of frames, at least 1, or None')
        self.files = (files,) if isinstance(files, str) else tuple(files)
        self.name, self.num_frames = name, num_frames
        self.report, self.recent, self.store, self._told = Counter(), RecentValues(), None, set()

    def bind(self, store: SequenceStore) -> None:
        """Find the files of all sequences, and tell how many there are."""
        self.store, self.recent = store, RecentValues()
        self.paths = [self._find(sequence) for sequence in store.sequences]
        absent = [sequence['name'] for sequence, path in zip(store.sequences, self.paths) if path is None]
        logger, wanted = MMLogger.get_current_instance(), ' or '.join(self.files)
        if len(absent) == len(self.paths):
            logger.warning(f'{store.title}: no sequence has the stream {self.name!r}, which is never there: there is '
                           f'no {wanted} in {store.info.get("root", "its root, for it has none")}')
        else:
            rest = f'; {len(absent)} have none, e.g. {absent[0]}' if absent else ''
            logger.info(f'{store.title}: {len(self.paths) - len(absent)} of {len(self.paths)} sequences have the '
                        f'stream {self.name!r}, {wanted}{rest}')

    def __call__(self, batch: dict) -> dict:
        if self.store is None:
            self.bind(batch['store'])
        rows = batch['rows'] if self.num_frames is None else batch['rows'][:, -self.num_frames:]
        sequence, inside = batch['sequence'].numpy(), batch['valid'].numpy()[:, -rows.shape[1]:]
        frames = self.store.frame_ids(rows, sequence[:, None])
        values = np.zeros((*rows.shape, *self.shape), self.dtype)
        there = np.zeros(rows.shape, bool)
        for index in np.unique(sequence[inside.any(1)]):
            own = (sequence == index)[:, None] & inside
            wanted, back = np.unique(frames[own], return_inverse=True)
            found, good = self.read_frames(int(index), wanted)
            values[own], there[own] = found[back], good[back]
        batch.setdefault('inputs', {}).update({self.name: torch.from_numpy(self.finished(values, there, batch)),
                                               f'{self.name}_valid': torch.from_numpy(there)})
        return batch

    @abstractmethod
    def read(self, path: str, index: int, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values of a sequence.

        Args:
            path: of its file; ``{frame...}`` is still in it.
            index: number of the sequence.
            frames: ``(n,)`` numbers of the frames, ascending.

        Returns:
            ``(n, *shape)`` and which are there, ``(n,)``.

        Raises:
            OSError, BadFile: the file cannot be used; the stream is then not there in the whole sequence.
        """

    def finished(self, values: np.ndarray, there: np.ndarray, batch: dict) -> np.ndarray:
        """What the model gets ``(B,T',...)`` float32 of ``values (B,T',*shape)``."""
        return values

    def tell(self, where: str | Path, reason: str, count: int = 1) -> None:
        """Count what is not there, and name the first few files in the log, each once."""
        self.report[reason] += count
        if (where, reason) not in self._told:
            self._told.add((where, reason))
            if len(self._told) <= MAX_TOLD:
                MMLogger.get_current_instance().warning(f'stream {self.name!r}: {where}: {reason}')
            elif len(self._told) == MAX_TOLD + 1:
                MMLogger.get_current_instance().warning(f'stream {self.name!r}: there is more that is not there; '
                                                        'report of the transform counts it')

    def read_frames(self, index: int, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``(n, *shape)`` of frames of a sequence, ascending, and which are there, ``(n,)``."""
        nothing = np.zeros((len(frames), *self.shape), self.dtype), np.zeros(len(frames), bool)
        path = self.paths[index]
        if path is None:
            self.report['frames of sequences without a file'] += len(frames)
            return nothing
        try:
            values, there = self.read(path, index, frames)
        except (OSError, BadFile) as error:
            self.paths[index] = None
            self.tell(path, f'cannot be used: {" ".join(str(error).split())}')
            return nothing
        finite = (np.isfinite(values) & (np.abs(values) < MAX_VALUE)).reshape(len(frames), -1).all(1)
        if (there & ~finite).any():
            self.tell(path, f'frames with numbers that are not finite, or beyond {MAX_VALUE:g}',
                      int((there & ~finite).sum()))
        there = there & finite
        if len(frames) >= MIN_ASKED and not there.any():
            self.tell(path, 'none of the frames that are asked for is there: out of step, or numbered otherwise?')
        return np.where(there.reshape(-1, *[1] * (values.ndim - 1)), values, 0), there

    def _find(self, sequence: dict) -> str | None:
        facts = {key: str(value) for key, value in {**self.store.info, **sequence}.items()}
        root = self.store.info.get('root')
        for path in self.files:
            if root is None and not Path(path).is_absolute():  # poses in memory, with nothing beside them
                continue
            parts = list(Formatter().parse(str(Path(root or '') / path)))
            if unknown := [word for _, word, _, _ in parts if word not in (None, 'frame', *facts)]:
                raise ValueError(f'files={path!r}: {unknown[0]!r} is no fact of a sequence of {self.store.title}; '
                                 f'there are {sorted(facts)}, and frame')
            whole = ''.join(text + ('' if word is None else f'{{{word}:{spec}}}' if word == 'frame' else
                                    glob.escape(facts[word])) for text, word, spec, _ in parts)
            place = whole.partition('{frame')[0].rpartition('/')[0] if '{frame' in whole else whole
            if found := sorted(glob.glob(place)):
                return whole.replace(place, found[0].replace('{', '{{').replace('}', '}}'), 1) \
                    if '{frame' in whole else found[0]
        return None
