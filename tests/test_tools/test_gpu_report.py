"""The report of a GPU: its stages at tiny size on a CPU, and what becomes of one that fails or does not fit."""
import importlib
import json
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'
sys.path.insert(0, str(FOLDER))

import gpu_report  # noqa: E402
from gpu_stages import STAGES, run, stages  # noqa: E402
from gpu_stages.goals import goals  # noqa: E402


def arguments(out, *more):
    return gpu_report.parse_args(['--scale', 'tiny', '--device', 'cpu', '--out', str(out), *map(str, more)])


def rows_of(name, tmp_path):
    stage, found = STAGES[name], run.Found(name, 600, tmp_path)
    module, function = stage.function.split(':')
    getattr(importlib.import_module(f'gpu_stages.{module}'), function)(
        found, arguments(tmp_path), *[stage.argument] if stage.argument else [])
    assert json.loads((tmp_path / f'{name}.json').read_text())['rows'] == found.rows
    assert not [row for row in found.rows if 'failed' in row.get('note', '')]
    return {row['name']: row for row in found.rows}


def test_a_stage_writes_its_page(tmp_path):
    assert gpu_report.main(['--stages', 'card', '--scale', 'tiny', '--device', 'cpu', '--out', str(tmp_path)]) == 0
    stage = json.loads((tmp_path / 'report.json').read_text())['stages']['card']
    assert stage['state'] == 'done' and all(row['tflops'] > 0 for row in stage['rows'])
    page = (tmp_path / 'report.md').read_text()
    assert 'bf16, 256 x 256 x 256' in page and torch.__version__ in page


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Stages ``good``, ``bad``, ``slow`` and ``large`` whose processes are small programs."""
    programs = dict(
        good="write([dict(name='a', ms=1.0)])",
        bad="write([dict(name='b', ms=2.0)], error='ValueError: no such thing'); print('told'); raise SystemExit(1)",
        slow="write([dict(name='c', ms=3.0)]); time.sleep(60)",
        large="write([])")
    script = tmp_path / 'stage.py'
    script.write_text(
        'import json, sys, time\nname, _, folder = sys.argv[-3:]\n'
        "def write(rows, **facts):\n    json.dump(dict(facts, rows=rows), open(f'{folder}/{name}.json', 'w'))\n"
        f'exec({programs!r}[name])\n')
    known = {name: stages.Stage(1, name, '', 1e6 if name == 'large' else 0.5, 4.0) for name in programs}
    for module in (run, stages, importlib.import_module('gpu_stages.markdown')):
        monkeypatch.setattr(module, 'STAGES', known)
    return [sys.executable, str(script)]


def test_what_fails_stops_or_does_not_fit_is_told_and_the_next_goes_on(tmp_path, commands):
    args = gpu_report.parse_args([
        '--stages', '1', '--device', 'cpu', '--out', str(tmp_path / 'out'), '--budget', '100'])
    assert run.run_report(args, commands) == 1
    found = json.loads((tmp_path / 'out/report.json').read_text())['stages']
    assert {name: entry['state'] for name, entry in found.items()} == dict(
        good='done', bad='failed', slow='stopped', large='skipped')
    assert [found[name]['rows'][0]['ms'] for name in ('good', 'bad', 'slow')] == [1.0, 2.0, 3.0]
    assert found['bad']['error'] == 'ValueError: no such thing' and 'told' in found['bad']['log']
    page = (tmp_path / 'out/report.md').read_text()
    assert 'stopped after 4 s' in page and 'it takes at least 1000000 s' in page


def test_another_run_keeps_the_stages_that_are_there(tmp_path, commands):
    for name in ('good', 'bad'):
        args = gpu_report.parse_args(['--stages', name, '--device', 'cpu', '--out', str(tmp_path / 'out')])
        assert run.run_report(args, commands) == int(name == 'bad')
    assert set(json.loads((tmp_path / 'out/report.json').read_text())['stages']) == {'good', 'bad'}


def test_a_stage_that_does_not_exist(tmp_path):
    with pytest.raises(ValueError, match='there are the groups 1, 2, 3, 4 and the stages card'):
        gpu_report.main(['--stages', '7', 'card', '--out', str(tmp_path)])


def test_wrong_options_are_told(tmp_path):
    (tmp_path / 'report').write_text('')
    for options, told in ((['--out', str(tmp_path / 'report')], 'is a file: name a folder'),
                          (['--out', str(tmp_path / 'new'), '--workers', '-1'], '--workers -1 should be 0 or more')):
        with pytest.raises(ValueError, match=told):
            gpu_report.main([*options, '--device', 'cpu', '--scale', 'tiny'])


def test_trainings_share_what_is_left():
    trainings = [stage for stage in STAGES.values() if stage.most is None]
    args = gpu_report.parse_args([])
    first = run.stage_seconds(trainings[0], 420, trainings[1:], args)
    assert first == pytest.approx(420 / 7)
    assert run.stage_seconds(trainings[0], 30, [], args) is None
    assert run.stage_seconds(STAGES['steps'], 400, trainings, args) == STAGES['steps'].most


def test_a_row_that_raises_leaves_the_others(tmp_path):
    def fails():
        raise ValueError('no')

    def fills():
        raise torch.OutOfMemoryError('CUDA out of memory')

    found = run.Found('any', 60, tmp_path)
    found.row('a', fails)
    found.row('b', fills)
    found.row('c', lambda: dict(ms=1.0), needs=1000)
    found.row('d', lambda: dict(ms=1.0))
    assert [row.get('note', row.get('ms')) for row in found.rows] == [
        'failed: ValueError: no', 'out of memory', 'skipped: 60 s are left', 1.0]


def test_goals():
    rows = [dict(network='MixSTE T=243', form='plain fp32', ms=100.0),
            dict(network='MixSTE T=243', form='bf16', ms=30.0, speedup=3.3, memory_ratio=0.6, share=0.2),
            dict(network='MixSTE T=243', form='bf16, compiled', ms=31.0, speedup=3.2, memory_ratio=0.4, share=0.24)]
    speed, share = goals(dict(steps=dict(rows=rows)))
    assert speed[1:] == ('3.20 times, 40% of the memory (bf16, compiled)', True)
    assert share[1:] == ('24% (bf16, compiled)', False)


@pytest.mark.slow
def test_training_steps_and_inference(tmp_path):
    rows = rows_of('steps', tmp_path)
    assert len(rows) == 4 * 7
    assert all(row['ms'] > 0 and (row['form'] == 'plain fp32' or row['tflops'] > 0) for row in rows.values())
    assert all(row['frames_per_s'] > 0 for row in rows_of('inference', tmp_path).values())


@pytest.mark.slow
@pytest.mark.parametrize('name', ['head_wrists_body', 'lifter', 'levelwise'])
def test_a_training_writes_weights_that_load(name, tmp_path):
    row = rows_of(name, tmp_path)[name]
    assert row['steps'] >= 2 and row['last_loss'] > 0
    assert any(key.endswith('/MPJPE') for key in row)
    from gpu_stages.training import CONFIGS, SMALL, TRAININGS

    from mmegopose.engine.checkpoint import load_from_local, load_state
    from mmegopose.engine.config import load_config
    from mmegopose.registry import MODELS
    file = tmp_path / f'weights/{name}.pth'
    model = MODELS.build(load_config(CONFIGS / TRAININGS[name][0], SMALL.get(name)).model)
    assert load_state(model, load_from_local(str(file))['state_dict'], str(file)) == 0


@pytest.mark.slow
def test_launcher_and_ablation(tmp_path):
    launched = rows_of('launch', tmp_path)
    assert (launched['start']['checkpoint'], launched['resume']['checkpoint']) == ('iter_2.pth', 'iter_4.pth')
    assert launched['resume']['steps'] == '3 to 4'
    assert all(row['mesh/PA-MPJPE'] > 0 for row in rows_of('ablation', tmp_path).values())
