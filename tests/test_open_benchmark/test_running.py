"""The command from beginning to end, on the embedded sample: tables, and what is done is not done again."""
import csv
import json
import os

import pytest
import torch

from mmegopose.cli import main
from mmegopose.engine.config import load_config
from mmegopose.evaluation.baselines import evaluate_head_pose_baselines
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
