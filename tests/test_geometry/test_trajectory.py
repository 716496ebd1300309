import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import wearer
from scipy.spatial.transform import Rotation

from mmegopose.geometry.rigid import make_rigid
from mmegopose.geometry.trajectory import (
    HEAD_AXES,
    gravity_aligned_features,
    heading_frame,
    pose_delta_features,
    rigidity_error,
    translation_features,
)


def track(length=20):
    return torch.from_numpy(np.stack([wearer(3 * f, True)[1] for f in range(length)]))[None]


def test_heading_frame_of_a_level_and_a_tilted_head():
    for pitch in (0.0, 0.6, 1.5, -1.2):
        yaw = 0.7
        body = Rotation.from_euler('ZY', [yaw, pitch]).as_matrix()  # x forward, y left, z up; pitch looks down
        camera = body @ np.array(HEAD_AXES['aria']).T
        frame = heading_frame(make_rigid(torch.from_numpy(camera), torch.tensor([1., 2, 3], dtype=torch.float64)))
        np.testing.assert_allclose(frame[:3, :3], Rotation.from_euler('z', yaw).as_matrix(), atol=1e-12)
        np.testing.assert_allclose(frame[:3, 3], [1, 2, 3])


@pytest.mark.parametrize('axes', sorted(HEAD_AXES))
def test_head_axes_are_rotations(axes):
    matrix = np.array(HEAD_AXES[axes])
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_features_of_a_straight_walk():
    """1.5 m/s forward, level gaze, no turn: everything is known."""
    time = torch.arange(-9, 1)[None].double() / 10
    pose = torch.eye(4, dtype=torch.float64).repeat(1, 10, 1, 1)
    pose[..., :3, :3] = torch.tensor(HEAD_AXES['aria'], dtype=torch.float64).T
    pose[0, :, 0, 3] = 1.5 * time[0]
    pose[0, :, 2, 3] = 1.6
    features = gravity_aligned_features(pose, time, torch.full((1, 10), 1.7, dtype=torch.float64))[0]
    np.testing.assert_allclose(features[:, 0], 1.5 * time[0], atol=1e-12)
    np.testing.assert_allclose(features[:, 1:3], 0, atol=1e-12)
    np.testing.assert_allclose(features[:, 3:9], [[1, 0, 0, 0, 1, 0]] * 10, atol=1e-12)
    np.testing.assert_allclose(features[1:, 9:12], [[1.5, 0, 0]] * 9, atol=1e-12)
    np.testing.assert_allclose(features[:, 12:15], 0, atol=1e-12)
    np.testing.assert_allclose(features[:, 15], -0.1, atol=1e-12)


def test_angular_velocity_of_a_constant_turn():
    time = torch.arange(5)[None].double() / 10
    spin = torch.from_numpy(Rotation.from_euler('z', 2.0 * time[0][:, None].numpy()).as_matrix())
    pose = make_rigid(spin @ torch.tensor(HEAD_AXES['aria'], dtype=torch.float64).T, torch.zeros(5, 3).double())[None]
    features = gravity_aligned_features(pose, time, torch.zeros(1, 5).double())[0]
    np.testing.assert_allclose(features[1:, 12:15], [[0, 0, 2.0]] * 4, atol=1e-9)


def test_camera_conventions_give_the_same_features():
    pose, time, peak = track(), torch.arange(20)[None].double() / 10, torch.zeros(1, 20).double()
    other = pose.clone()
    aria, opencv = (torch.tensor(HEAD_AXES[k], dtype=torch.float64) for k in ('aria', 'opencv'))
    other[..., :3, :3] = pose[..., :3, :3] @ aria @ opencv.T
    torch.testing.assert_close(gravity_aligned_features(pose, time, peak, 'aria'),
                               gravity_aligned_features(other, time, peak, 'opencv'), atol=1e-12, rtol=0)


def test_repeated_frames_stand_still():
    pose, time = track(), torch.arange(20)[None].double() / 10
    pose[:, :5], time[:, :5] = pose[:, 5:6], time[:, 5:6]
    features = gravity_aligned_features(pose, time, torch.zeros(1, 20).double())[0]
    assert features[:6, 9:15].abs().max() < 1e-12
    assert features[6:, 9:12].norm(dim=1).min() > 0.1


def test_translation_and_pose_delta_follow_the_extrinsics():
    pose = track(4)
    extrinsics = torch.linalg.inv(pose)
    torch.testing.assert_close(translation_features(pose), extrinsics[..., :3, 3], atol=1e-12, rtol=0)
    before = torch.cat([pose[:, :1], pose[:, :-1]], 1)
    features = pose_delta_features(pose, before)
    torch.testing.assert_close(features[..., 3:12], extrinsics[..., :3, :3].transpose(-1, -2).flatten(-2), atol=1e-12,
                               rtol=0)
    torch.testing.assert_close(features[:, 0, 12:], torch.zeros(1, 12).double())
    torch.testing.assert_close(features[:, 1:, 12:], features[:, 1:, :12] - features[:, :-1, :12], atol=1e-12, rtol=0)


def test_transposed_poses_are_not_rigid():
    pose = np.eye(4)
    pose[:3, 3] = 5, -3, 1.6
    np.testing.assert_array_equal(rigidity_error(np.stack([pose, pose.T, pose * np.nan])), [0, np.inf, np.inf])
    assert rigidity_error(pose[:3]) == 0


def test_mirrored_incomplete_and_scaled_poses_are_not_rigid():
    pose = make_rigid(torch.from_numpy(Rotation.random(3, random_state=0).as_matrix()), torch.zeros(3, 3)).numpy()
    pose[0, :3, 2] *= -1                       # a reflection
    pose[1, 1, 3] = np.inf                     # a place that is nowhere
    pose[2, :3, :3] *= 1.01
    np.testing.assert_allclose(rigidity_error(pose), [np.inf, np.inf, 1.01 ** 2 - 1], rtol=1e-9)
