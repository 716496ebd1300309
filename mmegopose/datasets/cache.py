"""Where everything goes that can be made again, and the one cache of stores."""
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mmengine.logging import MMLogger

from ..files import BadFile, cache_home
from .store import SequenceStore

CACHE_VERSION = 6  # raise it when a reader makes other arrays of the same files, or stores have another layout
UNFINISHED = re.compile(r'.+-[0-9a-f]{12}-[0-9a-f]{12}\.(damaged\.)?[a-z0-9_]{8}'  # made by tempfile
                        r'|\..+-[0-9a-f]{12}\.[0-9a-f]{8}')                         # by the writer of the sample
ABANDONED_S = 3600  # a half-built folder in which nothing was written for so long belongs to a run that was killed


def cached_store(kind: str, sources: Iterable, options, build: Callable[[], SequenceStore],
                 cache_dir: str | Path | None = None) -> SequenceStore:
    """The store that ``build()`` makes of the files ``sources``, memory-mapped from a folder of the cache.

    It is made anew when a file, the list of files or an option changes, and the store that it takes the place of is
    deleted. A store that was damaged on the disk is made anew with a warning. Processes may call this at the same time.
    What runs that were killed have left half-built is deleted an hour later.

    Args:
        kind: name of the reader.
        sources: all files that ``build`` reads.
        options: everything else that the arrays depend on, as plain values (JSON).
        build: makes the store; only called if it is not there.
        cache_dir: parent folder; default: :func:`cache_home`.

    Raises:
        OSError: the store cannot be written, e.g. on a full disk; the message names the place and the setting.
    """
    home = Path(cache_dir).expanduser() if cache_dir else cache_home()
    paths = [os.path.abspath(path) for path in sources]
    root = os.path.commonpath([os.path.dirname(path) for path in paths])
    stats = [(path[len(root):], *((s := os.stat(path)).st_size, s.st_mtime_ns)) for path in paths]
    place = f'{kind}-{_hash([CACHE_VERSION, os.path.realpath(root), options])}-'
    folder = home / (place + _hash(stats))
    sweep_cache(home)
    if os.path.lexists(folder):
        try:
            return SequenceStore.load(folder)
        except BadFile as error:
            MMLogger.get_current_instance().warning(f'made anew, because it is damaged: {error}')
    store = build()
    try:
        store = _install(store, folder)
    except OSError as error:
        raise unwritable(f'the store {folder}', error, ', or in cache_dir') from error
    for old in home.glob(place + '*'):
        finished = '.' not in old.name[len(place):]  # and not what another process is about to finish
        if old != folder and finished and (old / 'store.json').is_file():
            shutil.rmtree(old, ignore_errors=True)
    return store


def unwritable(what: str, error: OSError, more: str = '') -> OSError:
    """The error for ``what`` of the cache, which cannot be written; it names the setting."""
    return OSError(error.errno or errno.EIO, f'{error.strerror or error}: {what} cannot be written; name a folder with '
                   f'room that is yours in the environment variable MMEGOPOSE_CACHE{more}')


def _install(store: SequenceStore, folder: Path) -> SequenceStore:
    """Save a store and open it; a damaged one in its place goes, an intact one of another process is opened instead."""
    for _ in range(5):  # another process may put one there, or away, at any moment
        try:
            store.save(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):  # the last: a file or a link
                raise
        try:
            return SequenceStore.load(folder)
        except BadFile:
            aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f'{folder.name}.damaged.'))
            with suppress(OSError):  # another process was first
                os.replace(folder, aside / 'store')
            shutil.rmtree(aside, ignore_errors=True)
    raise BadFile(f'{folder} is damaged and cannot be replaced; delete it')


def sweep_cache(home: Path) -> None:
    """Delete the unfinished folders of runs that were killed: those in which nothing was written of late."""
    for path in home.glob('*-*.*'):
        if not UNFINISHED.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
            continue
        with suppress(OSError):  # another process sweeps too
            if time.time() - max(p.stat().st_mtime for p in (path, *path.rglob('*'))) > ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)


def _hash(content) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
