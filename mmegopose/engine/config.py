"""Reading configs: plugins, options, one data root and protocol, and mistakes told in one line."""
import copy
import difflib
import os.path as osp
import re
import sys
import warnings
from pathlib import Path

from mmengine.config import Config

from ..config_files import find_config, nearest_configs
from ..errors import user_errors
from ..files import BadFile, first_bytes, require_writable, stand_in
from ..plugins import import_plugin, load_plugins
from ..registry import DATASETS, unknown_arguments
from ..yaml_text import read_yaml
from .check import DATALOADERS, INNER, check_config, find_class, require_sections
from .options import DictAction, check_options, dotted_keys, require_known_keys, typed_like

__all__ = ['DictAction', 'check_config', 'choose_work_dir', 'load_config', 'load_plugins', 'user_errors']
SHARED = ('data_root', 'protocol')  # keys at top level that all datasets share


def load_config(path, options: dict = None) -> Config:
    """Read a config, import its plugins and merge ``options`` (dotted keys).

    ``path`` is a file, or the name of a config that comes with the package: ``mmegopose::levelwise_vit.py``.

    The folder above the nearest ``projects`` folder joins ``sys.path``, so that
    ``custom_imports=dict(imports=['projects.example_project'])`` works from everywhere. A ``data_root`` or a
    ``protocol`` at top level goes to each dataset that takes one and names none. Without ``test_dataloader`` and
    ``test_evaluator`` those of validation test too.

    Raises ``FileNotFoundError`` or ``ValueError`` for a config that cannot be read, and ``ImportError`` with the name
    of a plugin in ``custom_imports`` that cannot be imported.
    """
    path = find_config(str(path))
    load_plugins()
    try:
        files = _with_bases(path)
        _check_braces(files)
        _find_projects(files)
        cfg = Config.fromfile(path, import_custom_modules=False)
        _join_plugins(cfg, files)
    except (ImportError, OSError, BadFile):
        raise
    except Exception as error:  # a config is a program: it can raise anything
        raise ValueError(f'{path} cannot be read: {type(error).__name__}: {error}') from error
    _import_plugins(cfg.get('custom_imports'), path)
    require_sections(cfg, path)
    _test_as_validated(cfg)
    if options:
        keys = dotted_keys(cfg._cfg_dict)
        options = typed_like(cfg._cfg_dict, options)
        check_options(cfg._cfg_dict, options, path, SHARED)
        cfg.merge_from_dict(copy.deepcopy(options))  # merging takes _delete_ out of them
        require_known_keys(keys, cfg._cfg_dict, options, path)
        if any(key.split('.')[0] == 'custom_imports' for key in options):
            _import_plugins(cfg.custom_imports, path)
    for key in SHARED:
        if cfg.get(key) is not None:
            deaf = {}
            for loader in DATALOADERS:
                _share((cfg.get(loader) or {}).get('dataset'), key, cfg[key], f'{loader}.dataset', deaf)
            for name, reason in deaf.items():
                if key in (options or {}):
                    warnings.warn(f'{key}={cfg[key]!r} does not reach {name}, which {reason}', stacklevel=2)
    if cfg.setdefault('default_scope', 'mmegopose') == 'mmegopose':
        _drop_own_scope(cfg._cfg_dict)
    cfg.setdefault('runner_type', 'EgoRunner')
    return cfg


def _drop_own_scope(value) -> None:
    """Take out ``_scope_='mmegopose'``, which a base ``mmegopose::...`` leaves behind, where it is the scope anyway."""
    if isinstance(value, dict):
        if value.get('_scope_') == 'mmegopose':
            del value['_scope_']
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for item in list(value):
        _drop_own_scope(item)


def choose_work_dir(folder: str | None, config: str) -> str:
    """``folder``, or ``./work_dirs/<name of the config>``; ``PermissionError`` if it cannot be made or written."""
    folder = folder or osp.join('work_dirs', Path(find_config(config)).stem)
    require_writable(folder, 'name a folder of yours with --work-dir')
    return folder


def _test_as_validated(cfg: Config) -> None:
    """A config that does not say how to test, or not on what, is tested as it is validated; loops need no arguments."""
    own, val = cfg.get('test_dataloader'), cfg.get('val_dataloader')
    if isinstance(own, dict) and isinstance(val, dict) and '_delete_' not in own \
            and not (isinstance(own.get('dataset'), dict) and own.dataset.get('type')):
        cfg.test_dataloader = Config._merge_a_into_b(own.to_dict(), copy.deepcopy(val))
    _drop_delete(cfg._cfg_dict)
    for part in ('dataloader', 'evaluator'):
        if cfg.get(f'val_{part}') is not None and f'test_{part}' not in cfg:
            cfg[f'test_{part}'] = copy.deepcopy(cfg[f'val_{part}'])
    for stage in ('val', 'test'):
        if cfg.get(f'{stage}_dataloader') is not None:
            cfg.setdefault(f'{stage}_cfg', {})


def _drop_delete(value) -> None:
    """Take out the ``_delete_`` of keys that the base does not have, which mmengine leaves in."""
    if isinstance(value, dict):
        value.pop('_delete_', None)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        _drop_delete(item)


def _import_plugins(custom_imports, path: str) -> None:
    """Import the modules that a config names."""
    if not custom_imports:
        return
    if not isinstance(custom_imports, dict):
        raise ValueError(f'{path}: custom_imports={custom_imports!r} should be dict(imports=[...])')
    names = custom_imports.get('imports', ())
    for name in [names] if isinstance(names, str) else names:
        try:
            import_plugin(name)
        except Exception as error:  # a plugin can raise anything
            message = f'the plugin {name!r} in custom_imports of {path} cannot be imported: ' \
                      f'{type(error).__name__}: {error}'
            if not custom_imports.get('allow_failed_imports', False):
                raise ImportError(message, name=name) from error
            warnings.warn(message, stacklevel=3)


def _with_bases(path: str, user: str = '') -> list:
    """A config file and the files that it is based on, the bases first."""
    if not osp.isfile(path):
        folder = Path(path).parent
        near = difflib.get_close_matches(Path(path).name, [p.name for p in folder.glob('*.*')], 3) \
            or nearest_configs(Path(path).as_posix())
        raise FileNotFoundError(f'there is no config {path}' + (f', which {user} names as _base_' if user else '')
                                + (f'; nearest: {", ".join(near)}' if near else ''))
    if (head := first_bytes(path)).startswith(b'\xef\xbb\xbf'):
        raise BadFile(f'{path} begins with a byte order mark, which no Python file does here: save it as UTF-8 without')
    if found := stand_in(head):
        raise BadFile(f'{path} is {found}')
    if Path(path).suffix in ('.yml', '.yaml'):
        read_yaml(path)  # mmengine reads it again, by the same loader, without its name
    files = []
    for base in Config._get_base_files(path):
        try:
            place = Config._get_cfg_path(base, path)[0]
        except FileNotFoundError as error:  # no config of the package
            raise FileNotFoundError(f'_base_ of {path}: {error}') from None
        files += [file for file in _with_bases(place, path) if file not in files]
    return [*files, path]


def _find_projects(files: list) -> None:
    """Put the folder above the nearest ``projects`` folder of each config on ``sys.path``."""
    for file in files:
        for parent in Path(file).resolve().parents:
            if (parent / 'projects').is_dir():
                if str(parent) not in sys.path:
                    sys.path.insert(0, str(parent))
                break


def _join_plugins(cfg: Config, files: list) -> None:
    """Add the plugins that the bases of a config import to its own: mmengine replaces the list."""
    if not isinstance(cfg.get('custom_imports'), dict):
        return
    names = []
    for file in files:
        if 'custom_imports' in Path(file).read_text(encoding='utf-8'):
            found = (Config.fromfile(file, import_custom_modules=False).get('custom_imports') or {}).get('imports', [])
            names += [found] if isinstance(found, str) else found
    cfg.custom_imports['imports'] = list(dict.fromkeys(names))


def _check_braces(files: list) -> None:
    """Refuse to calculate with ``{{_base_.x}}``, which mmengine replaces by a text first: it is a whole value only."""
    for file in files:
        text = re.sub(r'#.*', '', Path(file).read_text(encoding='utf-8'))
        found = re.search(r'[*+]\s*{{\s*(_base_[.\w]+)|{{\s*(_base_[.\w]+)\s*}}\s*[*+[.]', text)
        if found:
            value = found[1] or found[2]
            raise ValueError(f'{{{{{value}}}}} can only be a whole value. To calculate with it leave the braces out, '
                             f'in {file}: {value} + [...]')


def _share(dataset, key: str, value: str, path: str, deaf: dict, source=DATASETS) -> None:
    """Give ``key`` to a dataset that takes it, else to the datasets or the reader in it; who names its own keeps it.

    ``deaf`` collects ``{class and place: reason}`` of those that it does not reach.
    """
    if isinstance(dataset, (list, tuple)):
        for index, item in enumerate(dataset):
            _share(item, key, value, f'{path}.{index}', deaf, source)
        return
    if not isinstance(dataset, dict):
        return
    target = find_class(dataset.get('type'), source)
    name = getattr(target, '__name__', str(target))
    inner = [part for part in ('dataset', 'datasets', 'store', 'reader') if dataset.get(part)]
    own = [part for part in inner if isinstance(dataset[part], dict) and key in dataset[part]]
    if target is not None and not own and not unknown_arguments(target, {key: value}):
        if dataset.setdefault(key, value) != value:
            deaf.setdefault(name, f'names its own: set {path}.{key} (now {dataset[key]!r})')
        return
    for part in inner:
        _share(dataset[part], key, value, f'{path}.{part}', deaf, INNER[part])
    if target is not None and not inner:
        deaf.setdefault(name, f'takes no argument {key!r}')
