"""Losses of the lifting papers against values of the official code."""
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from mmegopose.models.losses import MPJPELoss, NMPJPELoss, TemporalConsistencyLoss, VelocityLoss
from mmegopose.models.losses.joint_losses import named_joint_weights
from mmegopose.structures import PoseDataSample

DATA = Path(__file__).parents[1] / 'data' / 'lifting_metrics.npz'
WEIGHTS = 'mixste_h36m17'


@pytest.fixture(scope='module')
def poses():
    """Outputs and sample of float64 poses ``(4,30,17,3)``, without frame numbers."""
    data = np.load(DATA)
    sample = PoseDataSample()
    sample.joints = torch.from_numpy(data['gt'])
    sample.visible = torch.ones(sample.joints.shape[:3], dtype=torch.bool)
    return dict(joints=torch.from_numpy(data['pred'])), sample


@pytest.mark.parametrize('loss, official', [
    (MPJPELoss(), 0.12637776284154162), (MPJPELoss(joint_weights=WEIGHTS), 0.31476990341529815),
    (TemporalConsistencyLoss(joint_weights=WEIGHTS), 0.08626526648100942),
    (VelocityLoss(fps=None), 0.13531892570040877), (NMPJPELoss(), 0.1105943777691839)])
def test_official_values(poses, loss, official):
    assert loss(*poses).item() == pytest.approx(official, abs=1e-6)


def test_official_totals(poses):
    mixste = [MPJPELoss(1.0, WEIGHTS), TemporalConsistencyLoss(0.5, WEIGHTS), VelocityLoss(2.0, None)]
    assert sum(loss(*poses) for loss in mixste).item() == pytest.approx(0.6285403880566204, abs=1e-6)
    motionbert = [MPJPELoss(), NMPJPELoss(0.5), VelocityLoss(20.0, None)]
    assert sum(loss(*poses) for loss in motionbert).item() == pytest.approx(2.888053465734309, abs=1e-6)


def test_named_weights():
    assert [len(named_joint_weights()[name]) for name in ('mixste_h36m17', 'mixste_humaneva15')] == [17, 15]
    named, given = MPJPELoss(joint_weights=WEIGHTS), MPJPELoss(joint_weights=named_joint_weights()[WEIGHTS])
    assert torch.equal(named.joint_weights, given.joint_weights)
    assert not named.state_dict()  # a constant, not a weight


def test_wrong_weights_say_what_is_right(poses):
    with pytest.raises(ValueError, match="joint_weights='mixste'.*'mixste_h36m17', 'mixste_humaneva15'"):
        MPJPELoss(joint_weights='mixste')
    with pytest.raises(ValueError, match='MPJPELoss has 15 joint_weights, the poses have 17 joints'):
        MPJPELoss(joint_weights='mixste_humaneva15')(*poses)


def test_invisible_joints_count_for_nothing(poses):
    outputs, sample = poses
    hidden = PoseDataSample()
    hidden.joints, hidden.visible = sample.joints.clone(), sample.visible.clone()
    hidden.visible[1, 5, 3] = hidden.visible[2, :, 7] = False
    hidden.visible[3] = False
    joints = outputs['joints'].clone().requires_grad_()
    other = torch.where(hidden.visible[..., None], joints, 50 * torch.randn_like(joints))
    unknown = PoseDataSample()
    unknown.visible = hidden.visible
    unknown.joints = hidden.joints.masked_fill(~hidden.visible[..., None], math.nan)
    for loss in (MPJPELoss(joint_weights=WEIGHTS), TemporalConsistencyLoss(), VelocityLoss(fps=None), NMPJPELoss()):
        value = loss(dict(joints=joints), unknown)
        assert loss(dict(joints=other), hidden).item() == pytest.approx(value.item(), rel=1e-9)
        gradient, = torch.autograd.grad(value, joints)
        assert torch.isfinite(gradient).all() and (gradient[~hidden.visible] == 0).all()


def test_a_scaled_pose_has_no_nmpjpe(poses):
    _, sample = poses
    assert NMPJPELoss()(dict(joints=3 * sample.joints), sample).item() < 1e-9
    part = PoseDataSample()
    part.joints, part.visible = sample.joints, torch.rand(sample.visible.shape) > 0.4
    assert NMPJPELoss()(dict(joints=3 * sample.joints), part).item() < 1e-9
    zero = torch.zeros_like(sample.joints, requires_grad=True)
    NMPJPELoss()(dict(joints=zero), sample).backward()
    assert torch.isfinite(zero.grad).all()


def test_smoothness_reads_no_target(poses):
    outputs, sample = poses
    still = dict(joints=outputs['joints'][:, :1].expand(-1, 30, -1, -1))
    assert TemporalConsistencyLoss()(still, sample).item() == 0


def test_one_frame_has_no_motion(poses):
    outputs, sample = poses
    for loss in (TemporalConsistencyLoss(), VelocityLoss(fps=None)):
        with pytest.raises(ValueError, match=f"{type(loss).__name__} needs several frames.*target_frames='all'"):
            loss(dict(joints=outputs['joints'][:, :1]), sample.last_frames(1))
