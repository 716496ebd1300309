from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mmegopose.geometry.rigid import apply_rigid, invert_rigid, make_rigid
from mmegopose.geometry.rotations import rotation_from_6d, rotation_to_6d, so3_exp, so3_log, yaw_matrix

RECORDED = np.load(Path(__file__).parents[1] / 'data' / 'rotations.npz')


def test_so3_log_equals_scipy_for_all_angles():
    rng = np.random.default_rng(0)
    axis = rng.normal(size=(500, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.r_[np.zeros(5), np.geomspace(1e-9, 1e-3, 95), rng.uniform(0, np.pi, 300),
                  np.pi - np.geomspace(1e-6, 1, 100)]
    vector = axis * angle[:, None]
    matrix = torch.from_numpy(Rotation.from_rotvec(vector).as_matrix())
    np.testing.assert_allclose(so3_log(matrix), vector, atol=1e-8)
    np.testing.assert_allclose(so3_exp(torch.from_numpy(vector)), matrix, atol=1e-12)


def test_half_turns_have_angle_pi():
    for axis in np.eye(3):
        matrix = torch.from_numpy(Rotation.from_rotvec(axis * np.pi).as_matrix())
        assert abs(so3_log(matrix).norm().item() - np.pi) < 1e-9


def test_6d_is_the_first_two_columns():
    matrix = torch.from_numpy(Rotation.random(4, rng=1).as_matrix())
    np.testing.assert_array_equal(rotation_to_6d(matrix), np.concatenate([matrix[..., 0], matrix[..., 1]], -1))


@pytest.mark.parametrize('function, given, wanted', [
    (so3_exp, 'axis_angle', 'aa_to_rotmat'), (so3_exp, 'axis_angle', 'batch_rodrigues'),
    (rotation_from_6d, 'rot6d', 'rot6d_to_rotmat')])
def test_equals_hamer_and_smplx(function, given, wanted):
    np.testing.assert_allclose(function(torch.from_numpy(RECORDED[given])), RECORDED[wanted], atol=1e-6, rtol=0)


def test_axis_angle_and_matrix_round_trip():
    vector = torch.from_numpy(RECORDED['axis_angle']).double()
    torch.testing.assert_close(so3_log(so3_exp(vector)), vector, atol=1e-9, rtol=0)


def test_so3_exp_is_smooth_at_zero():
    vector = torch.tensor([[0., 0, 0], [1e-9, 0, 0], [0, 9e-3, 4e-3], [0, 9e-3, 5e-3], [1, 2, 3]],
                          dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(so3_exp, vector)
    assert torch.autograd.gradgradcheck(so3_exp, vector)


@pytest.mark.parametrize('angle', [1e-8, 3e-3, 9.9e-3, 1.01e-2])  # the series ends at 1e-2
def test_so3_exp_has_all_digits_at_small_angles(angle):
    c, s = np.cos(angle), np.sin(angle)
    np.testing.assert_allclose(so3_exp(torch.tensor([angle, 0, 0], dtype=torch.float64)),
                               [[1, 0, 0], [0, c, -s], [0, s, c]], rtol=1e-15, atol=0)


def test_6d_and_matrix_round_trip():
    matrix = torch.from_numpy(Rotation.random(20, rng=3).as_matrix()).reshape(4, 5, 3, 3)
    torch.testing.assert_close(rotation_from_6d(rotation_to_6d(matrix)), matrix, atol=1e-12, rtol=0)


def test_any_6d_yields_a_rotation():
    vectors = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))  # a batch of 3, as the axes
    for matrix in (rotation_from_6d(vectors), rotation_from_6d(vectors.bfloat16())):
        assert matrix.dtype == torch.float32
        torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3).expand(3, 3, 3), atol=1e-6, rtol=0)
        torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(3), atol=1e-6, rtol=0)
    assert torch.isfinite(rotation_from_6d(torch.zeros(6))).all()


def test_rigid_transforms():
    rotation = torch.from_numpy(Rotation.random(6, rng=2).as_matrix()).reshape(2, 3, 3, 3)
    transform = make_rigid(rotation, torch.randn(2, 3, 3, dtype=torch.float64))
    points = torch.randn(2, 3, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(apply_rigid(transform, points), torch.einsum(
        'btij,btpj->btpi', rotation, points) + transform[..., None, :3, 3], atol=1e-12, rtol=0)
    torch.testing.assert_close(apply_rigid(transform[0, 0], points[0, 0]), apply_rigid(transform, points)[0, 0])
    there_and_back = apply_rigid(invert_rigid(transform), apply_rigid(transform, points))
    torch.testing.assert_close(there_and_back, points, atol=1e-12, rtol=0)
    torch.testing.assert_close(invert_rigid(transform), torch.linalg.inv(transform), atol=1e-12, rtol=0)


def test_yaw_turns_left():
    turned = yaw_matrix(torch.tensor(torch.pi / 2, dtype=torch.float64)) @ torch.tensor([1., 0, 0], dtype=torch.float64)
    torch.testing.assert_close(turned, torch.tensor([0., 1, 0], dtype=torch.float64), atol=1e-12, rtol=0)
