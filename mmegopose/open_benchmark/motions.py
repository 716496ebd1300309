"""The data: an npz of motion capture, its converted folder, or the embedded sample."""
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets.mocap_sequences import MocapSequences
from ..datasets.shipped_motion import ASSET, converted_root, sample_root
from ..datasets.writers.egoexo4d_body import take_name
from ..files import read_json, require


@dataclass(frozen=True)
class OpenMotions:
    """What the tasks read.

    Attributes:
        title: for people.
        given: as the command names it.
        folder: in the official layout, for head tracks.
        npz: for lifting; ``'sample'``, a file, or None if there is only the folder.
        checksum: of all of it.
        subjects, actions: by the name of a sequence.
    """
    title: str
    given: str
    folder: str
    npz: str | None
    checksum: str
    subjects: dict = field(repr=False)
    actions: dict = field(repr=False)

    def describe(self, sequence: dict) -> dict:
        """``name``, ``uid``, ``subject``, ``action``, ``scenario`` and ``motion`` (what all cameras of it share) of an
        entry of ``metainfo['sequences']``."""
        name = sequence['name']
        plain = name if name in self.subjects else name.removesuffix('_test')
        subject = sequence.get('subject') or self.subjects.get(plain) or name.split('_')[0]
        action = sequence.get('action') or self.actions.get(name) or 'unknown'
        return dict(name=name, uid=sequence['uid'], subject=str(subject), action=action, motion=name,
                    scenario=action.split(' - ')[0].split(',')[0].split(' ')[0].lower())


def open_motions(data: str) -> OpenMotions:
    """Data for the benchmark; motion capture is converted, once, into the cache.

    Args:
        data: ``'sample'``, an npz that ``tools/dataset_converters/mocap.py`` wrote, or the folder that it made of one.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is neither.
    """
    if data == 'sample':
        return _of_npz(ASSET, sample_root(), 'the embedded sample', 'sample')
    path = require(data, "name an npz of motion capture, the folder that tools/dataset_converters/mocap.py made, or "
                         "'sample'")
    if path.is_dir():
        if not (path / 'takes.json').is_file():
            raise ValueError(f'{path} has no takes.json, so it is not what tools/dataset_converters/mocap.py makes: '
                             "name its folder, an npz of motion capture, or 'sample'")
        files = sorted(file for file in path.rglob('*.json') if not file.name.startswith('.'))
        return OpenMotions(path.name, str(data), str(path), None, checksum_of(files), {}, _actions(path))
    return _of_npz(path, converted_root(path, test_labels=True), path.stem, str(data))


def checksum_of(files: Iterable[Path]) -> str:
    """SHA-256 over the contents of files."""
    digest = hashlib.sha256()
    for file in files:
        with open(file, 'rb') as opened:
            digest.update(hashlib.file_digest(opened, 'sha256').digest() if hasattr(hashlib, 'file_digest')
                          else hashlib.sha256(opened.read()).digest())
    return digest.hexdigest()


def _of_npz(path: Path, folder: Path, title: str, given: str) -> OpenMotions:
    subjects = {take_name(sequence): sequence.subject for sequence in MocapSequences.load(path)}
    return OpenMotions(title, given, str(folder), 'sample' if given == 'sample' else str(path), checksum_of([path]),
                       subjects, _actions(folder))


def _actions(folder: Path) -> dict:
    names = {}
    for number, take in enumerate(read_json(folder / 'takes.json', list)):
        match take:
            case {'take_name': str(name), 'task_name': str(task)}:
                names[name] = task
            case _:
                raise ValueError(f'{folder / "takes.json"}: take {number} has no text take_name and task_name: name a '
                                 'folder that tools/dataset_converters/mocap.py has made')
    return names
