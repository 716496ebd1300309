"""YAML from outside: plain values, none of which runs, in time and memory by the size of the text."""
from pathlib import Path

import yaml

from .files import DAMAGE, BadFile, stand_in

MAX_TEXT = 1 << 20  # bytes: the words on a model and the options of a config have some thousand


def read_yaml(path: str | Path):
    """Content of a YAML file; raises as :func:`parse_yaml`, and ``OSError``."""
    with open(path, 'rb') as file:
        return parse_yaml(file.read(MAX_TEXT + 1), str(path))


def parse_yaml(text: str | bytes, where: str):
    """Plain values of a YAML text.

    Args:
        text: UTF-8 if it is bytes.
        where: begins the messages.

    Raises:
        BadFile: no YAML, of more than 1 MiB, asks for objects, or its aliases unfold to far more than it holds.
    """
    try:
        content = text.encode() if isinstance(text, str) else text
        if len(content) > MAX_TEXT:
            raise ValueError(f'it has more than {MAX_TEXT >> 20} MiB')
        loader = yaml.SafeLoader(content.decode('utf-8-sig'))
        node = loader.get_single_node()
        if node is not None and _size(node, {}) > 16 * len(content) + 4096:
            raise ValueError('its aliases unfold to far more than it holds')
        return None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, *DAMAGE) as error:
        found = stand_in(content) or f'not readable YAML ({" ".join(str(error).split())}): copy it again'
        raise BadFile(f'{where} is {found}') from None


def _size(node: yaml.Node, known: dict) -> int:
    """Letters and entries of a tree in which each alias counts as often as it is used; ``known`` holds those of nodes.
    """
    if id(node) not in known:
        known[id(node)] = None
        if isinstance(node.value, str):
            known[id(node)] = 1 + len(node.value)
        else:
            parts = (part for entry in node.value for part in (entry if isinstance(entry, tuple) else (entry,)))
            known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    if known[id(node)] is None:
        raise ValueError('it holds itself')
    return known[id(node)]
