"""``--cfg-options KEY=VALUE ...``: values as Python writes them, and hints for mistyped keys."""
import argparse
import ast
import difflib
import inspect
import warnings

import yaml
from mmengine.runner import Runner

from ..registry import unknown_arguments
from .check import find_class

EXTRA_KEYS = ('compile', 'sync_bn', 'find_unused_parameters', 'model_wrapper_cfg', 'activation_checkpointing',
              'efficient_conv_bn_eval', 'custom_imports', 'runner_type', 'data_root', 'submit_dataloader',
              'submit_evaluator')
_WORDS = {'true': True, 'false': False, 'None': None, 'inf': float('inf'), 'nan': float('nan')}


class DictAction(argparse.Action):
    """Collects ``KEY=VALUE`` arguments in a dict; see :func:`parse_value` for the values.

    Use it with ``nargs='+'``. Later arguments win.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        options = dict(getattr(namespace, self.dest, None) or {})
        for pair in values:
            key, found, text = pair.partition('=')
            if not found or not key:
                parser.error(f'{option_string} {pair!r} is not KEY=VALUE')
            options[key] = parse_value(text)
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
            return yaml.safe_load(stripped)
        if ',' in stripped:
            return yaml.safe_load(f'[{stripped}]')
    except yaml.YAMLError:
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


def warn_of_new_keys(keys: list, cfg: dict, options: dict, filename: str) -> None:
    """Warn of each option that was neither a key of the config nor is an argument that its class takes.

    ``keys`` are the dotted keys before the options were merged in ``cfg``.
    """
    top_level = (*inspect.signature(Runner.__init__).parameters, *EXTRA_KEYS)
    for key in options:
        if key in keys or key in top_level or _is_argument(cfg, key):
            continue
        near = difflib.get_close_matches(key, {*keys, *top_level}, 3, 0.6)
        hint = f'; nearest: {", ".join(near)}' if near else ''
        warnings.warn(f'--cfg-options {key}: {filename} has no such key, it is added{hint}', stacklevel=4)


def _is_argument(cfg: dict, key: str) -> bool:
    """Whether the class named beside a dotted key takes it as an argument."""
    *path, name = key.split('.')
    parent = cfg
    for part in path:
        if isinstance(parent, (list, tuple)) and part.isdigit() and int(part) < len(parent):
            parent = parent[int(part)]
        else:
            parent = parent.get(part) if isinstance(parent, dict) else None
    target = find_class(parent['type']) if isinstance(parent, dict) and parent.get('type') else None
    return target is not None and not unknown_arguments(target, {name: None})
