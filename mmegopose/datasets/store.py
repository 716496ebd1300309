"""Contiguous arrays of many sequences, addressed by index."""
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np


class SequenceStore:
    """Sequences end to end in shared arrays; a window is a list of indices, never a copy.

    Attributes:
        offsets: ``(S+1,)`` int64; frames of sequence s are ``offsets[s]:offsets[s+1]``.
        frames: per-frame arrays ``(F, ...)``. ``frame`` is the frame number in the take; ``label`` is the row of the
            frame in ``labels``, or -1.
        labels: arrays ``(L, ...)`` of the labelled frames only.
        sequences: one dict of plain values per sequence (``uid``, ``name``, ``root_dir``).
        report: counts of what the reader skipped, by reason.
    """

    def __init__(self, offsets, frames: dict, labels: dict, sequences: list, report: dict | None = None):
        self.offsets, self.frames, self.labels = offsets, frames, labels
        self.sequences, self.report = sequences, report or {}

    def __len__(self) -> int:
        return len(self.sequences)

    @classmethod
    def concatenate(cls, parts: list, report: dict) -> 'SequenceStore':
        """One store from ``(info, frames, labels)`` per sequence; ``frames['label']`` counts from 0 in each."""
        lengths = [len(frames['frame']) for _, frames, _ in parts]
        rows = np.cumsum([0] + [len(next(iter(labels.values()))) for _, _, labels in parts])
        for (_, frames, _), first in zip(parts, rows):
            frames['label'] = np.where(frames['label'] >= 0, frames['label'] + first, -1).astype(np.int32)

        def join(which):
            return {k: np.concatenate([part[which][k] for part in parts]) for k in parts[0][which]}

        return cls(np.cumsum([0] + lengths), join(1), join(2), [info for info, _, _ in parts], report)

    def save(self, folder: Path) -> None:
        """Write atomically: the folder appears complete or not at all."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=folder.name))
        try:
            np.save(temporary / 'offsets.npy', self.offsets)
            for group in ('frames', 'labels'):
                for name, array in getattr(self, group).items():
                    np.save(temporary / f'{group}.{name}.npy', array)
            (temporary / 'store.json').write_text(json.dumps(dict(sequences=self.sequences, report=self.report)))
            try:
                os.replace(temporary, folder)
            except OSError:
                if not (folder / 'store.json').is_file():  # otherwise another process was first with the same content
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> 'SequenceStore':
        """Open a saved store; arrays are memory-mapped, so workers and processes share them."""
        groups = {'frames': {}, 'labels': {}}
        for path in sorted(folder.glob('*.*.npy')):
            group, name, _ = path.name.split('.')
            groups[group][name] = np.load(path, mmap_mode='r', allow_pickle=False)
        meta = json.loads((folder / 'store.json').read_text())
        return cls(np.load(folder / 'offsets.npy'), groups['frames'], groups['labels'], meta['sequences'],
                   meta['report'])
