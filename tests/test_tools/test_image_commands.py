"""Training and test on pictures of which some cannot be read."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import image_fixture as fixture
from helpers.commands import run_tool

from mmegopose.engine import load_config
from mmegopose.registry import MODELS

CONFIG = '''
_base_ = '{base}'
model = dict(backbone=dict(init_cfg=None, depth=1))
data_root = '{root}'
data = dict(type='ImageMeshDataset', reader=dict(type='hamer_npz', file='hands.npz'), pose_form=None,
            crop=dict(size=96, width=96))
loader = dict(batch_size=1, num_workers=0, persistent_workers=False)
train_dataloader = dict(_delete_=True, **loader, sampler=dict(type='EndlessSampler'), dataset=data)
val_dataloader = dict(_delete_=True, **loader, sampler=dict(type='DefaultSampler', shuffle=False),
                      dataset=dict(test_mode=True, **data))
val_evaluator = dict(_delete_=True, type='KeypointPCKMetric', thresholds=(0.5,))
'''


@pytest.fixture
def folder(tmp_path):
    """Four hands, a config for them, and weights."""
    fixture.write_hamer_npz(tmp_path)
    base = Path(__file__).parents[2] / 'configs/mesh/image-tiny_synthetic-hand.py'
    (tmp_path / 'config.py').write_text(CONFIG.format(base=base, root=tmp_path))
    torch.manual_seed(0)
    model = MODELS.build(load_config(tmp_path / 'config.py').model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    return tmp_path


def scores(folder, *options):
    log = run_tool('test.py', 'config.py', 'weights.pth', '--out', 'scores.json', '--dump', 'dump.npz', '--cfg-options',
                   *options, 'default_hooks.logger.interval=10', cwd=folder)
    return json.loads((folder / 'scores.json').read_text()), dict(np.load(folder / 'dump.npz')), log


@pytest.mark.parametrize('batch_size', [1, 2])
def test_the_other_pictures_are_scored_and_dumped(folder, batch_size):
    with np.load(folder / 'hands.npz') as hands:
        np.savez(folder / 'others.npz', **{name: values[[0, 3]] for name, values in hands.items()})
    expected, others, _ = scores(folder, 'test_dataloader.dataset.reader.file=others.npz')
    (folder / 'images/0001.jpg').write_bytes(b'no picture')
    (folder / 'images/0002.jpg').unlink()
    found, dump, log = scores(folder, f'test_dataloader.batch_size={batch_size}')
    assert found['keypoints/PCK@0.5'] == pytest.approx(expected['keypoints/PCK@0.5'])
    assert dump['frame_ids'].tolist() == [0, 3] and others['frame_ids'].tolist() == [0, 1]
    np.testing.assert_allclose(dump['pred'], others['pred'], atol=1e-5)
    assert 'images/0001.jpg is skipped' in log and 'images/0002.jpg is skipped' in log
    assert '2 frames could not be read' in log
    assert found['skipped_frames'] == 2 and 'skipped_frames' not in expected


def test_training_takes_all_its_steps(folder):
    for row in (1, 2):
        (folder / f'images/{row:04d}.jpg').unlink()
    log = run_tool('train.py', 'config.py', '--no-validate', '--work-dir', 'run', '--cfg-options',
                   'train_cfg.max_iters=4', 'param_scheduler=None', 'default_hooks.logger.interval=1',
                   'default_hooks.checkpoint.interval=4', cwd=folder)
    means = [float(line.partition(' loss: ')[2].split()[0]) for line in log.splitlines() if ' loss: ' in line]
    losses = np.diff(means * np.arange(1, 5), prepend=0)  # the log has the mean so far
    assert (losses > 1).sum() == 2 and (np.abs(losses) < 0.01).sum() == 2
