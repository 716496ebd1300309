"""Rows: declared in a file, wrong ones told in one line."""
import json

import pytest

from mmegopose.commands import benchmark
from mmegopose.open_benchmark import BenchmarkRow, default_rows, read_rows
from mmegopose.open_benchmark.rows import chosen
from mmegopose.open_benchmark.tasks import TASKS


def write(tmp_path, *rows):
    path = tmp_path / 'rows.json'
    path.write_text(json.dumps(dict(rows=rows)))
    return path


def test_rows_of_a_file_have_paths_relative_to_it(tmp_path):
    (tmp_path / 'my.py').write_text('model = None\n')
    row, = read_rows(write(tmp_path, dict(name='mine', task='head', config='my.py', checkpoints=['a.pth', '/b.pth'])))
    assert row.config == str(tmp_path / 'my.py') and row.checkpoints == (str(tmp_path / 'a.pth'), '/b.pth')
    with pytest.raises(FileNotFoundError, match="'mine'.*a.pth is no checkpoint"):
        row.find()
    python = tmp_path / 'rows.py'
    python.write_text("rows = [dict(name=rule, task='head', rule=rule) for rule in ('mean pose',)]\n")
    assert [row.rule for row in read_rows(python)] == ['mean pose']


@pytest.mark.parametrize('row, message', [
    (dict(name='a', task='heads', rule='mean pose'), 'no task'),
    (dict(name='a', task='head', rule='linear'), "no rule 'linear'"),
    (dict(name='a', task='head'), 'needs one of rule, model, or config'),
    (dict(name='a', task='head', model='m', config='c.py'), 'needs one of'),
    (dict(name='a', task='head', model='m', checkpoints=['b']), 'a model has its checkpoint'),
    (dict(name='a', task='head', checkpoint='b'), 'nearest: checkpoints'),
    (dict(task='head', rule='mean pose'), 'row 1 has no name')])
def test_wrong_rows_are_told(tmp_path, row, message):
    with pytest.raises(ValueError, match=message):
        read_rows(write(tmp_path, row))


def test_names_come_once_in_a_task(tmp_path):
    row = dict(name='a', task='head', rule='mean pose')
    with pytest.raises(ValueError, match="two rows 'a'"):
        read_rows(write(tmp_path, row, row))
    assert len(read_rows(write(tmp_path, row, dict(row, task='lifting')))) == 2


def test_unknown_names_of_rows_are_told_with_the_nearest():
    rows = [BenchmarkRow(rule, 'head', rule=rule) for rule in TASKS['head'].rules]
    assert [row.name for row in chosen(rows, ['mean pose'], None)] == ['mean pose']
    assert chosen(rows, None, ['lifting']) == []
    with pytest.raises(ValueError, match="no row 'mean pos'; nearest: 'mean pose'"):
        chosen(rows, ['mean pos'], None)


def test_every_task_has_its_rules_by_default_and_the_command_knows_the_tasks():
    rows = default_rows([])
    assert [(row.task, row.rule) for row in rows] == [(t.name, rule) for t in TASKS.values() for rule in t.rules]
    assert tuple(TASKS) == benchmark.TASKS
