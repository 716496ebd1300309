"""What lies between two measurements."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from mmegopose.geometry.resampling import bracket, interpolate, interpolate_poses, time_grid


def test_the_grid_begins_at_the_first_time_and_ends_before_the_last():
    np.testing.assert_allclose(time_grid(np.array([2.0, 2.04, 2.1]), 30), [2, 2 + 1 / 30, 2 + 2 / 30, 2.1])
    assert len(time_grid(np.zeros(0), 30)) == 0 and time_grid(np.array([5.0]), 30).tolist() == [5]
    with pytest.raises(ValueError, match='fps should be positive, got 0$'):
        time_grid(np.zeros(2), 0)


def test_rows_around_a_time():
    before, after, weight = bracket(np.array([0.0, 1, 3]), np.array([-1, 0, 0.25, 1, 2.5, 3, 9]))
    np.testing.assert_array_equal(before, [0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(after, [0, 0, 1, 1, 2, 2, 2])
    np.testing.assert_allclose(weight, [0, 0, 0.25, 0, 0.75, 0, 0])


def test_floats_are_interpolated_and_all_else_is_as_it_was_last():
    places = bracket(np.array([0.0, 1, 3]), np.array([0.5, 1, 2]))
    np.testing.assert_allclose(interpolate(np.array([[0.0], [2], [4]]), *places), [[1], [2], [3]])
    assert interpolate(np.array([5, 6, 7]), *places).tolist() == [5, 6, 6]
    assert interpolate(np.array([True, False, True]), *places).tolist() == [True, False, False]
    np.testing.assert_allclose(interpolate(np.array([np.nan, 1, 2]), *places)[1:], [1, 1.5])  # a hit needs no neighbour


def test_poses_turn_as_scipy_says_and_hits_stay_bit_by_bit():
    random = np.random.default_rng(0)
    time, poses = np.arange(6) * 0.1, np.tile(np.eye(4), (6, 1, 1))
    poses[:, :3, :3] = Rotation.random(6, random_state=1).as_matrix()
    poses[:, :3, 3] = random.normal(size=(6, 3))
    wanted = np.sort(np.r_[time, random.uniform(0, 0.5, 40)])
    found = interpolate_poses(poses, *bracket(time, wanted))
    slerp = Slerp(time, Rotation.from_matrix(poses[:, :3, :3]))(wanted).as_matrix()
    np.testing.assert_allclose(found[:, :3, :3], slerp, atol=1e-12)
    np.testing.assert_allclose(found[:, 0, 3], np.interp(wanted, time, poses[:, 0, 3]), atol=1e-12)
    np.testing.assert_array_equal(interpolate_poses(poses, *bracket(time, time)), poses)
