"""Heads and losses of the hand task: the likelihood, and the normalisation of the official baseline."""
import math

import numpy as np
import pytest
import torch

from mmegopose.files import BadFile
from mmegopose.models.heads import VolumeJointHead
from mmegopose.models.losses import ResidualLikelihoodLoss
from mmegopose.models.losses.likelihood_loss import ErrorFlow
from mmegopose.models.weights.egoexo4d_potter import read_joint_statistics
from mmegopose.structures import PoseDataSample

RNG = np.random.default_rng(0)
MEAN, DEVIATION = RNG.normal(0, 50, (21, 3)).round(4), RNG.uniform(5, 60, (21, 3)).round(4)
MEAN[0] = DEVIATION[0] = 0
SOURCE = '''
import os
import numpy as np
os.makedirs('{folder}')


class ego4dDataset:
    def __init__(self):
        self.image_size = np.array(cfg.MODEL.IMAGE_SIZE)
        self.joint_mean = np.array({mean})
        self.joint_std = np.array({deviation})
'''


@pytest.fixture
def source(tmp_path):
    path = tmp_path / 'ego4d_dataset.py'
    path.write_text(SOURCE.format(folder=tmp_path / 'executed', mean=MEAN.tolist(), deviation=DEVIATION.tolist()))
    return path


def test_statistics_are_read_and_nothing_runs(source, tmp_path):
    mean, deviation = read_joint_statistics(source)
    np.testing.assert_allclose(mean, MEAN / 1000, rtol=1e-6)
    np.testing.assert_allclose(deviation, DEVIATION / 1000, rtol=1e-6)
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('change, message', [
    (('self.joint_std', 'self.joint_dev'), r"\['joint_std'\] as np.array of 21 x 3"),
    (('self.joint_mean = np.array(', 'self.joint_mean = np.array(sum('), 'is no Python file'),
    (('np.array([[0.0, 0.0, 0.0], ', 'np.array(open("x")) or np.array([['), 'is no Python file'),
    (('[[0.0, 0.0, 0.0], ', '['), r"\['joint_mean', 'joint_std'\]"),
    (('[[0.0, 0.0, 0.0]', '[[1e999, 0.0, 0.0]'), r"\['joint_mean', 'joint_std'\]"),
    (('[[0.0, 0.0, 0.0]', '[[__import__("os"), 0.0, 0.0]'), r"\['joint_mean', 'joint_std'\]")])
def test_other_files_are_refused(source, change, message):
    source.write_text(source.read_text().replace(*change))
    with pytest.raises(BadFile, match=message):
        read_joint_statistics(source)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match='ego4d_dataset.py'):
        read_joint_statistics(tmp_path / 'nowhere.py')


def labels(joints, visible=None):
    sample = PoseDataSample()
    sample.joints = joints
    sample.visible = torch.ones(joints.shape[:-1], dtype=torch.bool) if visible is None else visible
    return sample


def test_normalised_head(source):
    head = VolumeJointHead(8, img_size=(32, 32), statistics=str(source))
    assert (head.mean == 0).all()  # a checkpoint needs no file
    head.init_weights()
    tokens = torch.randn(2, 1, 4, 8)
    joints = head(tokens)['joints']
    normalized = head.normalized(tokens)
    torch.testing.assert_close(1000 * joints, normalized * torch.tensor(DEVIATION).float() + torch.tensor(MEAN).float())
    assert (joints[:, :, 0] == 0).all()
    visible = torch.ones(2, 1, 21, dtype=torch.bool)
    visible[..., 5:] = False
    target = joints.detach() + torch.tensor(DEVIATION / 1000).float()
    target[..., 5:, :] = float('nan')
    expected = (normalized[..., :5, :] - normalized.detach()[..., :5, :] - 1).square()
    expected[..., 0, :] = normalized[..., 0, :].square()  # the wrist has no deviation: its target is zero
    torch.testing.assert_close(head.loss(tokens, labels(target, visible)), expected.mean())
    other = VolumeJointHead(8, img_size=(32, 32))
    other.load_state_dict(head.state_dict())
    assert torch.equal(other(tokens)['joints'], joints)


def test_flow_is_a_density():
    """Its integral is one, whatever its weights; it starts as the normal distribution."""
    torch.manual_seed(0)
    flow = ErrorFlow(3, depth=4, mlp_dim=8)
    assert (flow.kept.sum(-1) == 1).all() and (flow.kept.mean(0) < 1).all()  # two of three change, and all in turn
    axis = torch.linspace(-8, 8, 41)
    grid = torch.cartesian_prod(axis, axis, axis)
    normal = torch.distributions.Normal(0, 1).log_prob(grid).sum(-1)
    torch.testing.assert_close(flow(grid), normal, atol=0.3, rtol=0.05)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        assert (flow(grid).exp().sum() * 0.4 ** 3).item() == pytest.approx(1, abs=0.003)
    assert 'kept' not in flow.state_dict()


def test_likelihood_is_that_of_errors_relative_to_their_expected_size():
    torch.manual_seed(0)
    loss, deviation = ResidualLikelihoodLoss(loss_weight=0.1), torch.rand(2, 3, 21, 3) / 20 + 0.01
    joints, errors = torch.randn(2, 3, 21, 3), torch.randn(2, 3, 21, 3) / 50
    visible = torch.rand(2, 3, 21) > 0.3
    truth = torch.where(visible[..., None], joints + errors, float('nan'))
    scaled = errors / deviation
    laplace, flow = (torch.exp(-scaled.abs()) / 2).log().sum(-1), loss.flow(scaled)
    expected = -(laplace + flow - deviation.log().sum(-1))[visible].mean() / 10
    outputs = dict(joints=joints.requires_grad_(), log_deviation=deviation.log().requires_grad_())
    value = loss(outputs, labels(truth, visible))
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    value.backward()
    assert all(output.grad.isfinite().all() and not output.grad[~visible].any() for output in outputs.values())
    with torch.no_grad():  # errors of centimetres that are expected to be small, or large, are less likely
        values = [loss(dict(outputs, log_deviation=torch.full_like(joints, math.log(size))), labels(truth, visible))
                  for size in (0.003, 0.02, 0.3)]
    assert values[1] < values[0] and values[1] < values[2]
    for parameter in loss.flow.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):  # which the loss does not take part in
        value = loss(outputs, labels(truth, visible))
    expected = -(laplace + loss.flow(scaled) - deviation.log().sum(-1))[visible].mean() / 10
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=0)
