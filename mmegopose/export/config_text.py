"""A config as the text of a file that stands alone."""
from pathlib import PurePosixPath, PureWindowsPath

from mmengine.config import Config

WIDTH = 116
KEPT = ('default_scope', 'custom_imports', 'head_camera', 'data_root', 'protocol', 'test_dataloader', 'test_evaluator')
"""What a model needs besides itself, to predict and to be tested."""
TRAINING = ('init_cfg', 'losses')
"""Parts of a model that only training reads."""


def config_to_predict(cfg: Config) -> dict:
    """The part of a loaded config that predicting and testing need, in plain values.

    Raises ``ValueError`` if a path of the machine is in it.
    """
    shared = {key: cfg[key] for key in ('data_root', 'protocol') if cfg.get(key) is not None}
    kept = {key: _plain(cfg[key]) for key in KEPT if cfg.get(key) is not None}
    kept['test_dataloader'] |= dict(num_workers=0, persistent_workers=False)
    _forget(kept['test_dataloader']['dataset'], shared)
    kept['model'] = {key: value for key, value in _plain(cfg.model).items() if key not in TRAINING}
    _drop(kept['model'], 'init_cfg')
    _refuse_paths(kept)
    return kept


def text_of_config(values: dict, comment: str) -> str:
    """The file: a comment, then a line ``name = value`` for each key, folded where it is long."""
    lines = [f'# {line}' for line in comment.splitlines()]
    return '\n'.join(lines + [f'{key} = {_folded(value, len(key) + 3)}' for key, value in values.items()]) + '\n'


def _plain(value):
    if isinstance(value, dict):  # the type comes first, as people write it
        return {str(key): _plain(value[key]) for key in sorted(value, key=lambda key: key != 'type')}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value.__name__ if isinstance(value, type) else value


def _drop(value, key: str) -> None:
    if isinstance(value, dict):
        value.pop(key, None)
        value = list(value.values())
    for item in value if isinstance(value, (list, tuple)) else ():
        _drop(item, key)


def _forget(dataset, shared: dict) -> None:
    """Take out of a data set what it has from the top level, so that options there still reach it."""
    if isinstance(dataset, dict):
        for key, value in shared.items():
            if dataset.get(key) == value:
                del dataset[key]
        for inner in ('dataset', 'store', 'reader'):
            _forget(dataset.get(inner), shared)


def _refuse_paths(value, place: str = '') -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_paths(item, f'{place}.{key}' if place else key)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_paths(item, f'{place}.{index}')
    elif isinstance(value, str) and (PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
                                     or value.startswith('~')):
        raise ValueError(f'{place}={value!r} is a path of this machine, which a model that others get cannot have: '
                         f'give another value, --cfg-options {place}=...')


def _folded(value, used: int, indent: int = 0) -> str:
    """The value as Python, on one line if it fits behind ``used`` letters, else an entry a line."""
    text = _code(value)
    if used + len(text) <= WIDTH or not isinstance(value, (dict, list, tuple)) or not value:
        return text
    inner = ' ' * (indent + 4)
    if isinstance(value, dict) and all(key.isidentifier() for key in value):
        opening, closing, prefixed = 'dict(', ')', [(f'{key}=', item) for key, item in value.items()]
    elif isinstance(value, dict):
        opening, closing, prefixed = '{', '}', [(f'{key!r}: ', item) for key, item in value.items()]
    else:
        opening, closing = ('[', ']') if isinstance(value, list) else ('(', ',)' if len(value) == 1 else ')')
        prefixed = [('', item) for item in value]
    entries = [f'{inner}{prefix}{_folded(item, len(inner) + len(prefix) + 1, indent + 4)}' for prefix, item in prefixed]
    return f'{opening}\n' + ',\n'.join(entries) + closing


def _code(value) -> str:
    if isinstance(value, dict) and all(key.isidentifier() for key in value):
        return f'dict({", ".join(f"{key}={_code(item)}" for key, item in value.items())})'
    if isinstance(value, dict):
        return '{' + ', '.join(f'{key!r}: {_code(item)}' for key, item in value.items()) + '}'
    if isinstance(value, list):
        return f'[{", ".join(map(_code, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(_code, value))}{"," if len(value) == 1 else ""})'
    return repr(value)
