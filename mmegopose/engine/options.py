"""``--cfg-options KEY=VALUE ...``: values as Python writes them, and hints for mistyped keys."""
import argparse
import ast
import difflib
import inspect
import os
import warnings

from mmengine.runner import Runner

from ..files import BadFile
from ..registry import arguments, unknown_arguments
from ..yaml_text import parse_yaml
from .check import SECTIONS, find_class

EXTRA_KEYS = ('compile', 'sync_bn', 'find_unused_parameters', 'model_wrapper_cfg', 'activation_checkpointing',
              'efficient_conv_bn_eval', 'custom_imports', 'custom_imports.imports',
              'custom_imports.allow_failed_imports', 'runner_type', 'data_root', 'submit_dataloader',
              'submit_evaluator', 'head_camera', 'protocol')
TOP_LEVEL = (*inspect.signature(Runner.__init__).parameters, *EXTRA_KEYS)
_WORDS = {'true': True, 'false': False, 'None': None, 'inf': float('inf'), 'nan': float('nan')}


class Options(dict):
    """Dotted keys and their values; ``texts`` holds the values as they were typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.texts = {}

    @classmethod
    def of(cls, pairs: list | None, name: str = '--cfg-options') -> 'Options':
        """What texts ``KEY=VALUE`` say; see :meth:`add`."""
        options = cls()
        options.add(pairs or (), name)
        return options

    def add(self, pairs, name: str) -> None:
        """Add texts ``KEY=VALUE`` of the option ``name``, the last of a key wins; ``ValueError`` for any other text."""
        for pair in pairs:
            key, found, text = pair.partition('=')
            if not found or not key:
                raise ValueError(f'{name} {pair!r} is not KEY=VALUE')
            self[key], self.texts[key] = parse_value(text), text


class DictAction(argparse.Action):
    """Collects ``KEY=VALUE`` arguments in :class:`Options`; see :func:`parse_value` for the values.

    Use it with ``nargs='+'``. Later arguments win.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        options = getattr(namespace, self.dest, None) or Options()
        try:
            options.add(values, option_string)
        except ValueError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, options)


def parse_value(text: str):
    """Value of a Python literal, ``dict(...)`` call, bare list ``a,b`` or plain string, which keeps its spaces.

    Inside brackets names need no quotes: ``[a, b]`` is ``['a', 'b']``. Quotes make a string: ``'"1"'`` is ``'1'``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', SyntaxWarning)
            node = ast.parse(text.strip(), mode='eval').body
        value = _evaluate(node)
        bare = isinstance(node, ast.Tuple) and node.elts and node.elts[0].col_offset == 0
        return list(value) if bare else value
    except (SyntaxError, ValueError):
        pass
    stripped = text.strip()
    try:
        if stripped[:1] in ('[', '{'):
            return parse_yaml(stripped, text)
        if ',' in stripped:
            return parse_yaml(f'[{stripped}]', text)
    except BadFile:
        pass
    return text


def _evaluate(node):
    """Value of a syntax tree of literals, ``dict(...)`` calls and names; ``ValueError`` for anything else."""
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id, node.id)
    if isinstance(node, (ast.List, ast.Tuple)):
        return (list if isinstance(node, ast.List) else tuple)(map(_evaluate, node.elts))
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_evaluate(key): _evaluate(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args \
            and all(keyword.arg for keyword in node.keywords):
        return {keyword.arg: _evaluate(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and getattr(node.operand, 'id', None) == 'inf':
        return -_WORDS['inf']
    return ast.literal_eval(node)


def typed_like(cfg: dict, options: dict) -> Options:
    """Options of the command line with the types of the values that they replace.

    Where a config, or the default of an argument, holds text, text stays text (``/a,b``, ``2024``; but None, True,
    False, quotes, brackets and ``dict(...)`` mean what they say), and ``data_root`` is always text. A whole number
    takes the place of a float, and the other way round; a list that of a tuple. Values of Python code stay as they are.
    """
    typed = Options(options)
    for key, text in getattr(options, 'texts', {}).items():
        typed[key] = _like(_find(cfg, key), text, options[key])
    for key, value in options.items():
        if isinstance(value, os.PathLike):
            typed[key] = os.fspath(value)
    return typed


def _like(old, text: str, value):
    """The value of ``text``, whose parsed form is ``value``, in the place of ``old``."""
    if isinstance(old, str):
        meant = value is None or isinstance(value, (bool, dict)) or text.strip()[:1] in ('[', '(', '"', "'")
        return value if meant else text
    if isinstance(old, bool) or isinstance(value, bool):
        return bool(value) if isinstance(old, bool) and value in (0, 1) else value
    if isinstance(old, (int, float)) and isinstance(value, (int, float)):
        return type(old)(value) if value == value // 1 else value
    if isinstance(old, tuple) and isinstance(value, list):
        return tuple(value)
    return value


def _find(cfg: dict, key: str):
    """Value of a dotted key, or the default of the argument that it names; '' for a data root; None: there is none."""
    if key.split('.')[-1] == 'data_root':
        return ''
    parent, name = _parent(cfg, key)
    if isinstance(parent, (list, tuple)):
        return parent[int(name)] if name.isdigit() and int(name) < len(parent) else None
    if not isinstance(parent, dict):
        return None
    if name not in parent and parent.get('type'):
        found = arguments(find_class(parent['type']))
        return found[name].default if name in found else None
    return parent.get(name)


def _parent(cfg: dict, key: str) -> tuple:
    """What holds the last part of a dotted key, and that part."""
    *path, name = key.split('.')
    for part in path:
        if isinstance(cfg, (list, tuple)) and part.isdigit() and int(part) < len(cfg):
            cfg = cfg[int(part)]
        else:
            cfg = cfg.get(part) if isinstance(cfg, dict) else None
    return cfg, name


def dotted_keys(value, prefix: str = '') -> list:
    """Every dotted key of nested dicts and lists."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return []
    keys = []
    for key, item in items:
        keys += [f'{prefix}{key}', *dotted_keys(item, f'{prefix}{key}.')]
    return keys


def require_known_keys(keys: list, cfg: dict, options: dict, filename: str) -> None:
    """``KeyError`` for an option that was neither a key of the config nor is an argument that its class takes.

    Where a dict names no class, as ``custom_keys`` does, it is a warning: nobody can say which keys are read.

    Args:
        keys: dotted keys of the config before the options were merged in ``cfg``.
        cfg, options, filename: see :func:`check_options`.
    """
    for key in options:
        section, name = key.split('.')[0], key.split('.')[-1]
        if key in keys or key in TOP_LEVEL or name in ('_delete_', *SECTIONS.get(section, (None, ()))[1]):
            continue
        if taken := _is_argument(cfg, key):
            continue
        near = difflib.get_close_matches(key, {*keys, *TOP_LEVEL}, 3, 0.6)
        text = f'--cfg-options {key}: {filename} has no such key' + (f'; nearest: {", ".join(near)}' if near else '')
        if taken is False or section not in (*keys, *TOP_LEVEL):
            raise KeyError(text)
        warnings.warn(f'{text}; it is added', stacklevel=4)


def _is_argument(cfg: dict, key: str) -> bool | None:
    """Whether the class named beside a dotted key takes it as an argument; None: no class is named."""
    parent, name = _parent(cfg, key)
    target = find_class(parent['type']) if isinstance(parent, dict) and parent.get('type') else None
    return None if target is None else not unknown_arguments(target, {name: None})


def check_options(cfg: dict, options: dict, filename: str, shared: tuple = ()) -> None:
    """Refuse options whose place is not there, and those of variables, whose values other places have copied already.

    Args:
        cfg: content of the config, without the options.
        options: dotted keys and values.
        filename: of the config, for the messages.
        shared: keys at top level that reach others by themselves.

    Raises:
        KeyError: an entry of a list that is not there, or a part of something that has no parts.
        ValueError: a variable of the config: the message names the places that its value went to.
    """
    keys = dotted_keys(cfg)
    for key, value in options.items():
        parts = key.split('.')
        for depth in range(1, len(parts)):
            if not _is_there(cfg, parts[:depth]):
                break  # a new key, of which require_known_keys decides
            _check_part(_value(cfg, parts[:depth]), parts, depth, f'--cfg-options {key}={value!r}: ', filename, keys)
        if parts[0] not in (*TOP_LEVEL, *shared):
            _check_variable(cfg, parts, f'--cfg-options {key}={value!r}', filename)


def _check_part(owner, parts: list, depth: int, start: str, filename: str, keys: list) -> None:
    """Raise ``KeyError`` if ``owner``, the value of the first ``depth`` parts, cannot have the next part."""
    place, part = '.'.join(parts[:depth]), parts[depth]
    if isinstance(owner, (list, tuple)):
        if part.isdigit() and int(part) < len(owner):
            return
        there = ', '.join(f'{place}.{i}' + (f' ({item["type"]})' if isinstance(item, dict) and 'type' in item else '')
                          for i, item in enumerate(owner))
        raise KeyError(f'{start}{place} in {filename} has {len(owner)} entries: {there or "none"}')
    if not isinstance(owner, dict):
        near = difflib.get_close_matches('.'.join(parts), keys, 3, 0.6)
        raise KeyError(f'{start}{place} in {filename} is {owner!r}, which has no parts. Give it whole, {place}=...'
                       + (f'; nearest: {", ".join(near)}' if near else ''))


def _check_variable(cfg: dict, parts: list, start: str, filename: str) -> None:
    """Raise ``ValueError`` if the value of a key has been copied to a section: there an option would not reach it."""
    sections = {key: value for key, value in cfg.items() if key.endswith('_dataloader') or key == 'model'}
    for depth in range(len(parts), 0, -1):
        if not _is_there(cfg, parts[:depth]):
            continue
        value, rest = _value(cfg, parts[:depth]), ''.join(f'.{part}' for part in parts[depth:])
        if not isinstance(value, (dict, list, tuple, str)) or not value:
            continue
        named = depth == 1 and isinstance(value, dict)  # windows = dict(...), of which a data set changes one entry
        found = [key + rest for key in dotted_keys(sections) if _value(sections, key.split('.')) == value
                 or named and key.endswith(f'.{parts[0]}')]
        if found:
            raise ValueError(f'{start} would change nothing: {parts[0]} is a variable of {filename}, and its value was '
                             f'copied when the file was read. Set {", ".join(found)}')


def _is_there(cfg, parts: list) -> bool:
    for part in parts:
        if isinstance(cfg, dict) and part in cfg:
            cfg = cfg[part]
        elif isinstance(cfg, (list, tuple)) and part.isdigit() and int(part) < len(cfg):
            cfg = cfg[int(part)]
        else:
            return False
    return True


def _value(cfg, parts: list):
    for part in parts:
        cfg = cfg[int(part)] if isinstance(cfg, (list, tuple)) else cfg[part]
    return cfg


def absent_files(cfg) -> list:
    """Texts ``key='path'`` of the files and folders that a config names and that are not there, the data first."""
    cfg, found = getattr(cfg, '_cfg_dict', cfg), {}
    for key in sorted(dotted_keys(cfg), key=lambda key: not key.endswith('data_root')):
        value = _value(cfg, key.split('.'))
        if key.split('.')[-1] in ('data_root', 'load_from', 'mano', 'source', 'checkpoint', 'poses', 'detections') \
                and isinstance(value, str) and '/' in value and '://' not in value \
                and not os.path.exists(os.path.expanduser(value)):
            found.setdefault(value, f'{key}={value!r}')
    return list(found.values())
