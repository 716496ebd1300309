"""Rows: declared in a file, wrong ones told in one line."""
import json

import pytest

from mmegopose.commands import benchmark
from mmegopose.engine import load_config
from mmegopose.open_benchmark import BenchmarkRow, default_rows, read_rows
from mmegopose.open_benchmark.rows import chosen, data_of
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
    (dict(task='head', rule='mean pose'), 'row 1 has no name'),
    (dict(name=5, task='head', rule='mean pose'), 'name=5 should be text'),
    (dict(name=' ', task='head', rule='mean pose'), "name=' ' should be text"),
    (dict(name='a\nb', task='head', rule='mean pose'), 'in one line'),
    (dict(name='a', task=['head'], rule='mean pose'), r"rows.json: row 'a': task=\['head'\] should be text"),
    (dict(name='a', task='head', model=4), 'model=4 should be text'),
    (dict(name='a', task='head', config='c.py', checkpoints=3), 'checkpoints=3 should be a list of files'),
    (dict(name='a', task='head', config='c.py', checkpoints=[3]), r'checkpoints=\[3\] should be a list of files'),
    (dict(name='a', task='head', config='c.py', seeds=3), 'seeds=3 should be a list of whole numbers'),
    (dict(name='a', task='head', config='c.py', seeds=[]), r'seeds=\[\] should name one or more'),
    (dict(name='a', task='head', config='c.py', seeds=[1, 1]), 'each once'),
    (dict(name='a', task='head', rule='mean pose', options='abc'), "options='abc' should be a dict of dotted keys")])
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


def test_rows_of_json_may_be_a_plain_list_and_damage_is_told(tmp_path):
    path = tmp_path / 'rows.json'
    path.write_text('[{"name": "a", "task": "head", "rule": "mean pose"}]')
    assert [row.name for row in read_rows(path)] == ['a']
    path.write_text('{"rows": [')
    with pytest.raises(ValueError, match='rows.json is not readable JSON'):
        read_rows(path)


def work_dir(folder, config):
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(f"_base_ = 'mmegopose::{config}'\n")
    (folder / 'iter_1.pth').write_bytes(b'')
    return str(folder)


def test_work_dirs_of_one_name_are_rows_of_their_own(tmp_path):
    models = [work_dir(tmp_path / run / 'best', 'head_pose/head_wrists_body.py') for run in ('a', 'b')]
    rows = [row for row in default_rows(models) if row.model]
    assert [(row.name, row.task) for row in rows] == [(m, task) for m in models for task in ('head', 'head_wrists')]
    assert {row.name for row in default_rows(models[:1]) if row.model} == {'best'}
    with pytest.raises(ValueError, match='two rows'):
        default_rows(models[:1] * 2)


def test_models_of_the_package_are_rows():
    rows = {(row.name, row.task): row for row in default_rows() if row.model}
    assert {('head-wrists-body', 'head'), ('head-wrists-body', 'head_wrists'), ('lifter', 'lifting')} == set(rows)
    data = {task: data_of(load_config(row.find()[0])) for (_, task), row in rows.items()}  # published: no validation
    assert data['head'] == data['head_wrists'] and data['lifting'].type == 'MocapLiftingDataset'


def test_a_model_that_no_task_is_for_is_told(tmp_path):
    with pytest.raises(ValueError, match='hand reads neither head tracks nor 2D poses'):
        default_rows([work_dir(tmp_path / 'hand', 'mesh/extpose-tiny_synthetic-hand.py')])
