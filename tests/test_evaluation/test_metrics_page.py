"""The example of ``docs/metrics.md`` runs as it stands there."""
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.evaluation_samples import dataset_meta, run, standard_takes, windows

from mmegopose.evaluation.metric_facts import build_metrics, table_columns

PAGE = Path(__file__).parents[2] / 'docs/metrics.md'


def test_metric_of_your_own():
    code, = re.findall(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), re.DOTALL)
    exec(code, {'__name__': 'page'})
    takes = standard_takes(np.random.default_rng(0))
    metric, = build_metrics(dict(type='FootSlidingMetric'), dataset_meta(takes))
    heading, name = table_columns([metric]).popitem()
    found = run(metric, takes, windows(np.random.default_rng(1), takes))
    speeds = [torch.from_numpy(take['pred'])[:, -2:].diff(dim=0).norm(dim=-1).mean().item() for take in takes]
    assert heading == 'foot sliding (m/frame)' and found[name] == pytest.approx(np.mean(speeds))


def test_files_that_the_page_names_are_there():
    names = re.findall(r'`([a-z0-9_/]+\.py)`', PAGE.read_text(encoding='utf-8'))
    room = PAGE.parents[1] / 'mmegopose/evaluation'
    assert len(names) >= 6
    assert [name for name in names if not ((room / 'benchmarks' / name).is_file() or (room / name).is_file()
                                           or (PAGE.parents[1] / 'tools/analysis_tools' / name).is_file())] == []
