"""A user's mistake in one line."""
import errno
import os
import os.path as osp
import re
import signal
import sys
import threading
import traceback
import warnings
import zipfile
import zlib
from contextlib import contextmanager

import mmengine

from .plugins import is_plugin_file

DAMAGED = (OverflowError, UnicodeDecodeError, EOFError, zlib.error, zipfile.BadZipFile)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room on the disk, or none left of what one may use
PACKAGE = osp.dirname(osp.abspath(__file__))


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


@contextmanager
def _stopped_by_sigterm():
    """Let SIGTERM unwind this process as Ctrl-C does, if nobody else has a use for it."""
    owner = os.getpid()

    def stop(number, _):
        if os.getpid() == owner:
            raise Terminated
        signal.signal(number, signal.SIG_DFL)  # a forked child ends as others do
        os.kill(os.getpid(), number)

    ours = threading.current_thread() is threading.main_thread() and 'WORLD_SIZE' not in os.environ \
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def user_errors(next_step: str = ''):
    """Tell a user's mistake in one line, ``error: ...``, and exit with status 2.

    These are files that cannot be used, failed imports, and the ``ValueError``, ``KeyError`` and ``TypeError`` that
    this package, a plugin or mmengine raise themselves, also in a worker of a dataloader; further workers and
    processes that died. With ``MMEGOPOSE_TRACEBACK=1`` the traceback shows instead. Ctrl-C is one line and status 130,
    and so is SIGTERM, as schedulers and containers send it, with status 143; a rank of several processes, which may
    wait for the others, ends at once.
    A warning of this package is one line, ``warning: ...``.

    Args:
        next_step: what to do after something outside ended the work, e.g. how to resume.
    """
    detailed = warnings.formatwarning
    warnings.formatwarning = lambda message, category, filename, *where: f'warning: {message}\n' if _is_ours(filename) \
        else detailed(message, category, filename, *where)
    wanted, ended = os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0'), f': {next_step}' if next_step else ''
    try:
        with _stopped_by_sigterm():
            yield
    except KeyboardInterrupt as stop:
        if wanted:
            raise
        sys.stderr.write(f'stopped{ended}\n')
        sys.exit(143 if isinstance(stop, Terminated) else 130)  # what shells say of a program that a signal ended
    except Exception as error:
        kind, cause = _kind_of(error)
        if kind and not wanted:
            _tell(f'{kind}: {str(cause).splitlines()[0] if str(cause) else type(cause).__name__}'
                  f'{ended if isinstance(cause, RuntimeError) else ""}')
        origin, text = _origin(error)
        ours = isinstance(error, (ValueError, KeyError, TypeError)) and (
            is_plugin_file(origin) or _is_ours(origin) or origin.startswith(osp.dirname(mmengine.__file__)))
        if wanted or not (ours or isinstance(error, (OSError, ImportError))):
            raise
        if isinstance(error, OSError) and error.errno == errno.ENOENT and error.filename is not None:
            text = f'there is no file or folder {error.filename}: check the path that names it'
        if isinstance(error, OSError) and error.errno in FULL and 'MMEGOPOSE_CACHE' not in text:
            text += ': make room there, or name another place (--work-dir for what training writes)'
        if isinstance(error, IsADirectoryError) and error.filename:
            text = f'{error.filename} is a folder: name a file'
        if isinstance(error, PermissionError) and error.filename:
            text = f'{error.filename}: no permission to read or change it; choose another place or ask its owner'
        cause = error.__cause__
        if cause is not None and str(cause)[:80] not in text and not isinstance(cause, KeyError):
            text += f' ({type(cause).__name__}: {cause})'
        _tell(text)
    finally:
        warnings.formatwarning = detailed


def _tell(text: str) -> None:
    sys.stderr.write(f'error: {" ".join(text.split())} [MMEGOPOSE_TRACEBACK=1 shows the traceback]\n')
    sys.exit(2)


def _kind_of(error: Exception) -> tuple[str, BaseException]:
    """What is wrong, in words, if an error's class or text alone says so, else ''; and the error that says it."""
    if isinstance(error, MemoryError):
        return 'there is not enough memory', error
    if isinstance(error, DAMAGED):
        return 'a number is too large' if isinstance(error, OverflowError) else 'a file is damaged', error
    first: BaseException | None = error
    while first is not None:  # torch tells of a dead worker from a signal handler, inside of anything
        text = str(first)
        if re.match(r'DataLoader worker \(pid', text):
            return 'a worker of a dataloader died, most often because the memory was full; try fewer of them ' \
                   '(train_dataloader.num_workers and the like) or smaller batches', first
        if isinstance(first, RuntimeError) and (
                'gloo/' in text or 'NCCL' in text or type(first).__name__.startswith('Dist')):
            return 'another process of this run is gone, whose own message tells why', first
        first = first.__cause__ or first.__context__
    return '', error


def _is_ours(filename: str) -> bool:
    """Whether a file belongs to this package or lies beside the script that runs."""
    script = (osp.dirname(osp.abspath(sys.argv[0])),) if osp.isfile(sys.argv[0]) else ()  # none: python -c, -m
    return filename.startswith((PACKAGE, *script))


def _origin(error: Exception) -> tuple[str, str]:
    """File that raised an error, and its message; those of the worker of a dataloader if it passed one on."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if text.startswith(f'Caught {type(error).__name__} in DataLoader worker process'):
        files = re.findall(r'^  File "(.+)", line \d+', text, re.MULTILINE)
        message = re.split(rf'^(?:[\w.]+\.)?{type(error).__name__}: ', text, flags=re.MULTILINE)[-1]
        return files[-1], message.strip().strip('\'"')
    return traceback.extract_tb(error.__traceback__)[-1].filename, text
