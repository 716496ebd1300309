"""A user's mistake in one line."""
import errno
import os
import os.path as osp
import re
import sys
import traceback
import warnings
from contextlib import contextmanager

import mmengine

from ..plugins import is_plugin_file
from .options import dotted_keys

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room on the disk, or none left of what one may use
PACKAGE = osp.dirname(osp.dirname(osp.abspath(__file__)))


@contextmanager
def user_errors():
    """Tell a user's mistake in one line, ``error: ...``, and exit with status 2.

    These are files that cannot be used, failed imports, and the ``ValueError``, ``KeyError`` and ``TypeError`` that
    this package, a plugin or mmengine raise themselves, also in a worker of a dataloader. With
    ``MMEGOPOSE_TRACEBACK=1`` the traceback shows instead. Ctrl-C is one word and status 130. A
    warning of this package is one line, ``warning: ...``.
    """
    detailed = warnings.formatwarning
    warnings.formatwarning = lambda message, category, filename, *where: f'warning: {message}\n' if _is_ours(filename) \
        else detailed(message, category, filename, *where)
    try:
        yield
    except KeyboardInterrupt:
        if os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0'):
            raise
        sys.stderr.write('stopped\n')
        sys.exit(130)  # what shells say of a program that Ctrl-C ended
    except (MemoryError, OverflowError) as error:
        if os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0'):
            raise
        told = 'there is not enough memory' if isinstance(error, MemoryError) else 'a number is too large'
        sys.stderr.write(f'error: {told}: {" ".join(str(error).split())} [MMEGOPOSE_TRACEBACK=1 shows the traceback]\n')
        sys.exit(2)
    except (OSError, ImportError, ValueError, KeyError, TypeError) as error:
        origin, text = _origin(error)
        ours = is_plugin_file(origin) or _is_ours(origin) or origin.startswith(osp.dirname(mmengine.__file__))
        wanted = os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0')
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
        sys.stderr.write(f'error: {" ".join(text.split())} [MMEGOPOSE_TRACEBACK=1 shows the traceback]\n')
        sys.exit(2)
    finally:
        warnings.formatwarning = detailed


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


def absent_files(cfg) -> list:
    """Texts ``key='path'`` of the files and folders that a config names and that are not there, the data first."""
    cfg, found = getattr(cfg, '_cfg_dict', cfg), {}
    for key in sorted(dotted_keys(cfg), key=lambda key: not key.endswith('data_root')):
        value = cfg
        for part in key.split('.'):
            value = value[int(part)] if isinstance(value, (list, tuple)) else value[part]
        if key.split('.')[-1] in ('data_root', 'load_from', 'mano', 'source', 'checkpoint', 'poses', 'detections') \
                and isinstance(value, str) and '/' in value and '://' not in value \
                and not osp.exists(osp.expanduser(value)):
            found.setdefault(value, f'{key}={value!r}')
    return list(found.values())
