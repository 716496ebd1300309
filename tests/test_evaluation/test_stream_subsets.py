"""One model, any subset of its streams: the table, and the rules of the challenge."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import completed as completed_here

from mmegopose.evaluation.metrics import BodySubmission
from mmegopose.evaluation.stream_subsets import changed_streams, subset_table, subsets
from mmegopose.registry import MODELS

ROOT = Path(__file__).parents[2]
C = 16
VIT = dict(type='ViT', embed_dim=C, depth=1, num_heads=2)
FUSIONS = [dict(type='GatedFusion', in_dims=dict(head=C, depth=C, gaze=C)),
           dict(type='BranchAttention', in_dims=dict(head=C, depth=C, gaze=C)),
           dict(type='ConcatFusion', in_dims=dict(head=C, depth=C, gaze=C), embed_dim=C, hidden_dims=(8,))]


def model_of(fusion):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='PoseEstimator', fusion=fusion, head=dict(type='JointHead', embed_dim=C), branches=dict(
            head=dict(backbone=dict(VIT, embed=dict(type='TrajectoryEmbed', in_dim=16))),
            depth=dict(backbone=dict(VIT, embed=dict(type='TrajectoryEmbed', in_dim=4, stream='depth_features'))),
            gaze=dict(backbone=dict(VIT, embed=dict(type='TrajectoryEmbed', in_dim=3, stream='gaze'))))))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def inputs_of(size=4):
    generator = torch.Generator().manual_seed(0)
    return dict(head_pose=torch.randn(size, 6, 16, generator=generator),
                depth_features=torch.randn(size, 2, 4, generator=generator),  # of the newest frames only
                depth_features_valid=torch.ones(size, 2, dtype=torch.bool),
                gaze=torch.randn(size, 6, 3, generator=generator), gaze_valid=torch.ones(size, 6, dtype=torch.bool))


@pytest.mark.parametrize('fusion', FUSIONS, ids=lambda fusion: fusion['type'])
def test_a_stream_that_is_masked_or_not_given_is_the_same(fusion):
    model, inputs = model_of(fusion), inputs_of()
    with torch.no_grad():
        everything = model(inputs=inputs)['joints']
        for lost in subsets(('depth_features', 'gaze')):
            given = {name: value for name, value in inputs.items() if not name.startswith(lost)} if lost else inputs
            with changed_streams(model, lost) as seen:
                masked = model(inputs=inputs)['joints']
            torch.testing.assert_close(model(inputs=given)['joints'], masked, atol=1e-5, rtol=0)
            assert (not lost) == torch.equal(masked, everything)
            assert seen['depth_features'] == seen['gaze'] == 4
        torch.testing.assert_close(model(inputs=inputs)['joints'], everything)  # the change is gone
        always = {name: value for name, value in inputs.items() if name != 'gaze_valid'}
        with changed_streams(model, ('gaze',)) as seen:
            masked = model(inputs=always)['joints']
        torch.testing.assert_close(masked, model(inputs={k: v for k, v in always.items() if k != 'gaze'})['joints'],
                                   atol=1e-5, rtol=0)
        assert seen['gaze'] == 4


def test_the_first_branch_learns_where_it_is_alone():
    there = torch.tensor([[True], [False], [False], [False]])  # gaze: in the last window
    inputs = dict(inputs_of(), depth_features_valid=there.expand(-1, 2), gaze_valid=there.flip(0).expand(-1, 6))
    gradients = []
    for alone in (False, True):
        inputs['head_pose'].requires_grad_().grad = None
        model = model_of(FUSIONS[0] | dict(detach_first=alone))
        outputs = model(inputs=inputs)['joints']
        outputs.square().sum().backward()
        gradients.append((outputs.detach(), inputs['head_pose'].grad.clone()))
    (plain, through), (same, stopped) = gradients
    torch.testing.assert_close(same, plain, atol=0, rtol=0)
    torch.testing.assert_close(stopped[1:3], through[1:3])
    assert through[[0, 3]].abs().amin((1, 2)).min() > 0 and not stopped[[0, 3]].any()


def test_a_lost_stream_without_a_mask_gets_one_of_frames():
    class Echo(torch.nn.Module):
        def forward(self, inputs):
            return inputs

    model, inputs = Echo(), inputs_of()
    del inputs['gaze_valid']
    with changed_streams(model, ('gaze', 'depth_features')):
        found = model(inputs=inputs)
    assert torch.equal(found['gaze_valid'], torch.zeros(4, 6, dtype=torch.bool)) and found['gaze'] is inputs['gaze']
    assert torch.equal(found['depth_features_valid'], torch.zeros(4, 2, dtype=torch.bool))
    assert 'gaze_valid' not in inputs and inputs['depth_features_valid'].all()


def test_a_stream_is_shuffled_between_windows():
    model, inputs = model_of(FUSIONS[0]), inputs_of()
    rolled = dict(inputs, gaze=inputs['gaze'].roll(2, 0))
    with torch.no_grad():
        with changed_streams(model, shuffled=('gaze',)):
            shuffled = model(inputs=inputs)['joints']
        torch.testing.assert_close(shuffled, model(inputs=rolled)['joints'])
        assert (shuffled - model(inputs=inputs)['joints']).abs().max() > 1e-3


def test_the_head_alone_stays_the_same_when_a_lost_stream_changes_in_training():
    """In training all branches run, so that every parameter has a gradient in every process."""
    model, inputs = model_of(FUSIONS[0]).train(), inputs_of()
    inputs['gaze_valid'][:], inputs['depth_features_valid'][:] = False, False
    loss = model(inputs=inputs)['joints'].sum()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_table():
    rows = {'head': dict(a=10.0, b=4.0), 'head + gaze': dict(a=9.0, b=5.0)}
    assert subset_table(rows, {'A (cm)': 'a', 'B': 'b'}).splitlines() == [
        '| streams | A (cm) | B |', '|---|---:|---:|', '| head | 10.00 | 4.00 |',
        '| head + gaze | 9.00 (-10.0 %) | 5.00 (+25.0 %) |']
    assert '| head | 10.00 (+25.0 %) |' in subset_table(rows, {'A': 'a'}, dict(a=8.0))
    assert '| head | 10.00 | - |' in subset_table(dict(head=dict(a=10.0, b=None)), {'A': 'a', 'B': 'b'})
    assert '| gaze | 2.00 |' in subset_table(dict(head=dict(a=0.0), gaze=dict(a=2.0)), {'A': 'a'})
    with pytest.raises(ValueError, match='the reference has none of a, but x: .* mmegopose test --out'):
        subset_table(rows, {'A': 'a'}, dict(x=8.0))
    assert subsets(('a', 'b')) == [(), ('a',), ('b',), ('a', 'b')]


CONFIG = """
_base_ = 'mmegopose::ego_body/body_trajectory.py'
vit = dict(type='ViT', embed_dim=16, depth=1, num_heads=2)
model = dict(backbone=None, head=dict(embed_dim=16),
             fusion=dict(type='GatedFusion', in_dims=dict(head=16, gaze=16, imu=16)),
             branches=dict(head=dict(backbone=dict(vit, embed=dict(type='TrajectoryEmbed', in_dim=16))),
                           gaze=dict(backbone=dict(vit, embed=dict(type='TrajectoryEmbed', in_dim=3, stream='gaze'))),
                           imu=dict(backbone=dict(vit, embed=dict(type='TrajectoryEmbed', in_dim=24, stream='imu')))))
streams = [dict(type='GazeDirections', files='{folder}/gaze.csv', columns=('t', 'yaw', 'pitch'), time_unit='s'),
           dict(type='InertialReadings', files='nowhere.csv')]
val_dataloader = dict(num_workers=0, dataset=dict(pipeline=[*streams, *_base_.target]))
submit_dataloader = dict(dataset=dict(pipeline=[PIPELINE, *_base_.target]))
"""


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A config of head and gaze, and a checkpoint that was not trained."""
    folder = tmp_path_factory.mktemp('subsets')
    times = np.arange(0, 60, 0.1)
    (folder / 'gaze.csv').write_text('t,yaw,pitch\n' + '\n'.join(f'{t},{np.sin(t)},0.1' for t in times))
    for name, pipeline in dict(config='streams[1]', forbidden='*streams').items():
        (folder / f'{name}.py').write_text(CONFIG.replace('{folder}', str(folder)).replace('PIPELINE', pipeline))
    from mmegopose.engine.config import load_config
    model = MODELS.build(load_config(folder / 'config.py').model)
    torch.nn.init.normal_(model.fusion.values['gaze'].weight, std=0.3)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
    return folder


def completed(*args, cwd):
    return subprocess.run([sys.executable, *map(str, args)], cwd=cwd, capture_output=True, text=True)


@pytest.mark.slow
def test_the_tool_tests_every_subset(run):
    done = completed(ROOT / 'tools/analysis_tools/stream_subsets.py', 'config.py', 'model.pth', '--shuffle', 'gaze',
                     '--out', 'table', cwd=run)
    assert done.returncode == 0, done.stderr
    rows = json.loads((run / 'table.json').read_text())
    assert list(rows) == ['head_pose', 'head_pose + gaze', 'all, gaze shuffled']
    errors = [row['body/MPJPE'] for row in rows.values()]
    assert len(set(errors)) == 3
    text = (run / 'table.md').read_text()
    assert 'wrists (cm)' in text and 'Never there in the data, and in no row: imu.' in text and text in done.stdout
    wrong = completed(ROOT / 'tools/analysis_tools/stream_subsets.py', 'config.py', 'model.pth', '--streams', 'view',
                      cwd=run)
    assert wrong.returncode == 2 and "reads no stream 'view'" in wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize('config, code', [('config', 0), ('forbidden', 2)])
def test_the_challenge_gets_no_gaze(run, config, code):
    done = completed(ROOT / 'tools/test.py', f'{config}.py', 'model.pth', '--submit', f'{config}.json', cwd=run)
    assert done.returncode == code, done.stderr
    assert (run / f'{config}.json').exists() == (code == 0)
    said = done.stdout + done.stderr
    assert ('made of the streams head_pose\n' in said) == (code == 0)  # there are no inertial readings
    assert ("forbids gaze, audio and other cameras, but the model is given the stream 'gaze'" in said) == (code == 2)


@pytest.mark.parametrize('blocked', ['table.md', 'table.json', ''])
def test_a_table_that_cannot_be_written_is_told_before_any_work(tmp_path, blocked):
    """The config, which is not there, is not even looked for."""
    (tmp_path / blocked / 'nothing').mkdir(parents=True)
    (tmp_path / 'model.pth').write_bytes(b'')
    (tmp_path / 'file').write_text('')
    out = 'table' if blocked else 'file/table'
    done = completed_here('analysis_tools/stream_subsets.py', 'nowhere.py', 'model.pth', '--out', out, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and done.stderr.startswith('error: ')
    assert f'{blocked or "file/table.md"} ' in done.stderr and 'name another place with --out' in done.stderr


def test_forbidden_streams_are_refused_by_the_metric(tmp_path):
    metric = BodySubmission(str(tmp_path / 'a.json'))
    for name in ('gaze', 'audio_features', 'exo_view'):
        with pytest.raises(ValueError, match=f'given the stream {name!r}'):
            metric.process(dict(inputs={'head_pose': 0, name: 0}), [])
    there = torch.ones(1, 2, dtype=torch.bool)
    metric.process(dict(inputs=dict(head_pose=0, view=0, view_valid=there, imu=0, imu_valid=~there)), [])
    assert metric.streams == {'head_pose', 'view'}


