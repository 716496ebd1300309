"""Damaged input of every kind is accepted and sane, or refused in one clear line; in bounded time and memory.

``python tests/fuzz/test_fuzz.py 20000 0`` tries that many and prints the table of docs/reliability.md.
"""
import contextlib
import copy
import io
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import helpers.fuzz_inference_targets  # noqa: E402, F401
from helpers.damage import damaged  # noqa: E402
from helpers.fuzz_targets import TARGETS  # noqa: E402

from mmegopose.engine import user_errors  # noqa: E402

LIMIT_S, LIMIT_BYTES = 20, 6 << 30
OUTCOMES = ('accepted', 'one line', 'without file', 'traceback', 'hang', 'silent')


class Hang(BaseException):
    """The time is over."""


def _over(*_):
    raise Hang


def insane(value) -> bool:
    """Whether there is an infinite or absurd number somewhere."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        if value.dtype.kind != 'f':
            return False
        known = value[~np.isnan(value)]
        return bool(known.size and (np.isinf(known).any() or np.abs(known).max() > 5e9))
    if isinstance(value, dict):
        return any(insane(item) for key, item in value.items() if key != 'time')  # of clocks that began long ago
    if isinstance(value, (list, tuple)):
        return any(insane(item) for item in value)
    if hasattr(value, 'frames') and hasattr(value, 'tables'):
        return insane({**value.frames, **value.tables})
    return isinstance(value, float) and value in (float('inf'), -float('inf'))


def outcome(read, root: Path, named: bool) -> tuple[str, str]:
    """What became of an input, and what was told."""
    errors = io.StringIO()
    signal.signal(signal.SIGALRM, _over)
    signal.alarm(LIMIT_S)
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()), user_errors(), \
                np.errstate(all='ignore'), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            value = read()
        return ('silent', '') if insane(value) else ('accepted', '')
    except SystemExit:
        text = errors.getvalue().strip().splitlines()[-1]
        return ('one line' if str(root) in text or not named else 'without file'), text
    except Hang:
        return 'hang', ''
    except Exception:
        return 'traceback', traceback.format_exc()
    finally:
        signal.alarm(0)


def attack(name: str, number: int, seed: int) -> tuple[Counter, list]:
    """Outcomes of ``number`` damaged inputs of a target, and what was wrong with each bad one."""
    found, bad, dice, kind = Counter(), [], random.Random(f'{name} {seed}'), TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        read = kind.prepare(root)
        files = sorted(path for path in root.glob(kind.pattern) if path.is_file())
        contents = [path.read_bytes() for path in files]
        assert files and (good := outcome(read, root, True)) == ('accepted', ''), (name, files, good)
        for _ in range(number):
            which = dice.randrange(len(files))
            before = copy.copy(contents[which])
            content = damaged(before, files[which].name, dice)
            files[which].write_bytes(content)
            result, text = outcome(read, root, getattr(kind, 'named', True))
            found[result] += 1
            if result not in ('accepted', 'one line'):
                bad.append((result, files[which].name, content, text))
            files[which].write_bytes(before)
    return found, bad


@pytest.fixture(autouse=True)
def bounded():
    """A bound of memory, which a claim of more than there is would break."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def wrong(bad):
    return [(result, name, text.strip().splitlines()[-1:]) for result, name, _, text in bad if result != 'without file']


@pytest.mark.parametrize('name', TARGETS)
def test_damaged_input_is_sane_or_told(name):
    found, bad = attack(name, 8, seed=0)
    assert wrong(bad) == [] and sum(found.values()) == 8


@pytest.mark.slow
@pytest.mark.parametrize('name', TARGETS)
def test_much_damaged_input_is_sane_or_told(name):
    assert wrong(attack(name, 60, seed=1)[1]) == []


def main(number: int, seed: int, *names: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    names = names or tuple(TARGETS)
    total, each = Counter(), -(-number // len(names))
    print('| input | cases | ' + ' | '.join(OUTCOMES) + ' | s |\n|---|' + '---:|' * (len(OUTCOMES) + 2), flush=True)
    for name in names:
        start = time.monotonic()
        found, bad = attack(name, each, seed)
        total += found
        print(f'| {name} | {each} | ' + ' | '.join(str(found[key]) for key in OUTCOMES)
              + f' | {time.monotonic() - start:.0f} |', flush=True)
        for result, file, content, text in bad:
            print(f'{name} {result} {file} {content[:0]!r}: {text[-700:]}', file=sys.stderr, flush=True)
    print(f'| **all** | {sum(total.values())} | ' + ' | '.join(str(total[key]) for key in OUTCOMES) + ' | |')


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
