"""The table of the time of exported models."""
import sys

import pytest
import torch
from helpers.source_tree import ROOT

sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))
import benchmark_export  # noqa: E402


@pytest.mark.slow
def test_table_of_the_coarse_model(capsys):
    threads = torch.get_num_threads()
    benchmark_export.main(['--configs', 'head_pose/levelwise_vit_coarse_only.py', '--repeats', '2'])
    torch.set_num_threads(threads)
    head, names, row = capsys.readouterr().out.splitlines()
    assert 'one thread' in head and names.split()[:3] == ['config', 'ONNX', 'Runtime']
    values = [float(word) for word in row.replace('(', ' ').replace(')', ' ').split()[1:]]
    assert len(values) == 7 and all(value > 0 for value in values)


def test_there_is_something_to_measure(capsys):
    with pytest.raises(SystemExit):
        benchmark_export.main(['--repeats', '0'])
    assert '--repeats 0 should be at least 1' in capsys.readouterr().err
