"""Errors of a few joints and keypoints, by hand."""
import math

import pytest
import torch

from mmegopose.evaluation.functional import (
    acceleration_errors,
    auc,
    crop_to_image,
    jitter,
    keypoint_pck,
    keypoint_pck_per_joint,
    keypoint_similarity,
    masked_mean,
    normalized_distances,
    pck,
    scale_translation_align,
    scaled_errors,
)
from mmegopose.evaluation.functional.joint_errors import alignable, norms

double = torch.float64


def test_correct_joints_are_strictly_nearer_than_the_threshold():
    errors = torch.tensor([0, 5, 149.99, 150, 151], dtype=double)
    counted = torch.tensor([True, True, True, True, False])
    assert pck(errors, 150) == 3 / 5 and pck(errors, 150, counted) == 3 / 4
    assert auc(errors, torch.tensor([0, 5, 150.], dtype=double)).item() == pytest.approx((0 + 1 / 5 + 3 / 5) / 3)
    assert auc(errors, torch.tensor([5, 200.], dtype=double), counted).item() == pytest.approx((1 / 4 + 1) / 2)
    assert masked_mean(errors, ~counted) == 151 and masked_mean(errors, counted & ~counted).isnan()


def test_alignment_says_something_of_three_joints_and_more():
    visible = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 1], [1, 1, 1, 1]]).bool()
    assert alignable(visible).tolist() == [[False] * 4, [True, True, False, True], [True] * 4]


def test_the_best_scale_by_hand():
    pred = torch.tensor([[[1, 0, 0], [0, 2, 0], [9, 9, 9]]], dtype=double)
    gt = torch.tensor([[[3, 0, 0], [0, 1, 0], [0, 0, 0]]], dtype=double)
    seen = torch.tensor([[True, True, False]])
    errors, mask = scaled_errors(pred, gt, seen)  # the scale is (1 * 3 + 2 * 1) / (1 + 4)
    assert errors[0, :2].tolist() == [2, 1] and mask.tolist() == seen.tolist()


def test_norms_with_and_without_gradients():
    vectors = torch.tensor([[2, 3, 6], [1, 4, 8.]], dtype=double)
    assert norms(vectors).tolist() == [7, 9] == norms(vectors.clone().requires_grad_()).tolist()


def test_motion_is_measured_over_the_largest_step_that_counts():
    frames, joints = torch.arange(4) * 9, torch.zeros(4, 1, 3, dtype=double)
    joints[:, 0, 0] = (frames / 30) ** 3
    visible = torch.ones(4, 1, dtype=torch.bool)
    for step, counts in ((9, True), (10, False)):
        ids = torch.arange(4) * step
        assert jitter(joints, visible, ids)[1].tolist() == [[counts]]
        assert acceleration_errors(joints, 0 * joints, visible, ids)[1].tolist() == [[counts]] * 2
    assert jitter(joints, visible, frames)[0].item() == pytest.approx(6)
    for hidden in range(4):
        seen = visible.clone()
        seen[hidden] = False
        assert not jitter(joints, seen, frames)[1].any()
        assert acceleration_errors(joints, 0 * joints, seen, frames)[1][:, 0].tolist() == [hidden == 3, hidden == 0]
    for uneven in ([0, 3, 6, 8], [0, 3, 5, 8], [0, 2, 5, 8], [0, 3, 3, 3], [0, 0, 0, 0]):
        assert not jitter(joints, visible, torch.tensor(uneven))[1].any()


def test_a_crop_in_the_image():
    keypoints = torch.tensor([[[0.25, -0.5]]], dtype=double).expand(2, 1, 2)
    size, centre = torch.tensor([100., 200], dtype=double), torch.tensor([[50., 60], [10, 20]], dtype=double)
    assert crop_to_image(keypoints, size, centre).tolist() == [[[75, 10]], [[60, -80]]]
    left = crop_to_image(keypoints, size, centre, torch.tensor([False, True]))
    assert left.tolist() == [[[25, 10]], [[60, -80]]]


def test_similarity_of_keypoints_by_hand():
    pred, gt = torch.full((1, 3, 2), 2, dtype=double), torch.tensor([[[5, 6], [2, 2], [7, 7]]], dtype=double)
    mask, area = torch.tensor([[True, True, False]]), torch.tensor([400.], dtype=double)
    expected = (math.exp(-25 / (8 * 0.05 ** 2 * 400)) + 1) / 2
    assert keypoint_similarity(pred, gt, mask, area, (0.05, 0.1, 0.1)).item() == pytest.approx(expected)
    assert keypoint_similarity(pred, gt, mask & False, area, (0.05, 0.1, 0.1)).isnan().all()


def test_a_keypoint_at_the_threshold():
    distances = normalized_distances(torch.tensor([[[3., 4], [0, 0]], [[6, 8], [9, 9]]]), torch.zeros(2, 2, 2),
                                     torch.tensor([50., 100]))
    torch.testing.assert_close(distances[:, 0], torch.tensor([0.1, 0.1]))
    exact = torch.tensor([[0.5, 0.25], [0.25, 3]])
    mask = torch.tensor([[True, True], [True, False]])
    assert keypoint_pck_per_joint(exact, mask, (0.25, 0.5)).tolist() == [[0.5, 1], [1, 1]]
    assert keypoint_pck_per_joint(exact, mask, (0.25, 0.5), strict=True).tolist() == [[0, 0], [0.5, 1]]
    assert keypoint_pck(exact, mask, (0.25,)).tolist() == [0.75]
    assert keypoint_pck(exact, mask & torch.tensor([True, False]), (0.25,)).tolist() == [0.5]  # one never counts


def test_scale_and_translation_by_hand():
    source = torch.tensor([[1, 1, 1], [1, 3, 1], [2, 1, 1]], dtype=double)
    target = torch.tensor([[5, 0, 0], [5, 0, 6], [0, 0, 0]], dtype=double)
    moved = scale_translation_align(source, target, root=0, reference=1)
    assert moved.tolist() == [[5, 0, 0], [5, 6, 0], [8, 0, 0]]
    assert scale_translation_align(source, target, 0, 0).tolist() == [[5, 0, 0], [5, 2, 0], [6, 0, 0]]
