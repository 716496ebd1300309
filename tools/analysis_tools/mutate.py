"""Change one place of a file at a time and see whether the tests notice: what survives needs a test, or an explanation.

Numbers, truth values, comparisons, signs and products are changed. The tests and what they import are loaded once: a
mutant inside of a function is tried in a fork of this process, which has run nothing of it. One outside, such as a
constant of the module, is written to the file and tried in a fork that has nothing but large libraries; the file is put
back at the end, also after Ctrl-C.

Example:
    python tools/analysis_tools/mutate.py mmegopose/evaluation/functional/joint_errors.py \\
        --tests tests/test_evaluation/test_functional.py tests/test_evaluation/test_alignment.py --limit 40
"""
import argparse
import ast
import gc
import importlib
import inspect
import multiprocessing
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

import pytest

SWAPS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
         ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult}
MEMORY = 12 << 30  # bytes that the tests of a mutant may take


class Mutant(NamedTuple):
    """A changed program.

    Attributes:
        line: of the change.
        what: was changed.
        source: all of it.
        function: qualified name of the function in whose body the change is; None: outside of any.
    """
    line: int
    what: str
    source: str
    function: str | None


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a program."""
    tree = ast.parse(source)
    functions = dict(_bodies(tree, ''))
    for node in list(ast.walk(tree)):
        change = _change(node)
        if change:
            before = dict(vars(node))
            what = change(node)
            yield Mutant(getattr(node, 'lineno', 0), what, ast.unparse(tree), functions.get(node))
            vars(node).update(before)


def _bodies(scope: ast.AST, name: str) -> Iterator[tuple[ast.AST, str]]:
    """Every node in the body of a function of a module or class, with the function's qualified name; but for setters,
    which have that of their getter."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.ClassDef):
            yield from _bodies(child, f'{name}{child.name}.')
        elif isinstance(child, ast.FunctionDef) and not any(
                isinstance(node, ast.Attribute) and node.attr == 'setter' for node in child.decorator_list):
            yield from ((node, name + child.name) for part in child.body for node in ast.walk(part))


def _change(node: ast.AST) -> Callable | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        return _number
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return _comparison
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        return _operator
    if isinstance(node, ast.UnaryOp) and type(node.op) in (ast.USub, ast.Invert, ast.Not):
        return _sign
    return None


def _number(node: ast.Constant) -> str:
    before = node.value
    node.value = {bool: lambda x: not x, int: lambda x: x + 1, float: lambda x: x * 1.5 + 1e-3}[type(before)](before)
    return f'{before} -> {node.value}'


def _sign(node: ast.UnaryOp) -> str:
    node.operand = ast.UnaryOp(node.op, node.operand)
    return f'{type(node.op).__name__} twice'


def _comparison(node: ast.Compare) -> str:
    before, node.ops = node.ops[0], [SWAPS[type(node.ops[0])](), *node.ops[1:]]
    return f'{type(before).__name__} -> {type(node.ops[0]).__name__}'


def _operator(node) -> str:
    before, node.op = node.op, SWAPS[type(node.op)]()
    return f'{type(before).__name__} -> {type(node.op).__name__}'


LIBRARIES = ['torch.distributed.tensor', 'mmengine.runner', 'cv2', 'scipy.spatial.transform']
"""Loaded once: seconds. The first would else be loaded by the first ``assert_close`` of each fork."""
OPTIONS = ['-q', '-x', '-p', 'no:cacheprovider', '-m', 'not slow']


class Trial:
    """Tests of a file, tried on its mutants."""

    def __init__(self, file: Path, tests: list[str]):
        self.file, self.tests, self.source = file, tests, file.read_text(encoding='utf-8')
        sys.path.insert(0, os.getcwd())
        for name in LIBRARIES:
            importlib.import_module(name)
        _quietly(lambda: pytest.main([*OPTIONS, '--collect-only', *tests]))
        here = {name: Path(module.__file__) for name, module in sys.modules.items()
                if getattr(module, '__file__', None) and Path(module.__file__).is_relative_to(Path.cwd())
                and 'site-packages' not in Path(module.__file__).parts}  # of an environment in this folder
        self.module = next((sys.modules[name] for name, path in here.items() if path == file.resolve()), None)
        package = file.resolve().relative_to(Path.cwd()).parts[0]
        for name, path in here.items():  # tests may compute when they are loaded: a fork loads them again
            if path.relative_to(Path.cwd()).parts[0] != package and name != '__main__':
                del sys.modules[name]
        gc.freeze()  # nothing of it is looked through, and so copied, in a fork

    def survives(self, mutant: Mutant | None, timeout: float) -> bool:
        """Whether all tests pass."""
        function = None if mutant is None or self.module is None else _functions(self.module).get(mutant.function)
        if mutant is None:
            return _ends_well('fork', _test, [self.tests], timeout)
        if function is not None:
            return _ends_well('fork', self._test_with, [mutant, function], timeout)
        try:
            self.file.write_text(mutant.source, encoding='utf-8')
            return _ends_well('forkserver', _test, [self.tests], timeout + 20)
        finally:
            self.file.write_text(self.source, encoding='utf-8')

    def _test_with(self, mutant: Mutant, function: FunctionType):
        code = compile(mutant.source, self.file, 'exec')
        function.__code__ = next(found for found in _codes(code) if found.co_qualname == mutant.function)
        _test(self.tests)


def _ends_well(method: str, target: Callable, args: list, timeout: float) -> bool:
    context = multiprocessing.get_context(method)
    if method == 'forkserver':
        context.set_forkserver_preload(LIBRARIES)
    child = context.Process(target=target, args=args)
    child.start()
    child.join(timeout)
    child.kill()
    child.join()
    return child.exitcode == 0


def _test(tests: list[str]):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.dont_write_bytecode = True
    os._exit(_quietly(lambda: int(pytest.main([*OPTIONS, *tests]))))


def _quietly(run: Callable):
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, 'w') as null:
        for number in (1, 2):
            os.dup2(null.fileno(), number)
        try:
            return run()
        finally:
            for number, old in zip((1, 2), kept):
                os.dup2(old, number)


def _functions(module: ModuleType) -> dict[str, FunctionType]:
    """Functions and methods of a module by their qualified names."""
    classes = [value for value in vars(module).values() if inspect.isclass(value)
               and value.__module__ == module.__name__]
    values = [value for scope in (module, *classes) for value in vars(scope).values()]
    values = [getattr(value, 'fget', None) or getattr(value, 'func', None) or getattr(value, '__func__', value)
              for value in values]
    values = [inspect.unwrap(value) if callable(value) else value for value in values]
    return {value.__qualname__: value for value in values
            if isinstance(value, FunctionType) and value.__module__ == module.__name__}


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=Path, help='module of the package')
    parser.add_argument('--tests', nargs='+', required=True, help='files of tests that should notice')
    parser.add_argument('--limit', type=int, default=50, help='mutants to try, drawn at random')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    trial = Trial(args.file, args.tests)
    every = list(mutants(trial.source))
    chosen = random.Random(args.seed).sample(every, min(args.limit, len(every)))
    begin = time.monotonic()
    if not trial.survives(None, 600):
        sys.exit('error: the tests fail without any change, or take ten minutes')
    timeout, count = 5 * (time.monotonic() - begin) + 20, 0
    for mutant in sorted(chosen):
        if trial.survives(mutant, timeout):
            count += 1
            print(f'survived {args.file}:{mutant.line}: {mutant.what}', flush=True)
    print(f'{len(chosen)} of {len(every)} mutants tried, {count} survived')


if __name__ == '__main__':
    main()
