from pathlib import Path

import numpy as np
import pytest
import torch

from mmegopose.evaluation import (
    acceleration_errors,
    aligned_errors,
    clip_mask,
    joint_errors,
    masked_mean,
    mpjpe,
    n_mpjpe,
    p_mpjpe,
    velocity_errors,
)
from mmegopose.geometry.alignment import root_align
from mmegopose.structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL, SCENARIOS, scenario_of

PARITY = Path(__file__).parents[1] / 'data' / 'lifting_metrics.npz'


@pytest.fixture(scope='module')
def parity():
    """Results of the official metric code of lifting methods on random poses ``(4,30,17,3)``."""
    with np.load(PARITY) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def test_position_errors_match_official_code(parity):
    pred, gt = parity['pred'], parity['gt']
    for key, value in dict(
            mpjpe=mpjpe(pred, gt), p_mpjpe=p_mpjpe(pred, gt), n_mpjpe=n_mpjpe(pred, gt),
            mpjpe_root_subtracted=mpjpe(root_align(pred), root_align(gt)),
            mpjpe_per_joint_mm=1000 * joint_errors(pred, gt).mean((0, 1))).items():
        torch.testing.assert_close(value, parity[key], atol=1e-9, rtol=1e-9)


def test_motion_errors_match_official_code(parity):
    pred, gt = parity['pred'], parity['gt']
    visible, frame_ids = torch.ones(4, 30, 17, dtype=torch.bool), torch.arange(30).expand(4, 30)
    velocity = masked_mean(*velocity_errors(pred, gt, visible, frame_ids, fps=1))
    torch.testing.assert_close(velocity, parity['velocity_per_sequence'], atol=1e-9, rtol=0)
    acceleration, mask = acceleration_errors(pred, gt, visible, frame_ids, fps=1)
    assert mask.all()
    torch.testing.assert_close(acceleration.mean(-1), parity['acc_error_per_frame'], atol=1e-9, rtol=0)


def test_masked_means():
    gt = torch.zeros(2, 17, 3, dtype=torch.float64)
    pred = gt + torch.tensor([3., 4., 0.])
    visible = torch.ones(2, 17, dtype=torch.bool)
    visible[0, 3:] = False
    pred[0, 5], gt[0, 6] = float('nan'), 1e9
    assert mpjpe(pred, gt, visible) == 5
    for error in (p_mpjpe, n_mpjpe):
        value = error(pred + torch.randn(17, 3, dtype=gt.dtype).where(visible[..., None], pred), gt, visible)
        assert value.isfinite()
    assert mpjpe(pred, gt, torch.zeros_like(visible)).isnan()


def test_p_mpjpe_drops_poses_that_anything_fits():
    generator = torch.Generator().manual_seed(0)
    pred, gt = torch.randn(2, 2, 17, 3, generator=generator, dtype=torch.float64)
    visible = torch.ones(2, 17, dtype=torch.bool)
    visible[1, 2:] = False
    torch.testing.assert_close(p_mpjpe(pred, gt, visible), p_mpjpe(pred[:1], gt[:1]))


def test_n_mpjpe_removes_scale_only():
    gt = torch.randn(5, 17, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert n_mpjpe(0.3 * gt, gt) < 1e-12
    assert n_mpjpe(gt + 0.2, gt) > 0.05
    assert n_mpjpe(torch.zeros_like(gt), gt) == mpjpe(torch.zeros_like(gt), gt)


def test_velocity_pairs_and_units():
    frame_ids = torch.tensor([0, 3, 12, 22, 22, 24])
    gt = torch.zeros(6, 2, 3, dtype=torch.float64)
    pred = gt.clone()
    pred[:, 0, 0] = frame_ids.double() / 30                   # one metre per second too fast
    visible = torch.ones(6, 2, dtype=torch.bool)
    visible[0, 1] = visible[5, 0] = False
    errors, mask = velocity_errors(pred, gt, visible, frame_ids)
    assert mask.tolist() == [[True, False], [True, True], [False, False], [False, False], [False, True]]
    torch.testing.assert_close(errors[:2, 0], torch.ones(2, dtype=torch.float64))
    assert errors.isfinite().all()
    errors, mask = velocity_errors(pred[:1], gt[:1], visible[:1], frame_ids[:1])
    assert errors.shape == mask.shape == (0, 2)


def test_acceleration_needs_equal_steps():
    frame_ids = torch.tensor([0, 3, 6, 10, 14])
    gt = torch.zeros(5, 1, 3, dtype=torch.float64)
    pred = gt.clone()
    pred[:, 0, 2] = (frame_ids.double() / 30) ** 2            # two metres per second squared
    errors, mask = acceleration_errors(pred, gt, torch.ones(5, 1, dtype=torch.bool), frame_ids)
    assert mask[:, 0].tolist() == [True, False, True]
    torch.testing.assert_close(errors[mask], torch.full((2,), 2., dtype=torch.float64))


@pytest.mark.parametrize('frames,kept', [
    (np.arange(0, 120, 3), 40), (np.arange(0, 117, 3), 0), (np.arange(0, 118), 118), (np.arange(0, 117), 0),
    (np.r_[0:60:3, 60:120:3], 40), (np.r_[0:60:3, 61:120:3], 0), (np.r_[0:120:3, 121:200:3], 40),
    (np.r_[7:140:3, 149:290:3, 400:430:3], 45 + 47), (np.array([5]), 0), (np.array([], dtype=int), 0)])
def test_clip_mask(frames, kept):
    mask = clip_mask(torch.from_numpy(frames))
    assert mask.dtype == torch.bool and mask.shape == frames.shape
    assert mask.sum() == kept
    assert mask[:kept].all()


def test_scenarios():
    names = dict(basketball='x_BasketBall_1', bike='x_bike_2', cooking='x_Cooking_3', dance='x_dance_4',
                 soccer='x_soccer_5', health='uniandes_covid_6', bouldering='x_bouldering_7', music='x_Violin_8',
                 other='walk_01')
    assert {scenario_of(name): name for name in names.values()} == names
    assert scenario_of('georgiatech_cpr_music_1') == 'health'
    assert set(names) == set(SCENARIOS) == PHYSICAL | PROCEDURAL | {'other'}
    assert not PHYSICAL & PROCEDURAL


@pytest.mark.parametrize('count, counted', [(2, False), (3, True), (4, True)])
def test_a_pose_counts_for_the_aligned_error_from_three_visible_joints_on(count, counted):
    generator = torch.Generator().manual_seed(0)
    pred, truth = (torch.randn(1, 17, 3, generator=generator) for _ in range(2))
    visible = (torch.arange(17) < count)[None]
    _, mask = aligned_errors(pred, truth, visible)
    assert mask.equal(visible & counted)
