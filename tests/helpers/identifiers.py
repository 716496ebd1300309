"""Names that the package gives: files, classes, functions, arguments, attributes, constants, and keys of configs."""
import ast
import re
from pathlib import Path
from typing import NamedTuple

from helpers.source_tree import ROOT

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Name(NamedTuple):
    """A name and where it is given; ``kind`` is file, class, function, argument, count, attribute, constant or key.

    A count is an argument of type int.
    """
    name: str
    kind: str
    path: str
    line: int

    @property
    def words(self) -> list:
        """Lower-case words: ``SequenceStore`` and ``sequence_store`` have the same."""
        return [word.lower() for word in re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+', self.name)]

    def __str__(self):
        return f'{self.path}:{self.line}: {self.kind} {self.name}'


def names_given(path: Path) -> list:
    """Names that a module gives to others; local variables are its own matter."""
    where = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text(encoding='utf-8'), str(path))
    found = [Name(path.stem, 'file', where, 0)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.append(Name(node.name, 'class', where, node.lineno))
            found += [Name(name.id, 'attribute', where, name.lineno) for name in assigned(node.body)]
        elif isinstance(node, FUNCTIONS):
            found.append(Name(node.name, 'function', where, node.lineno))
            args = node.args
            found += [Name(arg.arg, 'count' if is_int(arg) else 'argument', where, arg.lineno) for arg in
                      [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg] if arg is not None]
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.append(Name(node.attr, 'attribute', where, node.lineno))
    return found + [Name(name.id, 'constant', where, name.lineno) for name in assigned(tree.body)]


def is_int(argument: ast.arg) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation).startswith('int')


def assigned(body: list) -> list:
    """Names that the statements of a class or module assign."""
    targets = [target for node in body if isinstance(node, (ast.Assign, ast.AnnAssign))
               for target in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    return [name for target in targets for name in ast.walk(target)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]


def keys_of_config(path: Path) -> list:
    """Keys of the dicts of a config, its variables included."""
    where = str(path.relative_to(ROOT))
    tree = ast.parse(path.read_text(encoding='utf-8'), str(path))
    found = [Name(name.id, 'key', where, name.lineno) for name in assigned(tree.body)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [Name(word.arg, 'key', where, node.lineno) for word in node.keywords if word.arg]
        elif isinstance(node, ast.Dict):
            found += [Name(key.value, 'key', where, node.lineno) for key in node.keys
                      if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return found


def public_definitions(path: Path) -> list:
    """Classes and functions at the top of a module whose names do not begin with an underscore."""
    where = str(path.relative_to(ROOT))
    kinds = {ast.ClassDef: 'class', **dict.fromkeys(FUNCTIONS, 'function')}
    return [Name(node.name, kinds[type(node)], where, node.lineno) for node in ast.parse(path.read_text()).body
            if type(node) in kinds and not node.name.startswith('_')]
