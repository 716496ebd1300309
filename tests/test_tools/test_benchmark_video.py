"""The table of frames a second."""
import sys

from helpers.source_tree import ROOT

sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))
import benchmark_video  # noqa: E402


def test_table_of_all_cases(capsys):
    benchmark_video.main(['--num-frames', '12'])
    head, names, *rows = capsys.readouterr().out.splitlines()
    assert 'one thread' in head and names.split() == ['draw', 'mp4', 'gif'] and len(rows) == 4
    assert all(float(value) > 1 for row in rows for value in row.split()[-3:])
