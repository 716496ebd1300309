"""Reading configs: plugins, options, one data root and protocol, and mistakes told in one line."""
import copy
import difflib
import functools
import importlib
import importlib.metadata
import os
import os.path as osp
import sys
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path

import mmengine
from mmengine.config import Config

from ..registry import DATASETS, unknown_arguments
from .check import DATALOADERS, check_config, find_class
from .options import DictAction, dotted_keys, warn_of_new_keys

__all__ = ['DictAction', 'check_config', 'load_config', 'load_plugins', 'user_errors']
PACKAGE = osp.dirname(osp.dirname(osp.abspath(__file__)))
SHARED = ('data_root', 'protocol')  # keys at top level that all datasets share


def load_config(path, options: dict = None) -> Config:
    """Read a config, import its plugins and merge ``options`` (dotted keys).

    The folder above the nearest ``projects`` folder joins ``sys.path``, so that
    ``custom_imports=dict(imports=['projects.example_project'])`` works from everywhere. A ``data_root`` or a
    ``protocol`` at top level goes to each dataset that takes one and names none. Without ``test_dataloader`` and
    ``test_evaluator`` those of validation test too.

    Raises ``FileNotFoundError`` or ``ValueError`` for a config that cannot be read, and ``ImportError`` with the name
    of a plugin in ``custom_imports`` that cannot be imported.
    """
    path = str(path)
    if not osp.isfile(path):
        folder = Path(path).parent
        near = difflib.get_close_matches(Path(path).name, [p.name for p in folder.glob('*.*')], 3)
        raise FileNotFoundError(f'there is no config {path}' + (f'; nearest: {", ".join(near)}' if near else ''))
    for parent in Path(path).resolve().parents:
        if (parent / 'projects').is_dir():
            if str(parent) not in sys.path:
                sys.path.insert(0, str(parent))
            break
    load_plugins()
    try:
        cfg = Config.fromfile(path, import_custom_modules=False)
    except (ImportError, OSError):
        raise
    except Exception as error:  # a config is a program: it can raise anything
        raise ValueError(f'{path} cannot be read: {type(error).__name__}: {error}') from error
    _import_plugins(cfg.get('custom_imports'), path)
    _test_as_validated(cfg)
    if options:
        keys = dotted_keys(cfg._cfg_dict)
        cfg.merge_from_dict(copy.deepcopy(options))  # merging takes _delete_ out of them
        warn_of_new_keys(keys, cfg._cfg_dict, options, path)
        if any(key.split('.')[0] == 'custom_imports' for key in options):
            _import_plugins(cfg.custom_imports, path)
    for key in SHARED:
        if cfg.get(key) is not None:
            for loader in DATALOADERS:
                _share((cfg.get(loader) or {}).get('dataset'), key, cfg[key])
    cfg.setdefault('default_scope', 'mmegopose')
    cfg.setdefault('runner_type', 'EgoRunner')
    return cfg


def _test_as_validated(cfg: Config) -> None:
    """A config that does not say how to test is tested as it is validated; loops need no arguments."""
    for part in ('dataloader', 'evaluator'):
        if cfg.get(f'val_{part}') is not None and f'test_{part}' not in cfg:
            cfg[f'test_{part}'] = copy.deepcopy(cfg[f'val_{part}'])
    for stage in ('val', 'test'):
        if cfg.get(f'{stage}_dataloader') is not None:
            cfg.setdefault(f'{stage}_cfg', {})


def _import_plugins(custom_imports, path: str) -> None:
    """Import the modules that a config names."""
    if not custom_imports:
        return
    names = custom_imports.get('imports', ())
    for name in [names] if isinstance(names, str) else names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a plugin can raise anything
            message = f'the plugin {name!r} in custom_imports of {path} cannot be imported: ' \
                      f'{type(error).__name__}: {error}'
            if not custom_imports.get('allow_failed_imports', False):
                raise ImportError(message, name=name) from error
            warnings.warn(message, stacklevel=3)


@functools.cache
def load_plugins() -> tuple:
    """Names of the loaded plugins, which packages offer in the entry-point group ``mmegopose.plugins``.

    A broken plugin gets one warning.
    """
    loaded = []
    for entry in importlib.metadata.entry_points(group='mmegopose.plugins'):
        try:
            entry.load()
            loaded.append(entry.name)
        except Exception as error:  # a plugin can raise anything
            warnings.warn(f'the plugin {entry.name!r} ({entry.value}) cannot be loaded: '
                          f'{type(error).__name__}: {error}', stacklevel=2)
    return tuple(loaded)


def _share(dataset, key: str, value: str) -> None:
    """Give ``key`` to a dataset dict, or to the datasets that it wraps, unless they name their own."""
    if isinstance(dataset, (list, tuple)):
        for item in dataset:
            _share(item, key, value)
    elif isinstance(dataset, dict):
        for inner in ('dataset', 'datasets'):
            _share(dataset.get(inner), key, value)
        target = find_class(dataset.get('type'), DATASETS)
        if target is not None and not unknown_arguments(target, {key: value}):
            dataset.setdefault(key, value)


@contextmanager
def user_errors():
    """Tell a user's mistake in one line, ``error: ...``, and exit with status 2.

    These are files that cannot be used, failed imports, and the ``ValueError``, ``KeyError`` and ``TypeError`` that
    this package or mmengine raise themselves. With ``MMEGOPOSE_TRACEBACK=1`` the traceback shows instead.
    """
    try:
        yield
    except (OSError, ImportError, ValueError, KeyError, TypeError) as error:
        origin = traceback.extract_tb(error.__traceback__)[-1].filename
        ours = origin.startswith((PACKAGE, osp.dirname(mmengine.__file__), osp.dirname(osp.abspath(sys.argv[0]))))
        wanted = os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0')
        if wanted or not (ours or isinstance(error, (OSError, ImportError))):
            raise
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        cause = error.__cause__
        if cause is not None and str(cause) not in text and not isinstance(cause, KeyError):
            text += f' ({type(cause).__name__}: {cause})'
        sys.stderr.write(f'error: {" ".join(text.split())} [MMEGOPOSE_TRACEBACK=1 shows the traceback]\n')
        sys.exit(2)
