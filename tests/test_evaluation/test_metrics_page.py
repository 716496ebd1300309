"""The files that ``docs/metrics.md`` names are there."""
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / 'docs/metrics.md'


def test_files_that_the_page_names_are_there():
    names = re.findall(r'`([a-z0-9_/]+\.py)`', PAGE.read_text(encoding='utf-8'))
    room = PAGE.parents[1] / 'mmegopose/evaluation'
    assert len(names) >= 5
    assert [name for name in names if not ((room / 'benchmarks' / name).is_file() or (room / name).is_file()
                                           or (PAGE.parents[1] / 'tools/analysis_tools' / name).is_file())] == []
