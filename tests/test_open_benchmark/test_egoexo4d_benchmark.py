"""Both tasks of Ego-Exo4D in one command, on the rendered sample."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmegopose.cli import main
from mmegopose.engine.config import load_config
from mmegopose.evaluation import MeshMetric
from mmegopose.inference.loading import load_model
from mmegopose.open_benchmark.egoexo4d.egoexo4d_page import _around, _in_picture
from mmegopose.open_benchmark.egoexo4d.egoexo4d_scores import body_scores, evaluate_metric
from mmegopose.registry import DATASETS, MODELS
from mmegopose.synthesis.egocentric import write_egoexo4d_sample

HANDS = Path(__file__).parents[2] / 'configs/ego_hand/hp-vit-base_egoexo4d-hand.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('benchmark')
    list(write_egoexo4d_sample(folder / 'data', 3, 10, num_fisheye=0))
    work = folder / 'hand'
    work.mkdir()
    (work / 'config.py').write_text(f"_base_ = ['{HANDS}']\nmodel = dict(backbone=dict(arch='tiny', depth=1, "
                                    'init_cfg=None), head=dict(embed_dim=96, decoder_dim=64, depth=1))\n')
    torch.manual_seed(0)
    model = MODELS.build(load_config(work / 'config.py').model)
    torch.save(dict(state_dict=model.state_dict()), work / 'weights.pth')
    return folder


def test_both_tasks_are_scored_submitted_and_shown(folder, capsys):
    root, out, checkpoint = folder / 'data', folder / 'out', folder / 'hand' / 'weights.pth'
    main(['benchmark', 'egoexo4d', '--root', str(root), '--body', 'head-wrists-body', '--hand', str(checkpoint),
          '--out', str(out)])
    told, results = capsys.readouterr().out, json.loads((out / 'results.json').read_text())
    assert '## body, val' in told and '## hand, val' in told
    data = dict(load_config(folder / 'hand' / 'config.py').test_dataloader.dataset, data_root=str(root))
    expected = evaluate_metric(DATASETS.build(data), load_model(folder / 'hand' / 'config.py', str(checkpoint)),
                               MeshMetric(protocol='egoexo4d_hand', vertices=False))
    hands = results['hand']['groups']
    for name in ('MPJPE', 'PA-MPJPE'):
        assert abs(hands['all'][name] - expected[f'mesh/{name}']) < 1e-9
        sides = sum(hands[side][name] * hands[side]['poses'] for side in ('left', 'right') if side in hands)
        assert abs(sides / hands['all']['poses'] - hands['all'][name]) < 1e-6
    assert {'cooking', 'procedural'} <= set(results['body']['groups'])
    short, wrists = results['body']['notes']
    assert 'four seconds' in short and 'wrists' in wrists
    for task, template in (('body', 'dummy_test.json'), ('hand', 'ego_pose_gt_anno_test_public.json')):
        assert main(['submit', str(out / f'{task}.json'), '--template', str(root / template)]) == 0
    scores = results['hand']['submission']['scores']
    assert 0 < scores['PA-MPJPE'] < scores['MPJPE']
    page = (out / 'report.html').read_text()
    assert page.count('Official numbers') == page.count('not those of the challenge') == 1  # of hands, of bodies
    assert 'there is no score: the clip filter' in page and ', 1 take, ' in page
    assert page.count('data:image/jpeg') >= 2 and 'polyline' in page and 'http' not in page.replace('http-equiv', '')


def test_a_hand_fills_its_picture():
    points, camera = np.array([[0, 0, 0.5], [0.05, 0, 0.5], [0, 0.1, 0.5], [0, 0, -1]]), np.diag([150.0, 150, 1])
    pixels = _in_picture(points, camera)
    np.testing.assert_allclose(pixels, [[0, 0], [15, 0], [0, 30], [np.nan] * 2])
    corner, side = _around(pixels)
    assert side == 48 and corner.tolist() == [-16.5, -9]  # the middle of the joints is that of the square


def test_four_seconds_have_the_official_score():
    config = load_config('mmegopose::levelwise_vit.py')
    data = DATASETS.build(config.test_dataloader.dataset)  # the embedded sample

    class Constant:
        def test_step(self, batch):
            sample = batch['data_samples'].last_frames(1)
            sample.pred_joints = sample.joints + torch.tensor([0.03, 0.04, 0.0])
            return [sample]

    scores = body_scores(data, Constant())
    assert scores.notes == [] and scores.groups['all']['poses'] > 100
    assert abs(scores.groups['all']['MPJPE'] - 5) < 1e-4 and np.nanmax(np.abs(scores.errors - 5)) < 1e-4


def test_mistakes_are_told(folder, capsys):
    for arguments, told in ((['--body', 'lifter'], 'the task needs'), ([], 'name a model'),
                            (['--hand', 'head-wrists-body'], 'the task needs')):
        with pytest.raises(SystemExit) as left:
            main(['benchmark', 'egoexo4d', '--root', str(folder / 'data'), '--out', str(folder / 'new'), *arguments])
        assert left.value.code == 2 and told in capsys.readouterr().err
    (folder / 'file').write_text('')
    for root, out, told in ((folder / 'data', folder / 'file', 'is no folder: name one'),
                            (folder / 'file', folder / 'new', f'--root {folder / "file"} is no folder'),
                            (folder / 'absent', folder / 'new', f'--root {folder / "absent"} is no folder')):
        with pytest.raises(SystemExit):
            main(['benchmark', 'egoexo4d', '--root', str(root), '--out', str(out), '--body', 'head-body'])
        assert told in capsys.readouterr().err
