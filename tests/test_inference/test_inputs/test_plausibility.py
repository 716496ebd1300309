"""The self-tests of head tracks: silent on real motion, and they name what is wrong."""
import re

import numpy as np
import pytest
from helpers.track_files import in_preset, sample_tracks, walk
from scipy.spatial.transform import Rotation

from mmegopose.geometry.conventions import PRESETS, PoseConvention
from mmegopose.inference.inputs.head_tracks import ImplausibleTrack, import_track
from mmegopose.inference.inputs.head_tracks.self_tests.planted_mistakes import MISTAKES, WEAK, measure, restarted
from mmegopose.inference.inputs.head_tracks.self_tests.plausibility import find_problems
from mmegopose.inference.inputs.times import TIME_UNITS

TIME, POSES = walk()
CV = PoseConvention()


def problems(time=TIME, poses=POSES, convention=CV, **kwargs):
    return find_problems(poses, time, np.zeros(len(time), int), convention, **kwargs)


def test_real_motion_is_not_suspected():
    for time, poses in sample_tracks():
        assert problems(time, poses) == []


@pytest.mark.parametrize('name', MISTAKES)
def test_each_mistake_is_named_on_a_walk(name):
    kinds, plant = MISTAKES[name]
    time, poses, said = plant(TIME, POSES)
    found = problems(time, poses, said)
    assert found and found[0].kind in kinds


@pytest.mark.slow
def test_planted_mistakes_are_caught_in_the_whole_sample():
    """Also with the world's origin at the first pose, in a world turned anyhow."""
    tracks = [*sample_tracks(), *restarted(sample_tracks())]
    table = measure(tracks)
    assert table.pop('none')['caught'] == 0
    assert min(table.pop(name)['caught'] for name in WEAK) >= 0.2
    assert min(row['caught'] for row in table.values()) >= 0.9
    assert np.mean([row['caught'] for row in table.values()]) >= 0.97


@pytest.mark.parametrize('name', [name for name in MISTAKES if 'seconds' not in name])
def test_a_named_option_mends_it(name):
    """One of at most three that the message offers gives the right track, but for the heading of the world."""
    time, poses, said = MISTAKES[name][1](TIME, POSES)
    with pytest.raises(ImplausibleTrack) as error:
        import_track(time, poses, said)
    words = str(error.value).split(': pass ')[1].split('. If')[0]
    offers = [re.split(r" or (?=up|camera|direction|unit)", offer)[-1] for offer in words.split(', or ')]
    assert 1 <= len(offers) <= 3

    def mends(offer):
        options = dict(re.findall(r"(\w+)='([^']+)'", offer))
        mended = import_track(time, poses, said, **options).T_world_camera
        height = mended[:, 2, 3] - mended[0, 2, 3] - POSES[:, 2, 3] + POSES[0, 2, 3]
        return np.abs(mended[:, 2, :3] - POSES[:, 2, :3]).max() < 1e-6 and np.abs(height).max() < 1e-6

    assert any(map(mends, offers))


@pytest.mark.parametrize('unit', [unit for unit in TIME_UNITS if unit != '100ns'])
def test_the_named_time_unit_mends_it(unit):
    wrong = 'ns' if unit == 's' else 's'
    found = problems(TIME / TIME_UNITS[unit] * TIME_UNITS[wrong], time_unit=wrong)
    assert found[0].options == f'time_unit={unit!r}' and f'times in {unit} read as {wrong}' in found[0].text


def test_frame_numbers_are_no_times():
    assert 'frame numbers' in str(problems(np.arange(len(TIME)) * 1.)[0])


def test_a_mirrored_world_is_told_by_walking_backwards():
    straight = np.tile(np.eye(4), (300, 1, 1))
    straight[:, :3, :3] = np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]])  # looks along y
    straight[:, 1, 3] = 1.2 * np.arange(300) / 30
    assert problems(np.arange(300) / 30, straight) == []
    found = problems(np.arange(300) / 30, in_preset(straight, 'unity'), PRESETS['openxr'])
    assert [(p.kind, p.options) for p in found] == [('mirror', "preset='unity'")]
    with pytest.warns(UserWarning, match='walks backwards'):
        import_track(np.arange(300) / 30, in_preset(straight, 'unity'), PRESETS['openxr'])


def test_a_head_that_walks_round_and_never_turns_is_told(recwarn):
    """Without a rotation it is refused; with radians read as degrees, a 57th of each turn, it is doubted."""
    turn = Rotation.from_matrix(POSES[:, :3, :3])
    middle = turn[0]
    fixed, radians, half = POSES.copy(), POSES.copy(), POSES.copy()
    upright = Rotation.from_matrix([[1., 0, 0], [0, 0, 1], [0, -1, 0]])
    fixed[:, :3, :3] = upright.as_matrix()
    for poses, share in ((radians, np.pi / 180), (half, 0.2)):
        poses[:, :3, :3] = (middle * Rotation.from_rotvec(share * (middle.inv() * turn).as_rotvec())).as_matrix()
    with pytest.raises(ImplausibleTrack, match='walks . m and not straight on, but the rotation is always the same: '):
        import_track(TIME, fixed, CV)
    assert [problem.kind for problem in problems(poses=radians)] == ['stiff']
    assert not {'stiff', 'rotation'} & {problem.kind for problem in problems(poses=half)}
    assert not recwarn.list
    with pytest.warns(UserWarning, match='the head hardly turns, by .* degrees: angles in radians read as degrees'):
        import_track(TIME, radians, CV)


def test_the_direction_of_travel_is_told():
    straight = np.tile(np.eye(4), (300, 1, 1))
    straight[:, :3, :3] = np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]]) @ Rotation.from_euler(
        'y', 37, degrees=True).as_matrix()  # looks to the right of the way
    straight[:, 1, 3] = 1.2 * np.arange(300) / 30
    track = import_track(np.arange(300) / 30, straight, CV)
    assert 'walks 12 m, on average 37 degrees to the left of where the camera looks' in track.describe()
    assert 'walks' not in import_track(TIME[:2], POSES[:2], CV).describe()


@pytest.mark.parametrize('fps', [10, 60, 200, 1000])
def test_the_rate_of_a_track_does_not_matter(fps):
    track = import_track(TIME, POSES, CV).resample(fps)
    assert problems(track.time, track.T_world_camera) == []
    assert problems(track.time, PoseConvention(unit='cm').from_standard(track.T_world_camera))[0].kind == 'unit'
    assert problems(track.time, in_preset(track.T_world_camera, 'openxr'))[0].kind == 'axes'


def test_noise_of_a_tracker_is_not_a_wrong_unit():
    rng = np.random.default_rng(0)
    for time, poses in sample_tracks():
        noisy = poses.copy()
        noisy[:, :3, 3] += rng.normal(0, .003, (len(poses), 3))
        noisy[:, :3, :3] = poses[:, :3, :3] @ Rotation.from_rotvec(rng.normal(0, .002, (len(poses), 3))).as_matrix()
        assert problems(time, noisy) == []
