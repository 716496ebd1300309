"""The mutants of a program, and that they are tried one at a time."""
import runpy
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/mutate.py'


def test_every_place_is_changed_once():
    mutants = runpy.run_path(str(TOOL))['mutants']
    found = [(line, what, text) for line, what, text in mutants('def f(x):\n    return x * 2 < 3.0 and x\n')]
    assert sorted(what for _, what, _ in found) == ['2 -> 3', '3.0 -> 4.501', 'And -> Or', 'Lt -> LtE', 'Mult -> Div']
    assert {line for line, *_ in found} == {2} and len({text for *_, text in found}) == 5
    assert 'return x * 3 < 3.0 and x' in next(text for _, what, text in found if what == '2 -> 3')


@pytest.mark.slow
def test_what_no_test_notices_is_told_and_the_file_is_put_back(tmp_path, monkeypatch, capsys):
    module, text = tmp_path / 'twice.py', 'def twice(x):\n    return x * 2\n\n\ndef unseen(x):\n    return x + 1\n'
    module.write_text(text)
    (tmp_path / 'test_twice.py').write_text(
        'from twice import twice\n\n\ndef test_twice():\n    assert twice(3) == 6\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(sys, 'argv', ['mutate.py', str(module), '--tests', 'test_twice.py'])
    runpy.run_path(str(TOOL), run_name='__main__')
    out = capsys.readouterr().out
    assert 'twice.py:6: 1 -> 2' in out and 'twice.py:6: Add -> Sub' in out and 'twice.py:2' not in out
    assert '4 of 4 mutants tried, 2 survived' in out and module.read_text() == text
