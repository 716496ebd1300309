"""Change one place of a file at a time and see whether the tests notice: what survives needs a test, or an explanation.

Numbers, comparisons, signs and products are changed. The file is put back each time, also after Ctrl-C.

Example:
    python tools/analysis_tools/mutate.py mmegopose/evaluation/functional/joint_errors.py \\
        --tests tests/test_evaluation/test_functional.py tests/test_evaluation/test_alignment.py --limit 40
"""
import argparse
import ast
import copy
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SWAPS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
         ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """``(line, what, source)`` of every mutant of a program."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            target = next(other for i, other in enumerate(ast.walk(mutant)) if i == number)
            what = change(target)
            yield getattr(node, 'lineno', 0), what, ast.unparse(mutant)


def _changes(node: ast.AST) -> list:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return [_number]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return [_comparison]
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        return [_operator]
    return []


def _number(node: ast.Constant) -> str:
    before, node.value = node.value, node.value + 1 if isinstance(node.value, int) else node.value * 1.5 + 1e-3
    return f'{before} -> {node.value}'


def _comparison(node: ast.Compare) -> str:
    before, node.ops[0] = node.ops[0], SWAPS[type(node.ops[0])]()
    return f'{type(before).__name__} -> {type(node.ops[0]).__name__}'


def _operator(node) -> str:
    before, node.op = node.op, SWAPS[type(node.op)]()
    return f'{type(before).__name__} -> {type(node.op).__name__}'


def survives(tests: list, timeout: float) -> bool:
    """Whether all tests pass."""
    try:
        return subprocess.run([sys.executable, '-m', 'pytest', '-q', '-x', '-m', 'not slow', *map(str, tests)],
                              capture_output=True, timeout=timeout).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=Path, help='module of the package')
    parser.add_argument('--tests', nargs='+', required=True, help='files of tests that should notice')
    parser.add_argument('--limit', type=int, default=50, help='mutants to try, drawn at random')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--timeout', type=float, default=300, help='seconds of the tests of one mutant')
    args = parser.parse_args()
    source = args.file.read_text(encoding='utf-8')
    every = list(mutants(source))
    chosen = random.Random(args.seed).sample(every, min(args.limit, len(every)))
    if not survives(args.tests, args.timeout):
        sys.exit('error: the tests fail without any change')
    left = []
    try:
        for line, what, text in sorted(chosen):
            args.file.write_text(text, encoding='utf-8')
            if survives(args.tests, args.timeout):
                left.append(f'{args.file}:{line}: {what}')
                print(f'survived {left[-1]}', flush=True)
    finally:
        args.file.write_text(source, encoding='utf-8')
    print(f'{len(chosen)} of {len(every)} mutants tried, {len(left)} survived')


if __name__ == '__main__':
    main()
