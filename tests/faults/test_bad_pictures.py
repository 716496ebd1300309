"""One damaged picture: the others are trained on, scored and dumped, alone in its batch, and with two processes."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import completed
from helpers.image_fixture import hamer_rows, write_image

from mmegopose.engine import load_config
from mmegopose.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
_base_ = 'mmegopose::mesh/image-tiny_synthetic-hand.py'
model = dict(backbone=dict(init_cfg=None))
data = dict(type='ImageMeshDataset', data_root='{root}', reader=dict(type='hamer_npz', file='hands.npz'),
            crop=dict(rescale=2.0, size=96, width=96), pose_form=None)
test_dataloader = dict(_delete_=True, batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                       dataset=dict(test_mode=True, **data))
val_dataloader = test_dataloader
train_dataloader = dict(_delete_=True, batch_size=1, num_workers=0, sampler=dict(type='EndlessSampler'),
                        dataset=dict(**data))
test_evaluator = dict(_delete_=True, type='KeypointPCKMetric')
val_evaluator = test_evaluator
param_scheduler = None
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=8, val_interval=100)
"""
PICTURES = 5


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Config, weights of a model, five pictures and their hands."""
    folder = tmp_path_factory.mktemp('pictures')
    rows = {key: np.concatenate([values, values[:1]]) for key, values in hamer_rows().items()}
    names = [f'images/{i}.jpg' for i in range(PICTURES)]
    for name in names:
        write_image(folder / name, 320, 240, np.random.default_rng(len(name)))
    np.savez(folder / 'hands.npz', imgname=np.array(names), **rows)
    (folder / 'cfg.py').write_text(CONFIG.format(root=folder))
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(load_config(str(folder / 'cfg.py')).model).state_dict()), folder / 'w.pth')
    good = dumped(folder, 'good.npz')
    for number in (1, PICTURES - 1):  # the last one is alone in its batch of two
        (folder / f'images/{number}.jpg').write_bytes(b'broken')
    return folder, good


def dumped(folder, name, *options):
    done = completed('test.py', 'cfg.py', 'w.pth', '--work-dir', 'wd', '--dump', name, '--out', 'metrics.json',
                     *(['--cfg-options', *options] if options else []), cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(folder / name) as file:
        return dict(file)


@pytest.mark.parametrize('batch_size', [2, 1])
def test_the_others_are_scored_and_dumped(folder, batch_size):
    folder, good = folder
    rest = dumped(folder, f'{batch_size}.npz', f'test_dataloader.batch_size={batch_size}')
    kept = [0, 2, 3]
    np.testing.assert_allclose(rest['pred'], good['pred'][kept], atol=1e-5)
    assert json.loads((folder / 'metrics.json').read_text())['skipped_frames'] == 2


def test_training_goes_on(folder):
    folder, _ = folder
    done = completed('train.py', 'cfg.py', '--no-validate', '--work-dir', 'wt', cwd=folder)
    assert done.returncode == 0 and (folder / 'wt/last_checkpoint').exists(), done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize('command', ['test', 'train'])
def test_two_processes_do_not_wait_for_each_other(folder, command):
    folder, good = folder
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable)
    arguments = ['dist_test.sh', 'cfg.py', 'w.pth', '2', '--dump', 'two.npz'] if command == 'test' else \
        ['dist_train.sh', 'cfg.py', '2', '--no-validate']
    done = subprocess.run(['bash', str(ROOT / 'tools' / arguments[0]), *arguments[1:], '--work-dir', f'w2{command}'],
                          env=env, cwd=folder, text=True, capture_output=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    if command == 'test':
        with np.load(folder / 'two.npz') as file:
            np.testing.assert_allclose(file['pred'], good['pred'][[0, 2, 3]], atol=1e-5)
