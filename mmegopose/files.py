"""Files that are either complete or absent, JSON whose mistakes name the file, and numbers from outside."""
import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MAX_JSON = 2 << 30  # bytes: the largest official file of labels has 1.6 GB
MAX_STREAM = 1 << 26
ENTRY, END = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*'), re.compile(r'\s*(\{\s*)?\}\s*')  # of an object
# What a reader of a damaged file can raise, where bytes, text, numbers or shapes are others than it takes for given
DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, StopIteration, SyntaxError,
          MemoryError, EOFError, struct.error, zlib.error, zipfile.BadZipFile)
UNFINISHED = re.compile(r'\..+\.[0-9a-f]{16}\.tmp(\..+)?')


class BadFile(ValueError):
    """A file that cannot be used; the message names it and says why."""


def require(path: str | Path, remedy: str) -> Path:
    """``path`` if there is such a file or folder; else ``FileNotFoundError`` with the remedy."""
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: {remedy}')
    return path


def require_new_folder(path: str | Path) -> None:
    """``FileExistsError`` if ``path`` exists and is not an empty folder; ``ValueError`` if it is where one stands."""
    if not Path(path).name:
        raise ValueError(f'{str(path)!r} should be the name of a new folder')
    path = Path(os.path.realpath(path))
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f'{path} exists and is not an empty folder: name another one, or delete it')


def require_writable(path: str | Path, remedy: str = 'name another place') -> None:
    """``PermissionError`` with the remedy if a file or folder ``path`` can neither be changed nor made;
    ``ValueError`` if a file is where its folder should be.
    """
    target = place = Path(os.path.realpath(Path(path).expanduser()))  # of a link, also one to a file to come
    while not place.exists():
        place = place.parent
    if place != target and not place.is_dir():
        raise ValueError(f'{path} cannot be made, because {place} is no folder: {remedy}')
    effective = os.access in os.supports_effective_ids
    if not os.access(place, os.W_OK, effective_ids=effective):
        raise PermissionError(f'{path} cannot be written, because {place} is not yours to change: {remedy}')


def require_writable_file(path: str | Path, remedy: str = 'name another file') -> None:
    """:func:`require_writable`, and ``ValueError`` if there is a folder or a device, which no file replaces."""
    require_writable(path, remedy)
    target = Path(path).expanduser()
    if target.exists() and not target.is_file():
        raise ValueError(f'{path} is a folder or a device, which no file replaces: {remedy}')


@contextmanager
def atomic_write(path: str | Path, mode: str = 'w') -> Iterator:
    """Open a file that appears at ``path`` only once it is written completely; makes the folder if need be.

    Raises ``OSError`` (a full disk, say) that names the file; then its old content is intact and no rest is left.
    """
    with _replacing(path) as unfinished, \
            open(unfinished, mode.replace('w', 'x'), encoding=None if 'b' in mode else 'utf-8') as file:
        try_lock(file)
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """An empty file with the ending of ``path`` for those who open files themselves; see :func:`atomic_write`."""
    with _replacing(path) as unfinished:
        with open(unfinished, 'x'):
            pass
        yield unfinished


@contextmanager
def _replacing(path: str | Path) -> Iterator[Path]:
    """A name that nobody can foresee, so that no link is waiting there, for a file that replaces ``path``."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EEXIST, 'there is a folder or a device, which no file replaces', str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = target.stem if len(os.fsencode(target.name)) < 200 else hashlib.sha1(os.fsencode(target.name)).hexdigest()
    unfinished = target.with_name(f'.{stem}.{secrets.token_hex(8)}.tmp{target.suffix[-50:]}')
    try:
        yield unfinished
        os.replace(unfinished, target)
    except OSError as error:
        kept = 'but the files saved before, among them the previous checkpoint, are intact' \
            if target.suffix == '.pth' else 'and what was there before is intact'
        raise OSError(error.errno or errno.EIO, f'{error.strerror or error}: it was not written, {kept}',
                      str(path)) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextmanager
def scratch_folder(path: str | Path) -> Iterator[Path]:
    """A new folder beside ``path``, for what will stand there; it is gone when the block ends.

    Those of processes that were killed are deleted.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob('.*'):
        if left.name[:-8] == f'.{path.name}.' and re.fullmatch('[0-9a-f]{8}', left.name[-8:]):
            with _locked(left) as free:
                if free:
                    shutil.rmtree(left, ignore_errors=True)
    folder = path.with_name(f'.{path.name}.{secrets.token_hex(4)}')
    folder.mkdir()
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether a folder, which is no link, could be marked as being written; it is until the block ends."""
    descriptor = None
    try:
        with suppress(OSError, AttributeError):  # no folder, or not on Windows
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        yield descriptor is not None and try_lock(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def alone_in(folder: str | Path, remedy: str) -> Iterator[None]:
    """Keep others who ask for it out of a folder until the block ends, or the process does, however it ends.

    Where there are no locks (Windows, some network file systems) nobody is kept out. Processes that are forked
    meanwhile, such as workers of a dataloader, do not hold the folder after this one.

    Raises ``ValueError`` if another holds it.
    """
    descriptor = None
    try:
        with suppress(OSError, AttributeError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            _held.add(descriptor)
        if descriptor is not None and isinstance(_lock(descriptor), BlockingIOError):
            raise ValueError(f'another training runs in {folder}: {remedy}')
        yield
    finally:
        if descriptor in _held:
            _held.discard(descriptor)
            os.close(descriptor)


_held: set[int] = set()


def _let_go() -> None:
    while _held:
        os.close(_held.pop())


if hasattr(os, 'register_at_fork'):  # not on Windows
    os.register_at_fork(after_in_child=_let_go)


def try_lock(file) -> bool:
    """Mark a file, or the descriptor of a folder, as being written, until it is closed or its process ends; whether
    that could be done.
    """
    return _lock(file) is None


def _lock(file) -> Exception | None:
    """What prevents a lock: ``BlockingIOError``: another holds it; anything else: there are no locks here."""
    try:
        import fcntl  # not on Windows
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError) as error:
        return error
    return None


def sweep_unfinished(folder: str | Path) -> list[Path]:
    """Delete what :func:`atomic_write` of processes that were killed has left in a folder; returns these files."""
    gone = []
    for path in Path(folder).glob('.*.tmp*'):
        with suppress(OSError):
            if UNFINISHED.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                with open(path, 'rb') as file:
                    if try_lock(file):
                        path.unlink()
                        gone.append(path)
    return gone


def finite_values(value):
    """Values for JSON, which knows neither NaN nor infinity: these become None, other numbers plain."""
    if isinstance(value, dict):
        return {key: finite_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_values(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return float(value) if math.isfinite(float(value)) else None


def as_floats(values) -> 'np.ndarray':
    """Numbers from outside, float64: what is masked or None is NaN, and so is a whole frame of a list that is empty.

    Raises ``ValueError`` for text, truth values, lists of several lengths, and numbers too large for float64.
    """
    import numpy as np  # here, for the command line imports this module and must not wait
    if hasattr(values, 'detach'):  # a tensor
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    if isinstance(values, (list, tuple)) and any(_needs_care(value) for value in values):
        parts = [None if value is None or _is_empty(value) else as_floats(value) for value in values]
        shape = next((part.shape for part in parts if part is not None), ())
        return np.stack([np.full(shape, np.nan) if part is None else part for part in parts])
    array = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if array.dtype.kind not in 'iufO':
        raise ValueError(f'{array.dtype} are no numbers')
    if array.dtype.kind == 'O' and (odd := {bool, np.bool_, str} & set(map(type, array.ravel()))):
        raise ValueError(f'{odd.pop().__name__} is no number')
    try:
        return array.astype(float)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None


def _needs_care(value) -> bool:
    """Whether numpy would not take an entry of a list for what it is."""
    import numpy as np
    return value is None or hasattr(value, 'detach') or isinstance(value, np.ma.MaskedArray) or _is_empty(value)


def _is_empty(value) -> bool:
    return value.size == 0 if hasattr(value, 'size') else isinstance(value, (list, tuple)) and not value


def read_json(path: str | Path, kind: type | tuple = dict, twice: list | None = None, max_bytes: int = MAX_JSON):
    """Content of a JSON file whose top level is a ``kind``, or one of them.

    Of a key that an object holds twice the last counts, and a warning tells; or ``twice`` receives such keys.

    Raises :class:`BadFile` if it is not, or is larger than ``max_bytes``.
    """
    with open(path, 'rb') as file:
        facts = os.fstat(file.fileno())
        if facts.st_size > max_bytes:
            raise BadFile(f'{path} ({facts.st_size / 1e9:.3g} GB) is larger than the {max_bytes / 1e9:.3g} GB that are '
                          'read of a JSON file')
        content = file.read(facts.st_size if stat.S_ISREG(facts.st_mode) else MAX_STREAM)
    return parse_json(content, path, kind, twice)


def parse_json(content: bytes, where: str | Path, kind: type | tuple = dict, twice: list | None = None):
    """As :func:`read_json`, of bytes; ``where`` begins the messages."""
    again: list = []

    def unique(pairs: list) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set = set()
            again.extend(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    try:
        parsed = json.loads(content.decode('utf-8-sig'), object_pairs_hook=unique)  # Windows adds a byte order mark
    except MemoryError:
        raise BadFile(f'{where} needs more memory than there is') from None
    except (ValueError, RecursionError) as error:
        found = stand_in(content) or ('not readable JSON: it is cut off or no JSON at all '
                                      f'({error}); copy or download it again')
        raise BadFile(f'{where} is {found}') from None
    if not isinstance(parsed, kind):
        names = ' or '.join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise BadFile(f'{where} should hold a JSON {names}, got {type(parsed).__name__}')
    if twice is not None:
        twice += again
    elif again:
        warnings.warn(f'{where} holds {", ".join(map(repr, again[:3]))} twice ({len(again)} keys in all); the last one '
                      'counts', stacklevel=3)
    return parsed


def json_entries(path: str | Path, max_bytes: int = MAX_JSON) -> Iterator[tuple[str, Any]]:
    """Key and value of each entry of a file that is one JSON object, however large, with one of them in memory at a
    time. A key may come twice.

    Raises :class:`BadFile` if it is not, was cut off, or has an entry of more than ``max_bytes``.
    """
    decode, text = json.JSONDecoder().raw_decode, ''
    try:
        with open(path, encoding='utf-8-sig') as file:
            while True:
                entry, reason = ENTRY.match(text), 'no entry begins there'
                if entry:
                    try:
                        value, end = decode(text, entry.end())
                    except json.JSONDecodeError as error:  # perhaps the rest of it is still in the file
                        reason = str(error)
                    else:
                        if end < len(text):
                            yield json.loads(entry[1]), value
                            text = text[end:]
                            continue
                more = file.read(max(1 << 20, len(text))) if len(text) <= max_bytes else ''
                text += more
                if not more and END.fullmatch(text):
                    return
                if not more:
                    raise BadFile(f'{path} is {stand_in(text[:512].encode()) or "not readable JSON"}: it is cut off, '
                                  f'no JSON object, or has an entry of more than {max_bytes / 1e9:.3g} GB ({reason}); '
                                  'copy or download it again')
    except (UnicodeDecodeError, RecursionError, MemoryError) as error:
        raise BadFile(f'{path} is no JSON that can be read ({error})') from None


def stand_in(content: bytes) -> str:
    """What stands in the place of a file, with the remedy, by its first bytes; empty if it may be the file."""
    if content.startswith((b'\xff\xfe', b'\xfe\xff')):
        return 'text in UTF-16, as PowerShell and some editors write it: save it as UTF-8'
    text = content[:512].decode('utf-8', 'replace').strip().lower()
    if text.startswith('version https://git-lfs'):
        return 'the pointer of git-lfs in the place of the file: run git lfs pull'
    if text.startswith('<') and 'html' in text:
        return 'an HTML page, as servers send in the place of a file (a login, an error): download it again'
    return ''


def first_bytes(path: str | Path) -> bytes:
    """The first bytes of a file; none if it cannot be read."""
    with suppress(OSError), open(path, 'rb') as file:
        return file.read(512)
    return b''


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def cache_home() -> Path:
    """``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``."""
    return Path(os.environ.get('MMEGOPOSE_CACHE') or Path.home() / '.cache' / 'mmegopose')
