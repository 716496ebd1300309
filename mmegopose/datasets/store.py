"""Contiguous arrays of many sequences, addressed by index."""
import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import DAMAGE, BadFile, read_json


class Field(NamedTuple):
    """What one array of a store holds.

    Attributes:
        dtype: of numpy, e.g. ``'float32'``, or a kind of it: ``'str'``.
        shape: of one row; a word such as ``'J'`` is the same number in all fields of the store.
        unit: and frame of reference, in words.
    """
    dtype: str
    shape: tuple = ()
    unit: str = ''


class SequenceStore:
    """Sequences end to end in shared arrays; a window is a list of row numbers, never a copy.

    A row is a frame of a sequence, or a hand or person in it. Two sequences never share a row.

    Args:
        offsets: ``(S+1,)``; rows of sequence s are ``offsets[s]:offsets[s+1]``.
        frames: arrays ``(F, ...)``, one row a frame.
        sequences: a dict of plain values for each sequence, with ``uid`` (unique) and ``name``.
        tables: arrays ``(L, ...)`` of another length, e.g. labels of the few frames that have any; a field of
            ``frames`` then holds the row in the table, or -1.
        info: plain facts that hold for all sequences: ``dataset_name``, ``split``, ``skeleton``, ``fps``, ``root``, ...
        schema: what each array of ``frames`` and ``tables`` should be; not all need to be declared.
        report: counts of what the reader left out, by reason.

    Attributes:
        pictures: images ``(H,W,3)`` uint8 RGB by the names in the field ``file``, None: damaged; of a store whose
            pictures are in memory. They are not saved.

    Raises:
        ValueError: arrays that are not as long as ``offsets`` or ``sequences`` say, or not as the schema says.
    """

    pictures: dict | None = None

    def __init__(self, offsets, frames: dict, sequences: list, *, tables: dict | None = None,
                 info: dict | None = None, schema: dict | None = None, report: dict | None = None):
        self.offsets, self.frames, self.sequences = np.asarray(offsets, np.int64), dict(frames), list(sequences)
        self.tables, self.info, self.report = dict(tables or {}), dict(info or {}), dict(report or {})
        self.schema = {name: Field(dtype, tuple(shape), unit) for name, (dtype, shape, unit) in (schema or {}).items()}
        self._check()

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.sequences)

    @property
    def num_rows(self) -> int:
        return int(self.offsets[-1])

    @property
    def title(self) -> str:
        """Data set and split, for messages."""
        return ' '.join(str(self.info[key]) for key in ('dataset_name', 'split') if self.info.get(key)) or 'the store'

    @classmethod
    def join(cls, parts: list, *, links: dict | None = None, **options) -> 'SequenceStore':
        """One store of many sequences.

        Args:
            parts: ``(sequence, frames)`` or ``(sequence, frames, tables)`` of each sequence: its dict and its arrays.
            links: ``{field of frames: table}``: the field counts rows of the table from 0 in each part, -1: none.
            options: ``info``, ``schema`` and ``report`` of the store.
        """
        parts = [(*part, {})[:3] for part in parts]
        for field, table in (links or {}).items():
            first = np.cumsum([0] + [len(tables[table]) for _, _, tables in parts])
            parts = [(sequence, dict(frames, **{field: np.where(frames[field] >= 0, frames[field] + begin, -1).astype(
                np.int32)}), tables) for (sequence, frames, tables), begin in zip(parts, first)]

        def joined(which):
            return {name: np.concatenate([part[which][name] for part in parts]) for name in parts[0][which]}

        lengths = [len(next(iter(frames.values()))) for _, frames, _ in parts]
        return cls(np.cumsum([0] + lengths), joined(1), [sequence for sequence, _, _ in parts], tables=joined(2),
                   **options)

    def extended(self, frames: dict | None = None, info: dict | None = None) -> 'SequenceStore':
        """The same store with more arrays of frames and more facts; nothing is copied."""
        return SequenceStore(self.offsets, self.frames | (frames or {}), self.sequences, tables=self.tables,
                             info=self.info | (info or {}), schema=self.schema, report=self.report)

    def sequence_of(self, rows) -> np.ndarray:
        """Sequence of each row, ``(N,) -> (N,)``."""
        return np.searchsorted(self.offsets, rows, side='right') - 1

    def frame_ids(self, rows, sequence) -> np.ndarray:
        """Frame numbers, int64, of rows of the given sequences: the field ``frame``, or counted from 0 without it."""
        if 'frame' in self.frames:
            return self.frames['frame'][rows].astype(np.int64)
        return rows - self.offsets[sequence]

    def save(self, folder: Path) -> None:
        """Write to a new folder, which appears complete or not at all. Raises ``OSError`` if it is there already."""
        folder = Path(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f'{folder.name}.'))
        try:
            arrays = {'offsets': self.offsets} | {
                f'{group}.{name}': array for group in ('frames', 'tables') for name, array in
                getattr(self, group).items()}
            files = {}
            for name, array in arrays.items():
                path = temporary / f'{name}.npy'
                np.save(path, array, allow_pickle=False)
                files[path.name] = dict(size=path.stat().st_size, crc32=_checksum(path))
            content = dict(files=files, sequences=self.sequences, info=self.info, report=self.report,
                           schema=self.schema)
            content['crc32'] = _checksum_of_facts(content)
            (temporary / 'store.json').write_text(json.dumps(content), encoding='utf-8')
            os.replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> 'SequenceStore':
        """Open a saved store; arrays are memory-mapped, so workers and processes share them.

        Raises ``BadFile`` that names the folder if an array or a fact is not the one that was saved.
        """
        folder = Path(folder)
        try:
            content = read_json(folder / 'store.json')
            if content.pop('crc32') != _checksum_of_facts(content):
                raise BadFile('store.json is not what was written')
            arrays = {}
            for name, saved in content['files'].items():
                path = folder / name
                if Path(name).name != name or not path.is_file():
                    raise BadFile(f'{name} is no file of it')
                if path.stat().st_size != saved['size'] or _checksum(path) != saved['crc32']:
                    raise BadFile(f'{name} is not what was written')
                array = np.load(path, mmap_mode='r', allow_pickle=False)
                arrays[name.removesuffix('.npy')] = array
            groups = {group: {name.partition('.')[2]: array for name, array in arrays.items()
                              if name.startswith(f'{group}.')} for group in ('frames', 'tables')}
            return cls(arrays['offsets'], groups['frames'], content['sequences'], tables=groups['tables'],
                       info=content['info'], schema=content['schema'], report=content['report'])
        except (OSError, *DAMAGE) as error:
            raise BadFile(f'{folder} is not a complete store ({type(error).__name__}: {error}); delete it') from error

    def _check(self) -> None:
        if len(self.offsets) != len(self.sequences) + 1 or (np.diff(self.offsets, prepend=0) < 0).any():
            raise ValueError(f'{len(self.sequences)} sequences need {len(self.sequences) + 1} ascending offsets, got '
                             f'{self.offsets[:20].tolist()}')
        for name, array in self.frames.items():
            if len(array) != self.num_rows:
                raise ValueError(f'{self.title}: {name!r} has {len(array)} rows, but the sequences have '
                                 f'{self.num_rows} frames')
        sizes = {}
        for name, field in self.schema.items():
            array = self.frames.get(name, self.tables.get(name))
            if array is not None:
                _check_field(f'{self.title}: {name!r}', array, field, sizes)


def _check_field(where: str, array: np.ndarray, field: Field, sizes: dict) -> None:
    """Compare an array with its declaration; ``sizes`` collects what the words of the shapes stand for."""
    right = array.dtype.kind == 'U' if field.dtype == 'str' else array.dtype == field.dtype
    if not right:
        raise ValueError(f'{where} should be {field.dtype}, is {array.dtype}')
    shape = tuple(sizes.setdefault(size, found) if isinstance(size, str) else size
                  for size, found in zip(field.shape, array.shape[1:]))
    if shape != array.shape[1:] or len(field.shape) != array.ndim - 1:
        raise ValueError(f'{where} should have rows of shape {field.shape}'
                         f'{f" with {sizes}" if sizes else ""}, has {array.shape[1:]}')


def _checksum_of_facts(content: dict) -> int:
    return zlib.crc32(json.dumps(content).encode())  # equal before and after a way through a file


def _checksum(path: Path) -> int:
    value = 0
    with open(path, 'rb') as file:
        while block := file.read(1 << 22):
            value = zlib.crc32(block, value)
    return value
