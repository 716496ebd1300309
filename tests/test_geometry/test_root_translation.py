"""Where a body is in front of a camera: an exact case, noise, and what the uncertainty says of it."""
import numpy as np
import pytest
from scipy.optimize import least_squares

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.geometry.cameras import perspective
from mmegopose.geometry.root_translation import pinhole, root_translation, translation_from_crop

SIZE = (1000, 800)
CAMERA = pinhole(SIZE, 50)
TURN = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # a level camera: z up to y down


def real_motion(num_frames=600):
    """Poses about the root in camera axes, metres, ``(T,17,3)``, and places in front of the camera ``(T,3)``."""
    sequence = max(MocapSequences.load(ASSET), key=lambda one: len(one.joints_h36m))
    joints = sequence.joints_h36m[:num_frames] @ TURN.T
    time = np.arange(len(joints)) / 30
    place = np.stack([0.8 * np.sin(time), 0.1 * np.cos(time), 4 + np.sin(0.3 * time)], -1)
    return joints - joints[:, :1], place


def test_what_a_camera_is():
    assert pytest.approx([500 / np.tan(np.radians(25))] * 2 + [500, 400]) == CAMERA
    matrix = [[900, 0, 480], [0, 910, 410], [0, 0, 1]]
    np.testing.assert_array_equal(pinhole(SIZE, intrinsics=matrix), [900, 910, 480, 410])
    np.testing.assert_array_equal(pinhole(SIZE, intrinsics=(900, 910, -5, -6)), [900, 910, -5, -6])  # of a cut image
    assert pinhole(SIZE, 3.2)[0] == pytest.approx(500 / np.tan(np.radians(1.6)))
    assert pinhole(SIZE, 178.9)[0] == pytest.approx(500 / np.tan(np.radians(89.45)))
    for options, message in ((dict(), 'either'), (dict(field_of_view=179), 'field_of_view=179'),
                             (dict(intrinsics=(900, 0, 500, 400)), 'fx, fy'),
                             (dict(field_of_view=60, intrinsics=matrix), 'either'),
                             (dict(field_of_view=0.9), 'field_of_view=0.9'), (dict(intrinsics=(1, 2, 3)), 'fx, fy'),
                             (dict(field_of_view=1.05), 'in radians. That would be 60 degrees'),
                             (dict(intrinsics=(30, 30, 500, 400)), 'another size')):
        with pytest.raises(ValueError, match=message):
            pinhole(SIZE, **options)


def test_exact_images_give_the_exact_place():
    joints, place = real_motion()
    points = perspective(joints + place[:, None], CAMERA[:2], CAMERA[2:])
    found, covariance, residual = root_translation(joints, points, CAMERA, np.ones(points.shape[:2]))
    np.testing.assert_allclose(found, place, atol=1e-6)
    assert residual.max() < 1e-4 and covariance.max() < 1e-10


def test_two_joints_by_hand():
    """Two joints one above the other, 1 m apart, 100 pixels apart at a focal length of 500: 5 m away."""
    joints = np.array([[[0.0, -0.5, 0], [0, 0.5, 0], [0, 0, 0]]])
    points = np.array([[[300.0, 50], [300, 150], [300, 100]]])
    found, _, residual = root_translation(joints, points, np.array([500.0, 500, 300, 100]), np.ones((1, 3)))
    np.testing.assert_allclose(found, [[0, 0, 5]], atol=1e-9)
    assert residual == pytest.approx(0, abs=1e-9)


def test_noise_is_as_large_as_the_uncertainty_says():
    joints, place = real_motion()
    rng = np.random.default_rng(0)
    exact = perspective(joints + place[:, None], CAMERA[:2], CAMERA[2:])
    points = exact + rng.normal(0, 3, exact.shape)
    weight = np.where(rng.random(exact.shape[:2]) < 0.8, 1.0, 0)
    points[weight == 0] = np.nan
    found, covariance, residual = root_translation(joints, points, CAMERA, weight)
    error, spread = found - place, np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    assert np.sqrt(np.square(error[:, 2]).mean()) < 0.1 and np.sqrt(np.square(error[:, :2]).mean()) < 0.01
    assert np.median(residual) == pytest.approx(3 * np.sqrt(2), rel=0.15)
    scaled = np.sqrt(np.square(error / spread).mean(0))
    assert (scaled > 0.7).all() and (scaled < 1.4).all()
    assert abs(np.mean(error[:, 2])) < 0.02  # noise does not draw people nearer


def test_the_error_in_the_image_is_least():
    """Of somebody who reaches from 0.5 to 2 m, as scipy finds it joint by joint; the nearest joints weigh most."""
    rng = np.random.default_rng(0)
    joints, weight = rng.uniform(-1, 1, (20, 17, 3)) * (0.5, 0.5, 0.75), rng.uniform(0.5, 1, (20, 17))
    place = rng.normal((0, 0, 1.25), 0.02, (20, 3))
    points = perspective(joints + place[:, None], CAMERA[:2], CAMERA[2:]) + rng.normal(0, 1, (20, 17, 2))
    found = root_translation(joints, points, CAMERA, weight)[0]

    def off(translation, body, seen, weight):
        return ((perspective(body + translation, CAMERA[:2], CAMERA[2:]) - seen) * np.sqrt(weight)[:, None]).ravel()

    best = [least_squares(off, *start, args=case).x for *start, case in zip(place, zip(joints, points, weight))]
    np.testing.assert_allclose(found, best, atol=1e-4)


def test_joints_that_are_not_known_have_no_weight():
    joints, place = real_motion(5)
    points = perspective(joints + place[:, None], CAMERA[:2], CAMERA[2:]) + np.arange(17)[:, None] % 3
    weight = np.ones(points.shape[:2])
    weight[:, 3] = weight[:, 7] = 0
    wanted = root_translation(joints, points, CAMERA, weight)
    joints[:, 3], points[:, 7] = np.nan, np.nan
    for found, expected in zip(root_translation(joints, points, CAMERA, np.ones_like(weight)), wanted, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_depth_is_not_known_from_too_little():
    joints, place = real_motion(4)
    points = perspective(joints + place[:, None], CAMERA[:2], CAMERA[2:])
    weight = np.ones(points.shape[:2])
    weight[0, 2:] = 0
    points[1] = points[1, :1]      # all in one point: nowhere near
    points[2] = CAMERA[2:] - (points[2] - CAMERA[2:])  # upside down: behind the camera
    found, covariance, residual = root_translation(joints, points, CAMERA, weight)
    assert np.isnan(found[[0, 2]]).all() and np.isnan(covariance[[0, 2]]).all() and np.isnan(residual[[0, 2]]).all()
    assert np.isfinite(found[3]).all() and (np.isnan(found[1]).all() or found[1, 2] > 50)


def test_crops_and_cameras_of_their_own_give_the_exact_place():
    joints, place = (values[:40] for values in real_motion())
    rng = np.random.default_rng(0)
    cameras = CAMERA * rng.uniform(0.5, 2, (40, 4))
    pixels = perspective(joints + place[:, None], cameras[:, None, :2], cameras[:, None, 2:])
    center, size = pixels.mean(1) + 5, np.ptp(pixels, 1).max(-1) * rng.uniform(0.5, 3, 40)
    crop = (pixels - center[:, None]) / size[:, None, None]
    np.testing.assert_allclose(translation_from_crop(joints, crop, center, size, cameras), place, atol=1e-6)
    assert np.isnan(translation_from_crop(joints, 0 * crop, center, size, cameras)).all()  # all at one point: nowhere
