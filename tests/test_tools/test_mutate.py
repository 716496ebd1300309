"""The mutants of a program, and that they are tried one at a time."""
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/mutate.py'


def test_every_place_is_changed_once():
    mutants = runpy.run_path(str(TOOL))['mutants']
    found = list(mutants('def f(x):\n    return x * 2 < 3.0 and not x or -x is True\n'))
    assert sorted(what for _, what, *_ in found) == ['2 -> 3', '3.0 -> 4.501', 'And -> Or', 'Lt -> LtE', 'Mult -> Div',
                                                    'Not twice', 'Or -> And', 'True -> False', 'USub twice']
    assert {line for line, *_ in found} == {2} and len({mutant.source for mutant in found}) == 9
    by_change = {mutant.what: mutant.source.splitlines()[1] for mutant in found}
    assert by_change['2 -> 3'] == '    return x * 3 < 3.0 and (not x) or -x is True'
    assert by_change['Not twice'] == '    return x * 2 < 3.0 and (not not x) or -x is True'


@pytest.mark.slow
def test_what_no_test_notices_is_told_and_the_file_is_put_back(tmp_path):
    module = tmp_path / 'twice.py'
    text = 'def twice(x):\n    return x * 2\n\n\ndef unseen(x):\n    return x + 1\n\n\nTWO = 2\n'
    module.write_text(text)
    library = tmp_path / '.venv/site-packages/once.py'
    library.parent.mkdir(parents=True)
    library.write_text('import sys\n\nassert not hasattr(sys, "once")\nsys.once = True\n')  # as torch does
    (tmp_path / 'test_twice.py').write_text(
        'import once\nfrom twice import twice\n\n\ndef test_twice():\n    assert twice(3) == 6\n')
    out = subprocess.run([sys.executable, TOOL, str(module), '--tests', 'test_twice.py'], cwd=tmp_path, text=True,
                         env=os.environ | dict(PYTHONPATH=f'{tmp_path}:{library.parent}'), capture_output=True,
                         check=True).stdout
    assert 'twice.py:6: 1 -> 2' in out and 'twice.py:6: Add -> Sub' in out and 'twice.py:9: 2 -> 3' in out
    assert 'twice.py:2:' not in out
    assert '5 of 5 mutants tried, 3 survived' in out and module.read_text() == text
