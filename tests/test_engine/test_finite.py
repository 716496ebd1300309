"""Training that is no longer finite, its checkpoints, and what a resumed run says."""
import json
import logging

import numpy as np
import pytest
import torch
from helpers.commands import completed
from helpers.engine_toy import EngineToy, toy_runner, write_config

from mmegopose.engine import CheckpointError, load_state, newest_checkpoint
from mmegopose.engine.checkpoint import not_finite
from mmegopose.files import finite_values
from mmegopose.registry import MODELS


@MODELS.register_module(force=True)
class EngineDiverging(EngineToy):
    """Its loss is NaN once, in the iteration ``when``; or its weights are, after it."""

    def __init__(self, width=8, when=3, weights=False, data_preprocessor=None):
        super().__init__(width, data_preprocessor)
        self.when, self.weights, self.calls = when, weights, 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        out = super().forward(inputs, data_samples, mode)
        if mode == 'loss':
            self.calls += 1
            factor = float('nan') if self.calls == self.when else 1.0
            if self.weights and self.calls == self.when:
                self.last.bias.register_hook(lambda grad: grad * float('inf'))
            out = dict(loss_a=out['loss'], loss_b=out['loss'] * (1.0 if self.weights else factor))
        return out


def diverging(folder, when=3, weights=False, **options):
    return toy_runner(folder, model=dict(type='EngineDiverging', when=when, weights=weights, _delete_=True),
                      train_cfg__max_iters=6, default_hooks__checkpoint__interval=2, **options)


def test_a_loss_that_becomes_nan_is_named_and_the_finite_checkpoint_stays(tmp_path):
    with pytest.raises(ValueError, match=r'loss_b became nan in iteration 3: training stops\. The last checkpoint, '
                                         r'.*iter_2.pth, is finite.*default_hooks.finite.stop=False'):
        diverging(tmp_path, default_hooks__checkpoint__max_keep_ckpts=1).train()  # seen before iteration 4 is saved
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['iter_2.pth']
    assert newest_checkpoint(tmp_path / 'work').endswith('iter_2.pth')


def test_weights_are_looked_at_before_a_checkpoint_is_written(tmp_path):
    with pytest.raises(ValueError, match=r'1 weights are not finite after iteration 2, e.g. last.bias: training stops'):
        diverging(tmp_path, when=2, weights=True, val_cfg=None, val_dataloader=None, val_evaluator=None).train()
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_losses_are_looked_at_at_the_interval_and_at_the_end(tmp_path):
    far = dict(default_hooks__checkpoint__interval=100, train_cfg__val_interval=100)
    with pytest.raises(ValueError, match='in iteration 3'):
        runner = toy_runner(tmp_path, model=dict(type='EngineDiverging', _delete_=True), **far,
                            default_hooks__finite=dict(type='FiniteHook', interval=4), train_cfg__max_iters=9)
        runner.train()
    assert runner.iter == 3  # the iterations are counted from 0
    with pytest.raises(ValueError, match='in iteration 3'):
        toy_runner(tmp_path, model=dict(type='EngineDiverging', _delete_=True), **far, train_cfg__max_iters=6).train()


def test_a_training_may_go_on_regardless_but_writes_no_such_checkpoint(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        runner = diverging(tmp_path, default_hooks__finite__stop=False)
        logged = []
        runner.logger.warning = logged.append
        runner.train()
    assert runner.iter == 6 and len(logged) == 1 and 'loss_b became nan in iteration 3. Training goes on' in logged[0]
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['iter_2.pth']


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path):
    runner = toy_runner(tmp_path)
    runner.train()
    path = tmp_path / 'work' / 'iter_4.pth'
    content = torch.load(path, weights_only=True)
    content['state_dict']['last.bias'][1] = float('nan')
    torch.save(content, path)
    with pytest.raises(CheckpointError, match='iter_4.pth holds 1 weights that are not finite, e.g. last.bias'):
        toy_runner(tmp_path, load_from=str(path)).test()
    content['state_dict']['last.bias'][1] = float('inf')
    with pytest.raises(CheckpointError, match='not finite'):
        load_state(runner.model, content['state_dict'], 'x.pth')
    with pytest.warns(UserWarning, match='iter_4.pth holds 1 weights that are not finite'):
        assert newest_checkpoint(tmp_path / 'work').endswith('iter_2.pth')


def test_a_mask_may_be_infinite():
    state = dict(mask=torch.tensor([0, -float('inf')]), weight=torch.ones(2), count=torch.tensor(3))
    assert not_finite(state, ['weight']) == [] and not_finite(state, ['weight', 'mask']) == ['mask']
    assert not_finite(dict(state, mask=torch.tensor(float('nan')))) == ['mask']


@pytest.mark.parametrize('content', [b'\xff\xfeiter_2.pth', b'\0\0\0\0.pth', b'iter_2', b'a' * 5000 + b'.pth'])
def test_a_damaged_last_checkpoint_is_ignored(tmp_path, content):
    toy_runner(tmp_path).train()
    (tmp_path / 'work/last_checkpoint').write_bytes(content)
    with pytest.warns(UserWarning, match='last_checkpoint does not name a checkpoint and is ignored'):
        assert newest_checkpoint(tmp_path / 'work').endswith('iter_4.pth')


def resumed(folder, **options):
    """What a resumed run logs as warnings."""
    runner, logged = toy_runner(folder, resume=True, **options), []
    runner.logger.warning = logged.append
    runner.train()
    (folder / 'work/iter_5.pth').unlink(missing_ok=True)
    return [text for text in logged if 'FileClient' not in text and 'HardDisk' not in text]


def test_a_resumed_run_says_what_is_other_than_before(tmp_path):
    toy_runner(tmp_path).train()
    more = dict(train_cfg__max_iters=5)
    said, = resumed(tmp_path, **more, train_dataloader__batch_size=6)
    assert 'batch_size=6 (was 4)' in said and '16 samples were seen' in said and '8 samples are skipped' in said
    said, = resumed(tmp_path, **more, train_dataloader__batch_size=3)
    assert 'the last 4 samples are seen again' in said
    path = tmp_path / 'work/iter_4.pth'
    checkpoint = torch.load(path, weights_only=True)
    torch.save(checkpoint | dict(meta=checkpoint['meta'] | dict(world_size=2)), path)
    said, = resumed(tmp_path, **more)
    assert 'world_size=1 (was 2): training does not continue bit-equal' in said and '32 samples were seen' in said
    torch.save(checkpoint, path)
    said, = resumed(tmp_path, **more, optim_wrapper__optimizer__lr=0.5)
    assert 'lr=0.5 (checkpoint: 0.01)' in said and 'load_from' in said
    assert not resumed(tmp_path, **more)
    said, = resumed(tmp_path)
    assert 'nothing is left to do: the checkpoint is of iteration 4, and training ends at 4' in said


def test_metrics_in_json_are_numbers_or_null():
    values = dict(a=float('nan'), b=np.float32('inf'), c=torch.tensor(1.5), d=[np.int64(3), None, True], e='text')
    assert json.dumps(finite_values(values), allow_nan=False) == \
        '{"a": null, "b": null, "c": 1.5, "d": [3.0, null, true], "e": "text"}'


def test_the_command_tells_in_one_line(tmp_path):
    config = write_config(tmp_path, "model = dict(type='EngineToy')\noptim_wrapper['optimizer']['lr'] = 1e30\n"
                                    "train_cfg['max_iters'] = 6\n")
    done = completed('train.py', config, '--work-dir', tmp_path / 'work', cwd=tmp_path)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert 'training stops' in done.stderr.splitlines()[-1]
