"""The table of the time of a push."""
import sys

import pytest
import torch
from helpers.source_tree import ROOT

sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))
import benchmark_streaming  # noqa: E402


def test_table_of_a_lifter(capsys, monkeypatch):
    threads = torch.get_num_threads()
    benchmark_streaming.main(['--configs', 'lifting/stcformer_27_sample.py', '--repeats', '2'])
    torch.set_num_threads(threads)
    head, names, row = capsys.readouterr().out.splitlines()
    assert 'one thread' in head and names.split()[:3] == ['config', 'push', 'network']
    values = [float(word) for word in row.replace('(', ' ').replace(')', ' ').split()[1:7]]
    assert all(value > 0 for value in values)


def test_repeats_are_counted_from_one(capsys):
    with pytest.raises(SystemExit):
        benchmark_streaming.main(['--repeats', '0'])
    assert '--repeats 0 should be at least 1' in capsys.readouterr().err
