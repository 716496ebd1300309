"""Poses of other programs: every convention goes round, and means what its maker says."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mmegopose.geometry.conventions import (
    CAMERA_AXES,
    DIRECTIONS,
    PRESETS,
    UP_AXES,
    PoseConvention,
    get_preset,
    invert,
    level,
)

RNG = np.random.default_rng(0)
POSES = np.tile(np.eye(4), (6, 1, 1))
POSES[:, :3, :3] = Rotation.random(6, random_state=1).as_matrix()
POSES[:, :3, 3] = RNG.normal(size=(6, 3))


def looking(heading):
    """Standard pose of somebody at (1, 2, 1.6) who looks level along ``heading``, radians from x to y."""
    pose = np.eye(4)
    forward = np.array([np.cos(heading), np.sin(heading), 0])
    pose[:3, :3] = np.stack([np.cross(forward, [0, 0, 1]), [0, 0, -1], forward], 1)
    pose[:3, 3] = 1, 2, 1.6
    return pose


@pytest.mark.parametrize('camera', CAMERA_AXES)
@pytest.mark.parametrize('up', UP_AXES)
def test_every_convention_goes_round_and_stays_rigid(up, camera):
    for direction in DIRECTIONS:
        convention = PoseConvention(up, camera, direction, 'mm')
        written = convention.from_standard(POSES)
        np.testing.assert_allclose(convention.to_standard(written), POSES, atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(written[:, :3, :3]), 1)
        places = (written if direction == 'camera_to_world' else np.linalg.inv(written))[:, :3, 3]
        np.testing.assert_allclose(convention.points_to_standard(places), POSES[:, :3, 3], atol=1e-12)
        moved = convention.from_standard(POSES + np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0.]]))
        if direction == 'camera_to_world':  # a metre higher is a metre along the axis that points up
            step = (moved - written)[0, :3, 3] / 1000
            axis = 'xyz'.index(up[-1])
            np.testing.assert_allclose(step, np.eye(3)[axis] * (-1 if up[0] == '-' else 1), atol=1e-9)


@pytest.mark.parametrize('name, quaternion, place', [
    # who looks along x in the standard world; by hand from each maker's definition
    ('opencv', (.5, -.5, .5, -.5), (1, 2, 1.6)),
    ('ros', (0, 0, 0, 1), (1, 2, 1.6)),                                  # body x forward, z up: no turn
    ('openxr', (0, -np.sqrt(.5), 0, np.sqrt(.5)), (1, 1.6, -2)),          # -z forward: turned right by a quarter
    ('unity', (0, np.sqrt(.5), 0, np.sqrt(.5)), (1, 1.6, 2)),             # left-handed: clockwise is positive
    ('unreal', (0, 0, 0, 1), (100, -200, 160)),
    ('arkit_portrait', (.5, -.5, -.5, .5), (1, 1.6, -2)),                # x down, y right, z back, y up
    ('aria', (0, np.sqrt(.5), 0, np.sqrt(.5)), (1, 2, 1.6)),             # x down, y left, z forward
    ('slam', (0, np.sqrt(.5), 0, np.sqrt(.5)), (1, -1.6, 2))])           # y down, z forward before the quarter turn
def test_presets_mean_what_their_makers_say(name, quaternion, place):
    written = PRESETS[name].from_standard(looking(0.)[None])[0]
    found = Rotation.from_matrix(written[:3, :3]).as_quat()
    assert abs(found @ quaternion) == pytest.approx(1) and written[:3, 3] == pytest.approx(place)


def test_unity_is_openxr_in_a_mirror():
    unity, openxr = (PRESETS[name].from_standard(POSES) for name in ('unity', 'openxr'))
    a, b = (Rotation.from_matrix(p[:, :3, :3]).as_quat() for p in (unity, openxr))
    np.testing.assert_allclose(unity[:, :3, 3], openxr[:, :3, 3] * [1, 1, -1], atol=1e-12)
    assert np.abs(np.abs((a * b * [-1, -1, 1, 1]).sum(1)) - 1).max() < 1e-12  # q -> (-x, -y, z, w)


def test_a_change_is_the_change_of_the_poses():
    roll = np.array([[0, -1., 0], [1, 0, 0], [0, 0, 1]])
    y_up = np.array([[1., 0, 0], [0, 0, -1], [0, 1, 0]])
    for preset in PRESETS.values():
        written = preset.from_standard(POSES)
        rolled = preset.changed(camera=roll).to_standard(written)
        np.testing.assert_allclose(rolled[:, :3, :3], POSES[:, :3, :3] @ roll, atol=1e-12)
        turned = preset.changed(world=y_up).to_standard(written)
        np.testing.assert_allclose(turned[:, 2, :3], (y_up @ POSES[:, :3, :3])[:, 2], atol=1e-12)  # but for the yaw
        np.testing.assert_allclose(turned[:, 2, 3], (POSES[:, :3, 3] @ y_up.T)[:, 2], atol=1e-12)
        again = preset.changed(invert=True)
        np.testing.assert_allclose(again.to_standard(invert(written) if preset.unit == 'm' else again.from_standard(
            POSES)), POSES, atol=1e-12)
    extrinsics = PoseConvention(direction='world_to_camera')
    assert extrinsics.changed(invert=True) == PoseConvention() and PoseConvention().changed(invert=True) == extrinsics
    assert PRESETS['opencv'].changed(camera=roll).options(PRESETS['opencv']) == "camera='up right forward'"
    assert PoseConvention().options(PoseConvention('y', unit='cm')) == "up='z', unit='m'"


@pytest.mark.parametrize('change, message', [
    (dict(up='w'), "up='w'"), (dict(camera='right right up'), 'three|axes mean'), (dict(camera='fish'), 'fish'),
    (dict(direction='both'), 'direction'), (dict(unit='league'), "unit='league'")])
def test_unknown_facts_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        PoseConvention(**change)
    with pytest.raises(KeyError, match="unknown preset 'vive'.*openxr"):
        get_preset('vive')


@pytest.mark.parametrize('gravity', [(0, 0, -9.81), (0, -9.81, 0), (0, 0, 1), (3, -1, 2), (1e-9, 0, 1), (.01, .01, 1),
                                     (1e-6, -2e-6, 5), (1, 2, -8), (1e-9, 0, -1)])
def test_level_turns_gravity_down_by_the_smallest_turn(gravity):
    turn = level(np.array(gravity, float))
    np.testing.assert_allclose(turn @ gravity / np.linalg.norm(gravity), [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    angle = np.arccos(np.clip(-gravity[2] / np.linalg.norm(gravity), -1, 1))
    assert Rotation.from_matrix(turn).magnitude() == pytest.approx(angle, abs=1e-6)


@pytest.mark.parametrize('unit, metres', [('m', 1), ('cm', 0.01), ('mm', 0.001), ('inch', 0.0254), ('foot', 0.3048)])
def test_units(unit, metres):
    convention = PoseConvention(unit=unit)
    np.testing.assert_allclose(convention.points_to_standard(np.array([1., 2, 3])), metres * np.array([1, 2, 3]))
    np.testing.assert_allclose(convention.to_standard(POSES)[:, :3, 3], metres * POSES[:, :3, 3])


def test_level_needs_a_direction():
    for gravity in ((0, 0, 0), (np.nan, 0, 1)):
        with pytest.raises(ValueError, match='gravity'):
            level(np.array(gravity, float))
