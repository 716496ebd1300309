"""Filters in time: what they are by their formulas, and what they do to holes."""
import numpy as np
import pytest
from helpers.noisy_motion import NOISY, TIME, TRUTH, motion
from scipy.signal import savgol_filter

from mmegopose.inference.post_processing import check_post_processing
from mmegopose.inference.smoothing import (
    METHODS,
    gaussian,
    one_euro,
    savitzky_golay,
    smooth,
)
from mmegopose.motion import Mesh, Motion
from mmegopose.structures import get_skeleton

RNG = np.random.default_rng(1)


def error(joints):
    return np.linalg.norm(joints - TRUTH, axis=-1).mean()


@pytest.mark.parametrize('method', METHODS)
def test_noise_of_real_motion_becomes_less(method):
    out = smooth(motion(), method)
    assert error(out.joints) < .9 * error(NOISY)
    assert np.abs(np.diff(out.joints, 2, axis=0)).mean() < .5 * np.abs(np.diff(NOISY, 2, axis=0)).mean()
    assert out.provenance['smoothing'][0]['method'] == method and motion().provenance == {}
    twice = smooth(out, 'gaussian')
    assert [step['method'] for step in twice.provenance['smoothing']] == [method, 'gaussian']


@pytest.mark.parametrize('method', METHODS)
def test_what_is_not_there_is_not_used_and_stays(method):
    valid = RNG.random(TRUTH.shape[:2]) > .2
    valid[100:160, 3] = False
    spoilt = np.where(valid[..., None], NOISY, 1e6)
    spoilt[5, 5], valid[5, 5] = np.nan, False
    out = smooth(motion(spoilt, valid=valid), method)
    np.testing.assert_array_equal(out.joints[~valid], spoilt[~valid])
    assert np.abs(out.joints[valid]).max() < 10 and (out.valid == valid).all()
    after, before = (np.linalg.norm(joints - TRUTH, axis=-1)[valid].mean() for joints in (out.joints, NOISY))
    assert after < before


@pytest.mark.parametrize('method', METHODS)
def test_a_constant_stays_and_dtype_too(method):
    still = np.ones((20, 17, 3), np.float32) * np.arange(17, dtype=np.float32)[:, None]
    out = smooth(Motion(np.arange(20) / 30, still, 'coco17'), method)
    np.testing.assert_allclose(out.joints, still, rtol=1e-6)
    assert out.joints.dtype == np.float32
    for number in (0, 1, 2):
        few = Motion(np.arange(number) / 30, still[:number], 'coco17')
        np.testing.assert_allclose(smooth(few, method).joints, still[:number])


def test_savitzky_golay_is_that_of_scipy():
    every = np.ones(NOISY.shape[:2], bool)
    for window, order in ((11, 2), (7, 3), (5, 1)):
        out = savitzky_golay(NOISY, TIME, every, (window - 1) / 30, order)
        half = window // 2
        np.testing.assert_allclose(out[half:-half], savgol_filter(NOISY, window, order, axis=0)[half:-half], atol=1e-9)
    uneven = np.sort(RNG.uniform(0, 1, 30))
    parabola = np.square(uneven)[:, None, None] * np.ones((1, 2, 3))  # stays, whatever the times
    np.testing.assert_allclose(savitzky_golay(parabola, uneven, np.ones((30, 2), bool)), parabola, atol=1e-9)


def test_gaussian_is_the_normalised_convolution():
    values, sigma = NOISY[:60, :2], .05
    valid = RNG.random((60, 2)) > .3
    out = gaussian(values, TIME[:60], valid, sigma)
    weight = np.exp(-np.square((TIME[:60] - TIME[30]) / sigma) / 2) * (np.abs(TIME[:60] - TIME[30]) <= 3 * sigma + 1e-9)
    for joint in range(2):
        w = weight * valid[:, joint]
        expected = (w[:, None] * values[:, joint]).sum(0) / w.sum() if valid[30, joint] else values[30, joint]
        np.testing.assert_allclose(out[30, joint], expected, atol=1e-12)


def test_one_euro_is_that_of_the_paper():
    """The class of the paper, one number at a time."""
    def share(cutoff, step):
        return 1 / (1 + 1 / (2 * np.pi * cutoff * step))

    x, times = NOISY[:40, 0, :1], TIME[:40]
    last, speed, expected = x[0], np.zeros(1), [x[0]]
    for now, step in zip(x[1:], np.diff(times)):
        speed = speed + share(1.0, step) * ((now - last) / step - speed)
        last = last + share(1.0 + 4.0 * np.abs(speed), step) * (now - last)
        expected.append(last)
    np.testing.assert_allclose(one_euro(x[:, None], times, np.ones((40, 1), bool))[:, 0], expected, atol=1e-12)


def test_one_euro_knows_nothing_of_later_frames_and_begins_anew_after_a_hole():
    every = np.ones(NOISY.shape[:2], bool)
    whole = one_euro(NOISY, TIME, every)
    np.testing.assert_array_equal(one_euro(NOISY[:50], TIME[:50], every[:50]), whole[:50])
    holed = every.copy()
    holed[20:40, 4] = False  # 0.67 s
    holed[20:24, 5] = False  # 0.13 s
    out = one_euro(NOISY, TIME, holed)
    np.testing.assert_array_equal(out[40, 4], NOISY[40, 4])
    assert np.abs(out[24, 5] - NOISY[24, 5]).max() > 1e-4


def test_the_head_stays_on_the_device():
    pose = np.tile(np.eye(4), (len(TIME), 1, 1))
    out = smooth(motion(head_pose=pose))
    head = list(get_skeleton('coco17').head)
    np.testing.assert_array_equal(out.joints[:, head], NOISY[:, head])
    assert (out.joints[:, 5:] != NOISY[:, 5:]).any() and (smooth(motion()).joints[:, head] != NOISY[:, head]).any()
    only = smooth(motion(), joints=[9])
    assert np.flatnonzero((only.joints != NOISY).any((0, 2))).tolist() == [9]


def test_a_mesh_is_filtered_with_the_joints():
    mesh = Mesh(NOISY.copy(), np.array([[0, 1, 2]]), 'm', dict(betas=np.zeros((len(TIME), 2))))
    out = smooth(motion(mesh=mesh))
    np.testing.assert_allclose(out.mesh.vertices, out.joints, atol=1e-12)
    assert out.mesh.parameters == {}


def test_wrong_options():
    with pytest.raises(ValueError, match="method='kalman' should be one of"):
        smooth(motion(), 'kalman')
    with pytest.raises(TypeError, match=r"gaussian has no \['window'\], but \['sigma'\]"):
        smooth(motion(), 'gaussian', window=3)
    for method, option in (('gaussian', dict(sigma=0)), ('savitzky_golay', dict(window=-1))):
        with pytest.raises(ValueError, match='should be positive'):
            smooth(motion(), method, **option)


@pytest.mark.parametrize('smooth, floor, message', [
    (dict(method='one_euro', min_cutoff=float('nan')), False, 'min_cutoff=nan of one_euro should be positive'),
    (dict(method='one_euro', beta=-1), False, 'beta=-1 of one_euro should be not negative'),
    (dict(method='savitzky_golay', window=1e9), False, 'at most 60'), ('median', False, 'should be one of'),
    (None, float('nan'), 'floor=nan should be True')])
def test_nonsense_is_told_before_there_is_a_motion(smooth, floor, message):
    with pytest.raises(ValueError, match=message):
        check_post_processing(smooth, floor)
