"""The check of configs on a device that is not there finds what it is for."""
from pathlib import Path

import pytest
import torch
from helpers.commands import run_tool
from torch import nn

import mmegopose.models  # noqa: F401
from mmegopose.registry import MODELS
from mmegopose.testing import make_streams, make_targets
from mmegopose.testing.device_check import check_devices, check_model
from mmegopose.testing.fake_device import device_name

try:
    device_name()
except RuntimeError as error:
    pytest.skip(str(error), allow_module_level=True)

CONFIGS = Path(__file__).parents[1] / 'configs'
SIZES = dict(F=16, J=17)


class Wrong(nn.Module):
    """A head with one mistake."""

    def __init__(self, mistake):
        super().__init__()
        self.proj, self.mistake, self.hidden = nn.Linear(8, 51), mistake, [torch.ones(8)]

    def forward(self, tokens):
        return dict(joints=self.proj(self.mistake(self, tokens)).squeeze(2).unflatten(-1, (17, 3)))


def findings(mistake):
    model = MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='ViT', embed=dict(type='TrajectoryEmbed', in_dim=16), embed_dim=8,
                                            depth=1, num_heads=2),
        head=dict(type='JointHead', embed_dim=8), losses=dict(mpjpe=dict(type='MPJPELoss'))))
    model.head = Wrong(mistake)
    batch = dict(inputs=make_streams(('head_pose',), SIZES), data_samples=make_targets(sizes=SIZES))
    return check_model(model, batch, batch)


def test_a_right_model_is_clean():
    assert not any(findings(lambda head, tokens: tokens).values())


@pytest.mark.parametrize('mistake, kind, op', [
    (lambda head, tokens: tokens + head.hidden[0], 'mixes', 'add.Tensor'),
    (lambda head, tokens: tokens * torch.arange(8), 'mixes', 'mul.Tensor'),
    (lambda head, tokens: tokens * tokens.mean().item(), 'waits', '_local_scalar_dense.default'),
    (lambda head, tokens: tokens + 1 if (tokens > 0).any() else tokens, 'waits', '_local_scalar_dense.default'),
    (lambda head, tokens: tokens + tokens[tokens > 0].sum(), 'waits', 'index.Tensor'),
    (lambda head, tokens: tokens * tokens.new_tensor([1.0] * 8), 'carries', '_to_copy.default'),
    (lambda head, tokens: tokens[..., list(range(8))], 'carries', '_to_copy.default')])
def test_a_mistake_is_found_with_its_place(mistake, kind, op):
    found = findings(mistake)
    for step in ('forward', 'loss', 'predict'):
        one = found[step][0]
        assert (one.kind, one.op) == (kind, op)
        assert 'test_device_check.py' in one.place and 'lambda' in one.place


def test_the_model_stays_as_it_is():
    model = MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=2, embed_dim=8),
        head=dict(type='JointHead', embed_dim=8, hidden_dims=(), per_joint=True, output='all'),
        losses=dict(mpjpe=dict(type='MPJPELoss'))))
    batch = dict(inputs=make_streams(('keypoints',)), data_samples=make_targets())
    before = model(batch['inputs'])['joints']
    check_model(model, batch, batch)
    assert torch.equal(model(batch['inputs'])['joints'], before)


@pytest.mark.parametrize('config', [
    'head_pose/head_wrists_body.py', 'lifting/lifter.py', 'ego_body/body_all_streams.py'])
def test_training_steps_of_shipped_configs_never_wait_for_a_gpu(config):
    found = check_devices(CONFIGS / config)
    assert not any(found[step] for step in ('forward', 'loss', 'backward')), found


def test_tool_leaves_out_a_config_whose_files_are_missing(tmp_path):
    told = run_tool('analysis_tools/check_devices.py', CONFIGS / 'lifting/mixste_27_h36m.py', cwd=tmp_path)
    assert 'left out, it needs files' in told


def test_a_config_of_something_else_is_told(tmp_path):
    (tmp_path / 'other.py').write_text('x = 1\n')
    with pytest.raises(ValueError, match='other.py has no model, train_dataloader, val_dataloader'):
        check_devices(str(tmp_path / 'other.py'))
