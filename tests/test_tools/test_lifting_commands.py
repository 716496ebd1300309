"""The commands of lifting, on tiny data in the official layouts."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import run_tool
from helpers.lifting_fixture import h36m, mpi_inf_3dhp, write_3dhp, write_h36m

ROOT = Path(__file__).parents[2]
SMALL = ['default_hooks.logger.interval=1', *(f'{loader}.num_workers=0' for loader in (
    'train_dataloader', 'val_dataloader', 'test_dataloader'))]


def small_model(width=16, depth=1):
    return [f'model.{part}.embed_dim={width}' for part in ('backbone', 'neck', 'head')] + [f'model.neck.depth={depth}']


def train(config, folder, *options, resume=()):
    return run_tool('train.py', ROOT / 'configs/lifting' / config, '--work-dir', folder, *resume, '--cfg-options',
                    *SMALL, *small_model(), *options, cwd=folder.parent)


@pytest.fixture(scope='module')
def h36m_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('h36m')
    write_h36m(root, *h36m(root))
    return root


@pytest.mark.slow
@pytest.mark.parametrize('config', ['mixste_27_h36m.py', 'stcformer_27_h36m.py'])
def test_recipes_train_resume_and_test_by_any_protocol(config, h36m_root, tmp_path):
    options = [f'data_root={h36m_root}', 'train_cfg.max_epochs=2', *(
        f'{loader}.dataset.keypoints=gt' for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'))]
    log = train(config, tmp_path / 'run', *options)
    assert f'Lifting (mm), protocol {config.split("_")[0]}: ' in log
    resumed = tmp_path / 'resumed'
    resumed.mkdir()
    train(config, resumed, *options, resume=['--resume', tmp_path / 'run/epoch_1.pth'])
    whole, rest = (torch.load(folder / 'epoch_2.pth', weights_only=True)['state_dict']
                   for folder in (tmp_path / 'run', resumed))
    assert all(torch.equal(rest[key], whole[key]) for key in whole)
    scores = {}
    for protocol in ('mixste', 'overlap'):
        text = run_tool('test.py', ROOT / 'configs/lifting' / config, 'run/epoch_2.pth', '--out', f'{protocol}.json',
                        '--show-dir', 'pictures', '--cfg-options', *SMALL, *small_model(), *options,
                        'test_dataloader.dataset.frame_step=1', f'protocol={protocol}', cwd=tmp_path)
        assert f'protocol {protocol}: ' in text
        scores[protocol] = json.loads((tmp_path / f'{protocol}.json').read_text())['lifting/MPJPE']
    assert all(100 < score < 3000 for score in scores.values()) and len(set(scores.values())) == 2
    assert list((tmp_path / 'pictures').glob('*.png'))


def test_3dhp_recipe_reports_pck(tmp_path):
    (tmp_path / 'data').mkdir()
    write_3dhp(tmp_path / 'data', *mpi_inf_3dhp())
    log = train('stcformer_9_3dhp.py', tmp_path / 'run', f'data_root={tmp_path / "data"}', 'train_cfg.max_epochs=1')
    assert '3dhp/PCK' in log and '3dhp/AUC' in log


def test_sample_trains_and_dumps(tmp_path):
    log = train('stcformer_27_sample.py', tmp_path / 'run', 'train_cfg.max_iters=2', 'model.neck.num_heads=2',
                'default_hooks.checkpoint.interval=2')
    assert 'protocol overlap' in log
    run_tool('test.py', ROOT / 'configs/lifting/stcformer_27_sample.py', 'run/iter_2.pth', '--dump', 'poses.npz',
             '--cfg-options', *SMALL, *small_model(), 'model.neck.num_heads=2', cwd=tmp_path)
    dump = np.load(tmp_path / 'poses.npz', allow_pickle=False)
    assert dump['pred'].shape == (4 * 576, 17, 3) and np.isfinite(dump['pred']).all()
    assert (dump['frame_ids'] == np.tile(np.arange(576), 4)).all()


@pytest.mark.parametrize('options, message', [
    (['protocol=mixte'], 'mixste'), (['data_root=nowhere.npz'], 'nowhere.npz'),
    (['train_dataloader.dataset.num_frames=0'], 'num_frames=0'), (['model.backbone.in_dim=2'], 'in_dim=2')])
def test_mistakes_are_told_in_one_line(options, message, tmp_path):
    log = run_tool('train.py', ROOT / 'configs/lifting/stcformer_27_sample.py', '--work-dir', tmp_path / 'bad',
                   '--cfg-options', *SMALL, *options, cwd=tmp_path, expect=2)
    assert 'Traceback' not in log
    assert message in next(line for line in log.splitlines() if line.startswith('error: '))
