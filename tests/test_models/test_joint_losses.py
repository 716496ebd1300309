"""Losses on joints by hand."""
import pytest
import torch

from mmegopose.models.losses import (
    BoneLengthLoss,
    L1Loss,
    MPJPELoss,
    TemporalConsistencyLoss,
    VelocityLoss,
    joint_losses,
)
from mmegopose.structures import PoseDataSample, get_skeleton


def samples(pred):
    sample = PoseDataSample()
    sample.joints = torch.zeros_like(pred)
    sample.visible = torch.ones(pred.shape[:-1], dtype=torch.bool)
    sample.visible[:, :, 3] = False
    sample.frame_ids = 3 * torch.arange(pred.shape[1])[None].repeat(len(pred), 1)
    return sample


def test_losses_against_known_values():
    pred = torch.zeros(2, 4, 17, 3) + torch.tensor([3., 4., 0.])
    pred[:, :, 3] = 1e6  # invisible
    sample = samples(pred)
    assert MPJPELoss()(dict(joints=pred), sample).item() == pytest.approx(5)
    assert L1Loss(loss_weight=2)(dict(joints=pred), sample).item() == pytest.approx(2 * 7 / 3)
    assert VelocityLoss()(dict(joints=pred), sample).item() == pytest.approx(0)
    moving = pred + torch.arange(4.)[:, None, None] * torch.tensor([0., 0., 0.2])  # 0.2 m in 3 frames
    assert VelocityLoss()(dict(joints=moving), sample).item() == pytest.approx(2.0, rel=1e-5)
    assert BoneLengthLoss()(dict(joints=pred), sample).item() == pytest.approx(0)
    stretched = torch.zeros(2, 4, 17, 3)
    stretched[:, :, 15, 2] = 0.17  # one of the bones without joint 3
    bones = sum(3 not in edge for edge in get_skeleton('coco17').edges)
    assert BoneLengthLoss()(dict(joints=stretched), sample).item() == pytest.approx(0.17 / bones, rel=1e-5)


@pytest.mark.parametrize('loss', [MPJPELoss(), L1Loss(), VelocityLoss(), BoneLengthLoss()],
                         ids=lambda loss: type(loss).__name__)
def test_what_moves_with_the_truth_is_no_error(loss):
    pred = torch.randn(2, 4, 17, 3, dtype=torch.float64)
    way = torch.randn(2, 1, 1, 3) + torch.arange(4)[:, None, None] * torch.randn(3)  # at a velocity of its own
    sample, moved = samples(pred), samples(pred)
    moved.joints = sample.joints + way
    torch.testing.assert_close(loss(dict(joints=pred + way), moved), loss(dict(joints=pred), sample))
    moved.joints = pred
    assert loss(dict(joints=pred), moved) == 0


def test_two_frames_are_several_and_bones_are_no_weights():
    pred = torch.arange(2.)[None, :, None, None] * torch.tensor([0., 0, 0.1]) * torch.ones(1, 2, 17, 3)
    assert VelocityLoss()(dict(joints=pred), samples(pred)).item() == pytest.approx(1)  # 0.1 m in 0.1 s
    assert not BoneLengthLoss().state_dict()
    with pytest.raises(ValueError, match="'coco17'.* takes 17 joints, got 15"):
        BoneLengthLoss()(dict(joints=pred[:, :, :15]), samples(pred[:, :, :15]))


def test_loss_without_visible_joints_is_zero_and_finite():
    pred = torch.randn(2, 3, 17, 3, requires_grad=True)
    sample = samples(pred.detach())
    sample.visible[:] = False
    loss = MPJPELoss()(dict(joints=pred), sample) + L1Loss()(dict(joints=pred), sample)
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(pred.grad).all()


def test_padded_frames_have_no_velocity():
    pred = torch.randn(1, 4, 17, 3)
    sample = samples(pred)
    sample.frame_ids = torch.tensor([[0, 0, 3, 6]])
    changed = pred.clone()
    changed[:, 0] += 9
    assert VelocityLoss()(dict(joints=pred), sample).item() == pytest.approx(
        VelocityLoss()(dict(joints=changed), sample).item())


def test_velocity_loss_needs_frames():
    pred = torch.zeros(1, 1, 17, 3)
    with pytest.raises(ValueError, match="target_frames='all'"):
        VelocityLoss()(dict(joints=pred), samples(pred))


def test_velocities_are_per_second_whatever_lies_between_the_frames():
    pred = torch.zeros(1, 4, 17, 3, dtype=torch.float64)
    pred[0, :, :, 1] = torch.tensor([0, 0.1, 0.1, 0.4])[:, None]
    sample = samples(pred)
    sample.joints[0, :, :, 1] = torch.tensor([0, 0, 0, 0.1])[:, None]
    sample.frame_ids = torch.tensor([[0, 1, 3, 13]])  # 0.1 m in 1/30 s, 0 m, and 0.2 m in 1/3 s
    assert VelocityLoss()(dict(joints=pred), sample).item() == pytest.approx((3 + 0 + 0.6) / 3)
    assert VelocityLoss(fps=60)(dict(joints=pred), sample).item() == pytest.approx(2 * (3 + 0 + 0.6) / 3)
    assert VelocityLoss(0.5, fps=None)(dict(joints=pred), sample).item() == pytest.approx(0.5 * (0.1 + 0 + 0.2) / 3)


def test_a_joint_must_be_seen_in_both_frames():
    pred = torch.zeros(1, 3, 17, 3)
    pred[:, 1, :2] = 0.3
    sample = samples(pred)
    sample.visible[:] = False
    sample.visible[0, :2, 0] = sample.visible[0, 0, 1] = sample.visible[0, 2, 1] = True  # only joint 0 in a pair
    for loss, expected in ((VelocityLoss(fps=None), 0.3 * 3 ** 0.5), (TemporalConsistencyLoss(), 0.09)):
        assert loss(dict(joints=pred), sample).item() == pytest.approx(expected)


def test_bones_have_the_length_of_the_truth():
    generator = torch.Generator().manual_seed(0)
    pred, truth = torch.randn(2, 1, 3, 17, 3, generator=generator, dtype=torch.float64)
    sample = samples(pred)
    sample.joints = truth
    errors = [abs((pred[0, t, a] - pred[0, t, b]).norm() - (truth[0, t, a] - truth[0, t, b]).norm()).item()
              for t in range(3) for a, b in get_skeleton('coco17').edges if 3 not in (a, b)]
    assert BoneLengthLoss(2.0)(dict(joints=pred), sample).item() == pytest.approx(2 * sum(errors) / len(errors))


def test_joint_weights_are_not_divided_by_their_sum():
    pred = torch.zeros(1, 1, 17, 3)
    pred[..., 0] = torch.arange(17.)
    loss = MPJPELoss(joint_weights=tuple(k / 4 for k in range(17)))
    assert loss(dict(joints=pred), samples(torch.zeros_like(pred))).item() == pytest.approx(
        sum(k * k / 4 for k in range(17) if k != 3) / 16)


def test_the_mean_of_two_processes(monkeypatch):
    """Here 2 and 4 count, there three numbers whose sum is 4: the mean is 10 / 5 in both processes."""
    monkeypatch.setattr(joint_losses, 'is_distributed', lambda: True)
    monkeypatch.setattr(joint_losses, 'get_world_size', lambda: 2)
    monkeypatch.setattr(joint_losses, 'all_reduce', lambda both: both.add_(torch.tensor([4., 3])))
    values = torch.tensor([2., 9, 4], requires_grad=True)
    mean = joint_losses.global_mean(values, torch.tensor([True, False, True]))
    mean.backward()
    assert mean.item() == pytest.approx(2)
    assert values.grad.tolist() == pytest.approx([2 / 5, 0, 2 / 5])  # the average over processes is the mean's, 1 / 5
