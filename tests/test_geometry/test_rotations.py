import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mmegopose.geometry.rigid import invert_rigid, make_rigid, transform_points
from mmegopose.geometry.rotations import rotation_to_6d, so3_exp, so3_log, yaw_matrix


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


def test_rigid_transforms():
    rotation = torch.from_numpy(Rotation.random(6, rng=2).as_matrix()).reshape(2, 3, 3, 3)
    transform = make_rigid(rotation, torch.randn(2, 3, 3, dtype=torch.float64))
    points = torch.randn(2, 3, 5, 3, dtype=torch.float64)
    there_and_back = transform_points(invert_rigid(transform), transform_points(transform, points))
    torch.testing.assert_close(there_and_back, points, atol=1e-12, rtol=0)
    torch.testing.assert_close(invert_rigid(transform), torch.linalg.inv(transform), atol=1e-12, rtol=0)


def test_yaw_turns_left():
    turned = yaw_matrix(torch.tensor(torch.pi / 2, dtype=torch.float64)) @ torch.tensor([1., 0, 0], dtype=torch.float64)
    torch.testing.assert_close(turned, torch.tensor([0., 1, 0], dtype=torch.float64), atol=1e-12, rtol=0)
