"""The command from beginning to end, on the embedded sample: tables, and what is done is not done again."""
import csv
import dataclasses
import json
import os
import time

import pytest
import torch

from mmegopose.cli import main
from mmegopose.engine.config import load_config
from mmegopose.evaluation.baselines import evaluate_head_pose_baselines
from mmegopose.open_benchmark import BenchmarkRow, default_rows, running
from mmegopose.open_benchmark.motions import open_motions
from mmegopose.open_benchmark.tasks import TASKS
from mmegopose.open_benchmark.training import training_name
from mmegopose.registry import MODELS

SMALL = {'model.backbone.depth': 1, 'model.backbone.embed_dim': 32, 'model.backbone.num_heads': 2,
         'model.head.embed_dim': 32}


def save_random_weights(path, config, options, seed):
    torch.manual_seed(seed)
    torch.save(dict(state_dict=MODELS.build(load_config(config, options).model).state_dict()), path)


def run(tmp_path, *arguments):
    return main(['benchmark', 'open', '--data', 'sample', '--out', str(tmp_path / 'out'), *arguments])


@pytest.mark.slow
def test_a_second_call_does_only_what_is_new(tmp_path, capsys):
    config = 'mmegopose::head_pose/head_wrists_body.py'
    for seed in (0, 1):
        save_random_weights(tmp_path / f'{seed}.pth', config, SMALL, seed)
    (tmp_path / 'rows.json').write_text(json.dumps(dict(rows=[
        dict(name='mean pose at head height', task='head', rule='mean pose at head height'),
        dict(name='ridge', task='head', rule='ridge regression'),
        dict(name='two seeds', task='head_wrists', config=config, checkpoints=['0.pth', '1.pth'], options=SMALL)])))
    assert run(tmp_path, '--rows', str(tmp_path / 'rows.json')) == 0
    first = capsys.readouterr().out
    assert 'as before' not in first and '| two seeds | ' in first and ' ± ' in first
    table = json.loads((tmp_path / 'out/table.json').read_text())
    rows = list(csv.DictReader((tmp_path / 'out/table.csv').read_text().splitlines()))
    by_name = {row['row']: row['numbers'] for row in table['tasks']['head']}
    height = by_name['mean pose at head height']['head alone']
    assert height['measures']['MPJPE, 12 joints'] == dict(value=pytest.approx(43.53, abs=0.01), deviation=None,
                                                          interval=None)  # one motion alone has no interval
    cfg = load_config('mmegopose::levelwise_vit.py')
    known = evaluate_head_pose_baselines(cfg.train_dataloader.dataset, cfg.val_dataloader.dataset,
                                         dict(type='BodyPoseMetric', clip_filter=False))
    for name, rule in (('ridge', 'ridge regression'), ('mean pose at head height',) * 2):
        measures = by_name[name]['head alone']['measures']
        for measure, key in (('MPJPE, 12 joints', 'MPJPE_body12'), ('MPJPE, 17 joints', 'MPJPE'), ('MPJVE', 'MPJVE')):
            assert measures[measure]['value'] == pytest.approx(known[rule][f'body/{key}'], rel=1e-9)
    assert {row['condition'] for row in rows if row['task'] == 'head_wrists'} == {
        'both wrists', '10 % lost', 'no wrists'}
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out/results').iterdir()}
    assert len(kept) == 4

    save_random_weights(tmp_path / '1.pth', config, SMALL, 2)  # the same name, other weights
    damaged = next(path for path in kept if path.name.startswith('head-val'))
    damaged.write_text(damaged.read_text()[:500])
    os.utime(damaged, ns=(kept[damaged] - 10**9,) * 2)
    with pytest.warns(UserWarning, match='made anew'):
        run(tmp_path, '--rows', str(tmp_path / 'rows.json'))
    assert capsys.readouterr().out.count('as before') == 2
    now = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out/results').iterdir()}
    assert len(now) == 5 and sum(now[path] == kept[path] for path in kept) == 3
    assert json.loads((tmp_path / 'out/table.json').read_text())['tasks']['head'] == table['tasks']['head']


@pytest.mark.slow
def test_the_sample_without_training(tmp_path, capsys):
    """All rules, and the models that come with the package."""
    start = time.monotonic()
    assert run(tmp_path) == 0
    assert time.monotonic() - start < 60 * (1 + os.getloadavg()[0])
    table = json.loads((tmp_path / 'out/table.json').read_text())['tasks']
    for row in default_rows():
        assert row.name in [found['row'] for found in table[row.task]]
    page = (tmp_path / 'out/report.html').read_text()
    assert all(f'id="{task}"' in page for task in TASKS) and 'NaN' not in page
    values = {name: [row['numbers'] for row in rows] for name, rows in table.items()}
    assert values['lifting'][1]['all']['measures']['MPJPE']['value'] == pytest.approx(259.52, abs=0.01)
    assert '| linear | 259.52' in capsys.readouterr().out


def test_ctrl_c_loses_nothing(tmp_path, monkeypatch, capsys):
    rules, scored = ('mean pose', 'ridge regression'), []

    def evaluate(row, checkpoint, motions, split):
        scored.append(row.rule)
        if len(scored) == 2:
            raise KeyboardInterrupt
        errors = {name: [12.0] for name in (*TASKS['head'].measures, 'joint/knee')}
        sequence = dict(name='a', uid='a', subject='s', action='walk', scenario='walk', motion='a')
        return {'head alone': dict(sequences=[sequence], num_frames=[4], sums=errors, skeleton='coco17', worst=[],
                                   counts={name: [4] for name in errors}, branches=None)}

    monkeypatch.setattr(running, 'evaluate_row', evaluate)
    for _ in range(2):
        try:
            run(tmp_path, '--rows', str(write_rules(tmp_path, rules)))
        except SystemExit as stop:
            assert stop.code == 130
            assert 'mean pose' in (tmp_path / 'out/report.html').read_text()
    assert scored == [rules[0], rules[1], rules[1]]
    assert 'as before' in capsys.readouterr().out
    assert '| ridge regression | 3.00 |' in (tmp_path / 'out/table.md').read_text()


def test_models_without_wrists_are_no_rows_of_head_and_wrists(tmp_path, capsys):
    save_random_weights(tmp_path / '0.pth', 'mmegopose::head_pose/head_body.py', SMALL, 0)
    (tmp_path / 'rows.json').write_text(json.dumps(dict(rows=[dict(
        name='blind', task='head_wrists', config='mmegopose::head_pose/head_body.py', checkpoints=['0.pth'],
        options=SMALL)])))
    with pytest.raises(SystemExit):
        run(tmp_path, '--rows', str(tmp_path / 'rows.json'))
    assert 'models that read wrists' in capsys.readouterr().err


def write_rules(folder, rules):
    path = folder / 'rules.json'
    path.write_text(json.dumps(dict(rows=[dict(name=rule, task='head', rule=rule) for rule in rules])))
    return path


def test_mistakes_are_told_before_anything_is_computed(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, '--only', 'ridge regresion')
    assert "no row 'ridge regresion'; nearest: 'ridge regression'" in capsys.readouterr().err
    (tmp_path / 'rows.json').write_text(json.dumps(dict(rows=[
        dict(name='mean', task='head', rule='mean pose'),
        dict(name='untrained', task='head', config='mmegopose::levelwise_vit.py')])))
    with pytest.raises(SystemExit):
        run(tmp_path, '--rows', str(tmp_path / 'rows.json'))
    told = capsys.readouterr()
    assert "row 'untrained' has no checkpoint" in told.err and 'mean' not in told.out
    with pytest.raises(SystemExit):
        main(['benchmark', 'open', '--data', str(tmp_path), '--out', str(tmp_path / 'out'), '--models', 'nobody'])
    assert 'nobody' in capsys.readouterr().err


def test_a_config_that_cannot_be_used_is_told_with_its_row_before_anything_is_computed(tmp_path, capsys):
    save_random_weights(tmp_path / '0.pth', 'mmegopose::head_pose/head_body.py', SMALL, 0)
    for text, told in (('model = [', 'cannot be read'), ('x = 1', 'has no model or no data to test on')):
        (tmp_path / 'bad.py').write_text(text)
        (tmp_path / 'rows.json').write_text(json.dumps([
            dict(name='mean', task='head', rule='mean pose'),
            dict(name='mine', task='head', config='bad.py', checkpoints=['0.pth'])]))
        with pytest.raises(SystemExit):
            run(tmp_path, '--rows', str(tmp_path / 'rows.json'))
        shown = capsys.readouterr()
        assert "row 'mine' of head: " in shown.err and told in shown.err and 'mean' not in shown.out


def test_predictions_that_are_not_finite_have_no_score_and_the_rows_before_stay(tmp_path, capsys):
    config = 'mmegopose::head_pose/head_body.py'
    model = MODELS.build(load_config(config, SMALL).model)
    weights = model.state_dict()
    last = [name for name in weights if name.startswith('head.') and name.endswith('weight')][-1]
    weights[last] = torch.full_like(weights[last], 3e38)  # finite, what they give is not
    torch.save(dict(state_dict=weights), tmp_path / '0.pth')
    (tmp_path / 'rows.json').write_text(json.dumps([
        dict(name='mean', task='head', rule='mean pose'),
        dict(name='wild', task='head', config=config, checkpoints=['0.pth'], options=SMALL)]))
    with pytest.raises(SystemExit):
        run(tmp_path, '--rows', str(tmp_path / 'rows.json'))
    assert "row 'wild' of head" in (told := capsys.readouterr().err) and 'not finite' in told
    assert '| mean | 56.53 |' in (tmp_path / 'out/table.md').read_text()
    assert 'mean' in (tmp_path / 'out/report.html').read_text()


@pytest.mark.parametrize('name', ['', 'file'])
def test_results_go_into_a_folder(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(SystemExit):
        main(['benchmark', 'open', '--data', 'sample', '--out', name, '--only', 'mean pose'])
    assert f'--out {name!r} is no folder' in capsys.readouterr().err and (tmp_path / 'file').read_text() == 'mine'


def test_trainings_of_other_rows_options_or_data_are_not_taken_for_those_of_a_row(tmp_path):
    sample = open_motions('sample')

    def name(row='a b', motions=sample, **options):
        return training_name(BenchmarkRow(row, 'head', config='mmegopose::levelwise_vit.py', options=options), motions)

    assert name() == name()
    others = [name(), name('a_b'), name('../../a/b'), name(**{'train_cfg.max_iters': 7}),
              name(motions=dataclasses.replace(sample, checksum='other'))]
    assert len(set(others)) == len(others) and not any('/' in other or '..' in other for other in others)


@pytest.mark.parametrize('entry', [{}, 'take', dict(take_name='a', task_name=3)])
def test_a_folder_whose_takes_have_no_names_is_told(tmp_path, entry):
    (tmp_path / 'takes.json').write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match=r'takes.json: take 0 has no text take_name and task_name'):
        open_motions(str(tmp_path))
