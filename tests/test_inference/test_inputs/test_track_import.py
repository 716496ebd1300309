"""What every reader of head tracks ends in: times, holes, segments, gravity, self-tests."""
import numpy as np
import pytest
from helpers.track_files import in_preset, walk

from mmegopose.geometry.conventions import PoseConvention
from mmegopose.inference.inputs.head_tracks import HeadTrack, ImplausibleTrack, head_offset, import_track

TIME, POSES = walk()
CV = PoseConvention()


def track(time=TIME, poses=POSES, convention=CV, **kwargs):
    return import_track(time, poses, convention, **kwargs)


def test_a_right_track_comes_through_unchanged():
    found = track(source='f')
    np.testing.assert_array_equal(found.T_world_camera, POSES)
    assert found.valid.all() and found.num_segments == 1 and not found.facts['notes'] and len(found) == len(TIME)
    assert found.fps == pytest.approx(30) and 'f: 753 poses' in found.describe()


@pytest.mark.parametrize('unit, factor', [('s', 1), ('ms', 1e3), ('us', 1e6), ('ns', 1e9), ('100ns', 1e7)])
def test_time_units_are_said_or_found_out(unit, factor):
    np.testing.assert_allclose(track(TIME * factor + 5, time_unit=unit).time, TIME + 5 / factor, atol=1e-9)
    if unit != '100ns':
        assert track(TIME * factor, time_unit='auto').facts['time_unit'] == unit


def test_times_in_no_unit():
    with pytest.raises(ValueError, match='grow by 0.5, .* pass time_unit'):
        track(np.arange(753) * .5, time_unit='auto')
    with pytest.raises(ValueError, match="frame numbers, pass fps; if they are milliseconds, time_unit='ms'"):
        track(np.arange(753.), time_unit='auto')
    with pytest.raises(ValueError, match="time_unit='h'"):
        track(time_unit='h')


def test_late_and_repeated_rows_are_put_right_and_told():
    order = np.arange(len(TIME))
    order[[100, 101]] = 101, 100
    order = np.insert(order, 300, 299)
    found = track(TIME[order], POSES[order])
    np.testing.assert_array_equal(found.time, TIME)
    np.testing.assert_array_equal(found.T_world_camera, POSES)
    assert ['1 rows were late' in found.facts['notes'][0], '1 rows with the time' in found.facts['notes'][1]] == [1, 1]


@pytest.mark.parametrize('time, message', [
    (TIME[::-1], 'run backwards at row 1 .* 752 times in all'), (np.r_[TIME[:400], TIME[:353]], 'at row 400'),
    (np.round(TIME), 'clock is too coarse'), (TIME * np.nan, 'no row with a time')])
def test_times_that_cannot_be_used_are_refused(time, message):
    with pytest.raises(ValueError, match=message):
        track(time)


def test_missing_poses_are_holes():
    poses = POSES.copy()
    poses[10:12] = np.nan
    poses[40, :3, :3] *= 1.5
    poses[50, :3, 0] *= -1
    poses[0] = np.nan
    found = track(poses=poses)
    assert np.flatnonzero(~found.valid).tolist() == [0, 10, 11, 40, 50] and (found.segment[~found.valid] == -1).all()
    np.testing.assert_array_equal(found.T_world_camera[[0, 10, 11, 40]], POSES[[1, 9, 9, 39]])  # the last one stays
    assert np.isfinite(found.T_world_camera).all() and '2 rows whose 3x3' in found.facts['notes'][0]
    assert found.num_segments == 2  # 0.1 s without a pose are too long, 0.067 s are not
    time = TIME.copy()
    time[3] = np.nan
    assert len(track(time)) == len(TIME) - 1


@pytest.mark.parametrize('change, message', [
    (lambda p: p * np.nan, 'no pose'), (lambda p: p * [[[2], [2], [2], [1]]], 'no rotation .row 0: off by 3'),
    (lambda p: p @ np.diag([1., 1, -1, 1]), 'mirror image: one axis'),
    (lambda p: p[:, [1, 0, 2, 3]], 'mirror image: one axis has the wrong sign, or two')])
def test_matrices_that_are_no_poses_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        track(poses=change(POSES))


def test_gaps_worlds_and_jumps_split_the_track():
    keep = np.r_[0:200, 260:753]
    world = np.array(['a'] * 500 + ['b'] * 253)
    jumped = POSES.copy()
    jumped[600:, 0, 3] += 3
    found = track(TIME[keep], jumped[keep], world=world[keep])
    assert found.num_segments == 4 and found.world[[0, -1]].tolist() == [0, 1] and found.facts['worlds'] == ['a', 'b']
    assert np.flatnonzero(np.diff(found.segment)).tolist() == [199, 439, 539]
    assert [note.split(':')[0] for note in found.facts['notes']] == [
        '1 gaps longer than 0.0833 s', '1 changes of the world frame', '1 jumps of the tracker']
    assert [len(piece) for piece in found.split()] == [200, 240, 100, 153]
    assert track(TIME[keep], POSES[keep], max_gap=5).num_segments == 1


def test_resampling_stays_within_segments():
    keep = np.r_[0:200, 260:753]
    found = track(TIME[keep], POSES[keep]).resample(60)
    assert len(found) == 1505 and found.fps == pytest.approx(60)
    assert np.flatnonzero(~found.valid).tolist() == list(range(399, 520))
    np.testing.assert_allclose(found.T_world_camera[:399:2], POSES[:200], atol=1e-9)
    np.testing.assert_allclose(found.T_world_camera[399:520], np.tile(POSES[199], (121, 1, 1)), atol=1e-9)  # held
    np.testing.assert_allclose(found.T_world_camera[1, :3, 3], POSES[:2, :3, 3].mean(0), atol=1e-9)
    assert found.cut(1, 2).time.tolist() == pytest.approx((1 + np.arange(60) / 60).tolist())


@pytest.mark.parametrize('gravity', [(0, -9.81, 0), (0, 0, -9.81), (5, -4, 3)])
def test_gravity_turns_the_world_upright(gravity):
    up = -np.array(gravity, float) / np.linalg.norm(gravity)
    level = np.cross(up, [.3, .5, .1])
    level /= np.linalg.norm(level)
    basis = np.stack([level, np.cross(up, level), up])  # z up to the world of the file
    poses = POSES.copy()
    poses[:, :3] = basis.T @ POSES[:, :3]
    found = track(poses=poses, gravity=gravity)
    np.testing.assert_allclose(found.T_world_camera[:, 2], POSES[:, 2], atol=1e-9)  # all but the heading
    if gravity[2] == -9.81:  # nothing to turn
        np.testing.assert_array_equal(found.T_world_camera, poses)


def test_gravity_that_is_none():
    columns = np.where(np.arange(753)[:, None] < 400, [0, 0, -1.], [0, -1, 0])
    with pytest.raises(ValueError, match='gravity turns by .* within one world'):
        track(gravity=columns)
    assert track(gravity=columns, world=np.arange(753) >= 400, check='off').num_segments == 2
    assert 'no gravity' in track(gravity=np.zeros(3)).facts['notes'][0]


def test_an_implausible_track_is_refused_warned_of_or_let_through():
    with pytest.raises(ImplausibleTrack, match=r"x.csv: up lies at .*preset='openxr'.*check='off'"):
        track(poses=in_preset(POSES, 'openxr'), source='x.csv')
    with pytest.warns(UserWarning, match="preset='openxr'"):
        found = track(poses=in_preset(POSES, 'openxr'), check='warn')
    assert found.facts['problems'] == ['axes']
    assert track(poses=in_preset(POSES, 'openxr'), check='off').facts['problems'] == []
    np.testing.assert_allclose(track(poses=in_preset(POSES, 'openxr'), preset='openxr').T_world_camera, POSES,
                               atol=1e-12)
    np.testing.assert_allclose(track(poses=in_preset(POSES, 'openxr'), up='y', camera='opengl').T_world_camera, POSES,
                               atol=1e-12)
    with pytest.raises(ValueError, match="check='loud'"):
        track(check='loud')


def test_one_row_and_a_still_head():
    one = track(TIME[:1], POSES[:1])
    assert one.num_segments == 1 and len(one.resample(30)) == 1 and 'nan' in one.describe()
    still = track(poses=np.tile(POSES[:1], (753, 1, 1)))
    assert still.valid.all()


def test_head_offsets():
    found = track(device='aria_gen1')
    eyes = found.T_world_eyes
    offset = np.linalg.inv(POSES) @ eyes
    np.testing.assert_allclose(offset[:, :3, 3], np.tile(offset[0, :3, 3], (753, 1)), atol=1e-9)
    # the camera sits 56 mm to the left of the middle of the eyes and looks 7.5 degrees down
    in_eyes = np.linalg.inv(offset[0])
    assert in_eyes[:3, 3] == pytest.approx([-.056, -.0071, .0129])
    assert in_eyes[1, 2] == pytest.approx(np.sin(np.radians(7.5)))
    np.testing.assert_allclose(found.seen_from('aria_gen1'), POSES, atol=1e-12)
    np.testing.assert_allclose(found.seen_from('eyes'), eyes, atol=1e-12)
    moved = track(head_offset=[0, .1, .02, 0, 0, 90]).T_world_eyes
    np.testing.assert_allclose(moved[0, :3, 3], POSES[0, :3] @ [0, .1, .02, 1], atol=1e-12)
    np.testing.assert_allclose(moved[0, :3, 0], POSES[0, :3, 1], atol=1e-12)
    np.testing.assert_array_equal(track().T_world_eyes, POSES)
    np.testing.assert_array_equal(track().with_head_offset('aria_gen1').head_offset, head_offset('aria_gen1'))
    far = [5, 0, 0, 0, 0, 0]
    for wrong, message in ((np.zeros(5), 'six numbers'), (np.zeros((4, 4)), 'rotation'), (far, 'metres')):
        with pytest.raises(ValueError, match=message):
            head_offset(wrong)
    with pytest.raises(KeyError, match="'rift' on the head is not known"):
        track(device='rift')


def test_a_long_track_is_checked_in_a_moment():
    number = 2 * 3600 * 30
    rows = np.abs((np.arange(number) % 1504) - 752)  # there and back again
    long = HeadTrack(np.arange(number) / 30, POSES[rows], np.ones(number, bool), np.zeros(number, int),
                     np.zeros(number, int))
    found = track(long.time, long.T_world_camera)
    assert len(found) == number and found.facts['problems'] == []
