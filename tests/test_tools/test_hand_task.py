"""The configs of the hand task, small, on a tiny data set: training, score, submission."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import run_tool
from helpers.egoexo_hand_fixture import write_egoexo_hands

from mmegopose.engine.config import load_config
from mmegopose.evaluation.submissions import read_hand_poses, validate_hand_poses
from mmegopose.registry import MODELS

FOLDER = Path(__file__).parents[2] / 'configs/ego_hand'
SMALL = ('model.backbone.arch=tiny', 'model.backbone.depth=1', 'model.backbone.init_cfg=None',
         'model.head.embed_dim=96', 'train_dataloader.batch_size=4', 'train_dataloader.num_workers=0',
         'train_dataloader.persistent_workers=False', 'val_dataloader.num_workers=0',
         'val_dataloader.persistent_workers=False', 'test_dataloader.num_workers=0',
         'test_dataloader.persistent_workers=False', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2',
         'param_scheduler=None', 'default_hooks.checkpoint.interval=2', 'default_hooks.logger.interval=1')
QUERIES = ('model.head.decoder_dim=64', 'model.head.depth=1')


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp('hand_task')
    write_egoexo_hands(root / 'data')
    numbers = np.random.default_rng(0).uniform(1, 20, (2, 21, 3)).round(2).tolist()
    (root / 'ego4d_dataset.py').write_text(
        f'class A:\n    def __init__(self):\n        self.joint_mean = np.array({numbers[0]})\n'
        f'        self.joint_std = np.array({numbers[1]})\n')
    return root


@pytest.mark.parametrize('name', ['hp-vit-base', 'extpose-huge', 'volume-vit-base'])
def test_train_score_submit(prepared, name):
    config, run = FOLDER / f'{name}_egoexo4d-hand.py', prepared / name
    options = ['--cfg-options', 'data_root=data', *SMALL, *(
        ('model.head.statistics=ego4d_dataset.py', 'model.head.conv_dim=8') if 'volume' in name else QUERIES)]
    log = run_tool('train.py', config, '--work-dir', run, *options, cwd=prepared)
    assert 'mesh/PA-MPJPE' in log and 'loss: ' in log and 'best' in ''.join(p.name for p in run.iterdir())
    state = torch.load(run / 'iter_2.pth', weights_only=False)['state_dict']
    assert all(value.isfinite().all() for value in state.values())
    checkpoint = run / 'iter_2.pth'
    if 'volume' in name:
        assert state['head.deviation'].max() < 0.021  # of the file, in metres
        options.append('model.head.statistics=nowhere.py')  # the checkpoint has them
    run_tool('test.py', config, checkpoint, '--work-dir', run, '--submit', run / 'hands.json', *options, cwd=prepared)
    template = prepared / 'data/annotation/manual/ego_pose_gt_anno_test_public.json'
    written = read_hand_poses(run / 'hands.json')
    assert validate_hand_poses(written, read_hand_poses(template)) == []
    assert '15 hands of 2 takes, fit' in run_tool('submit.py', run / 'hands.json', '--template', template, cwd=prepared)


def test_a_picture_that_cannot_be_read_is_told(prepared, tmp_path):
    truth = write_egoexo_hands(tmp_path / 'data', splits=('val', 'test'))
    (tmp_path / 'data/image/undistorted/val/val_music_00_1/000006.jpg').unlink()
    (tmp_path / 'data/image/undistorted/test/test_music_01_1/000009.jpg').write_bytes(b'no picture')
    config = FOLDER / 'hp-vit-base_egoexo4d-hand.py'
    options = ['--cfg-options', 'data_root=data', *SMALL, *QUERIES]
    torch.manual_seed(0)
    model = dict(load_config(config).model)
    model |= dict(backbone=dict(model['backbone'], arch='tiny', depth=1, init_cfg=None),
                  head=dict(model['head'], embed_dim=96, decoder_dim=64, depth=1))
    torch.save(dict(state_dict=MODELS.build(model).state_dict()), tmp_path / 'weights.pth')
    run_tool('test.py', config, 'weights.pth', '--out', 'scores.json', *options, cwd=tmp_path)
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert list(scores) == ['mesh/MPJPE', 'mesh/PA-MPJPE', 'skipped_frames']
    assert scores['mesh/PA-MPJPE'] < scores['mesh/MPJPE'] and scores['skipped_frames'] == 2  # both hands of the frame
    log = run_tool('test.py', config, 'weights.pth', '--submit', 'hands.json', *options, cwd=tmp_path, expect=2)
    assert 'hands.json was written, but is not fit to be submitted' in log and '2 hands have no pose' in log
    assert len(read_hand_poses(tmp_path / 'hands.json')['test-uid-1']) == 3
    assert len(truth['test']) == 15
