"""The fisheye of Aria glasses. Recorded pixels are those of projectaria-tools 2.3.0 with a published calibration."""
import math

import cv2
import numpy as np
import pytest
import torch

from mmegopose.geometry.cameras import FisheyeRadTanThinPrism, undistortion_map

# camera-rgb of a pair of glasses, https://github.com/facebookresearch/Ego4d/issues/365, for pictures of 1408 x 1408
PARAMS = [610.82, 711.225, 711.935, 0.385091, -0.317651, -0.34768, 1.87269, -2.19933, 0.780143, -0.00108388,
          -0.000392366, 0.00125706, -8.63757e-05, 6.62793e-05, -0.000117569]
POINTS = [[0, 0, 1], [0.3, 0.2, 1], [-1, 0.5, 1], [0.9, -0.9, 1], [-1.2, 1.1, 1]]
PIXELS = [[711.225, 711.935], [894.2252464080584, 833.8995277627047], [173.97349760274835, 980.3284073569946],
          [1171.5286434186587, 251.36378202906792], [174.2443429720272, 1203.7803041566092]]
SIZE = (1408, 1408)
PINHOLE = (150, 150, 255.5, 255.5)


def test_equals_the_pixels_of_the_official_library():
    pixels, valid = FisheyeRadTanThinPrism(PARAMS).project(np.array(POINTS, float) * 0.7)
    assert valid.all()
    np.testing.assert_allclose(pixels, PIXELS, atol=1e-9)


@pytest.mark.parametrize('bend', [1, 30])
def test_every_pixel_comes_back_to_a_millionth(bend):
    """Also with tangential and prism terms thirty times those of real glasses."""
    camera = FisheyeRadTanThinPrism([*PARAMS[:9], *(bend * value for value in PARAMS[9:])])
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 1407.5, 90), np.linspace(-0.5, 1407.5, 91)), -1)
    rays = camera.unproject(grid)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1, atol=1e-12)
    pixels, valid = camera.project(3 * rays)
    assert valid.all()
    np.testing.assert_allclose(pixels, grid, atol=1e-6)
    np.testing.assert_allclose(camera.unproject(np.array([PARAMS[1:3]])), [[0, 0, 1]], atol=1e-15)


def test_what_the_lens_does_not_see_is_not_valid():
    camera = FisheyeRadTanThinPrism(PARAMS, max_angle=1.0)
    angles = np.array([0, 0.5, 0.999, 1.001, 2, math.pi])
    points = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], -1)
    pixels, valid = camera.project(points)
    assert valid.tolist() == [True, True, True, False, False, False]
    assert np.isnan(pixels[~valid]).all() and np.isfinite(pixels[valid]).all()
    assert not camera.project(np.array([[0, 0, 0], [np.nan, 0, 1], [0, 0, np.inf]]))[1].any()
    assert np.isnan(camera.unproject(np.array([[0.0, 0.0]]))).all()  # the corner of the picture is beyond one radian
    assert np.isnan(camera.unproject(np.array([[np.nan, 700.0]]))).all()


def test_a_lens_whose_image_turns_back_ends_there():
    camera = FisheyeRadTanThinPrism([600, 700, 700, -0.2, *[0] * 11])  # d(t) = t - 0.2 t^3 grows until t^2 = 1 / 0.6
    assert camera.max_angle == pytest.approx(math.sqrt(1 / 0.6))
    far = 600 * camera.max_angle * (1 - 0.2 / 0.6)
    assert np.isnan(camera.unproject(np.array([[700 + far + 1, 700.0]]))).all()
    assert camera.unproject(np.array([[700 + far - 1e-3, 700.0]]))[0, 2] < 0.3


def test_tensors_stay_tensors_and_shapes_lead():
    camera = FisheyeRadTanThinPrism(torch.tensor(PARAMS))
    points = torch.tensor(POINTS).reshape(1, 5, 3)
    pixels, valid = camera.project(points)
    assert isinstance(pixels, torch.Tensor) and pixels.shape == (1, 5, 2) and valid.shape == (1, 5)
    assert camera.unproject(pixels).shape == (1, 5, 3)
    assert camera.project(np.zeros((0, 3)))[0].shape == (0, 2)


@pytest.mark.parametrize('params', [PARAMS[:14], [0, *PARAMS[1:]], [math.nan, *PARAMS[1:]]])
def test_other_parameters_are_refused(params):
    with pytest.raises(ValueError, match='15 finite parameters'):
        FisheyeRadTanThinPrism(params)


def test_the_map_leads_to_the_ray_of_each_pinhole_pixel():
    camera = FisheyeRadTanThinPrism(PARAMS, max_angle=1.0)
    mapping = undistortion_map(camera, SIZE, PINHOLE, (512, 500))
    assert mapping.shape == (500, 512, 2) and mapping.dtype == np.float32
    columns, rows = np.meshgrid(np.arange(512), np.arange(500))
    seen = (mapping >= 0).all(-1)
    rays = camera.unproject(mapping[seen].astype(float))
    slopes = rays[:, :2] / rays[:, 2:]
    np.testing.assert_allclose(slopes * 150 + 255.5, np.stack([columns, rows], -1)[seen], atol=1e-4)  # map: float32
    angle = np.arctan(np.hypot(columns - 255.5, rows - 255.5) / 150)
    assert not seen[angle > 1].any() and seen[angle < 0.9].all()
    assert (mapping[~seen] < -1).all() and mapping.max() <= 1407


@pytest.mark.parametrize('corner, inside', [((0, 0), True), ((9, 7), True), ((9.001, 7), False), ((-0.001, 0), False)])
def test_the_outermost_pixels_are_inside(corner, inside):
    camera = FisheyeRadTanThinPrism([100, *corner, *[0] * 12])
    found = undistortion_map(camera, (10, 8), (100, 100, 0, 0), (1, 1))  # looks along the axis, which the corner sees
    np.testing.assert_array_equal(found[0, 0], corner if inside else [-16, -16])


def test_undistortion_equals_the_official_library():
    calibration = pytest.importorskip('projectaria_tools.core.calibration')
    sophus = pytest.importorskip('projectaria_tools.core.sophus')
    official = calibration.CameraCalibration('camera-rgb', calibration.CameraModelType.FISHEYE624, np.array(PARAMS),
                                             sophus.SE3.from_matrix(np.eye(4)), *SIZE, None, 1.0, '')
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (1408, 1408, 3), np.uint8), (0, 0), 3)
    expected = calibration.distort_by_calibration(
        picture, calibration.get_linear_camera_calibration(512, 512, 150), official)
    mapping = undistortion_map(FisheyeRadTanThinPrism(PARAMS, 1.0), SIZE, PINHOLE, (512, 512))
    got = cv2.remap(picture, mapping, None, cv2.INTER_LINEAR)
    assert ((got == 0) == (expected == 0)).all()
    assert np.abs(got.astype(int) - expected).max() <= 2  # cv2 interpolates in steps of 1/32 pixel
