"""Hands and controllers beside the head: places in the world, and what is not tracked is not there."""
import numpy as np
import pytest
from helpers.hand_files import POSES, ROWS, TIME, WORLD, WRIST, write_hands, write_older_hands
from helpers.track_files import in_preset, numbers, quaternions, write_mps

from mmegopose.files import BadFile
from mmegopose.geometry.conventions import PRESETS
from mmegopose.inference.inputs.hands import read_controllers, read_mps_hands
from mmegopose.inference.inputs.hands.mps_hands import LANDMARKS
from mmegopose.inference.inputs.head_tracks import read_aria_mps, read_head_track
from mmegopose.structures import get_skeleton

ARIA_NAMES = (
    'thumb tip', 'index tip', 'middle tip', 'ring tip', 'pinky tip', 'wrist', 'thumb intermediate', 'thumb distal',
    *(f'{finger} {part}' for finger in ('index', 'middle', 'ring', 'pinky')
      for part in ('proximal', 'intermediate', 'distal')), 'palm')


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp('aria')
    write_mps(folder, TIME, in_preset(POSES, 'aria'))
    return folder, read_aria_mps(folder)


@pytest.mark.parametrize('missing', ['documented', 'zero', 'silent'])
def test_hands_of_mps_come_to_the_world(recording, missing):
    folder, track = recording
    write_hands(folder, missing)
    hands = read_mps_hands(folder, track)
    lost = np.zeros((len(ROWS), 2), bool)
    lost[10:20, 0] = lost[5, 1] = True
    assert (hands.valid[:, :, 1] == 0).all()  # Aria has no joint at the base of the thumb
    rest = [joint for joint in range(21) if joint != 1]
    np.testing.assert_array_equal(hands.valid[:, :, rest], np.repeat(~lost[..., None], 20, 2))
    for joint in rest:
        np.testing.assert_allclose(hands.joints[~lost][:, joint], WORLD[~lost][:, LANDMARKS[joint]], atol=2e-5)
    np.testing.assert_allclose(hands.T_world_wrist[~lost], WRIST[~lost], atol=2e-5)
    np.testing.assert_array_equal(hands.wrist_valid, ~lost)
    assert (hands.confidence[lost] == (.9 if missing == 'silent' else 0)).all()
    assert 'left hand in 95 %' in hands.facts['notes'][-1]


def test_landmarks_mean_the_same_joints():
    finger = dict(thumb='thumb', index='index', middle='middle', ring='ring', little='pinky')
    level = {'thumb-2': 'intermediate', 'thumb-3': 'distal', 'thumb-4': 'tip'}
    for joint, name in enumerate(get_skeleton('hand21').joints):
        if LANDMARKS[joint] < 0:
            assert name == 'thumb-1'
        elif name == 'wrist':
            assert ARIA_NAMES[LANDMARKS[joint]] == 'wrist'
        else:
            kind, number = name.split('-')
            part = level.get(name) or ('proximal', 'intermediate', 'distal', 'tip')[int(number) - 1]
            assert ARIA_NAMES[LANDMARKS[joint]] == f'{finger[kind]} {part}'


def test_hands_at_the_times_of_the_head(recording):
    folder, track = recording
    write_hands(folder)
    hands = read_mps_hands(folder, track)
    even = hands.at(track.time)
    assert len(even) == len(track)
    np.testing.assert_allclose(even.joints[ROWS][hands.valid], hands.joints[hands.valid], atol=1e-9)
    assert np.flatnonzero(~even.wrists_valid[:597, 0]).tolist() == list(range(28, 60))  # no bridge over the hole
    assert not even.valid[599:].any()  # after the last row
    np.testing.assert_allclose(even.wrists[1, 1], (2 * hands.wrists[0, 1] + hands.wrists[1, 1]) / 3, atol=1e-5)
    assert not hands.at(track.time, max_gap=.05).valid[1].any()
    motion = even.motion('left')
    assert motion.skeleton == 'hand21' and motion.frame == 'world' and (motion.valid == even.valid[:, 0]).all()
    with pytest.raises(ValueError, match="hand='up'"):
        hands.motion('up')


def test_the_older_file_holds_wrists_only(recording, tmp_path):
    write_older_hands(tmp_path)
    hands = read_mps_hands(tmp_path, recording[1])
    np.testing.assert_allclose(hands.wrists[:3], WORLD[:3, :, 5], atol=2e-5)
    assert hands.wrists_valid[3].tolist() == [True, False] and not hands.wrist_valid.any()
    assert not hands.valid[:, :, 1:].any()


def test_hands_need_the_head_track_of_the_same_recording(recording, tmp_path):
    folder, track = recording
    write_hands(folder)
    with pytest.raises(ValueError, match='meet no pose of the head track'):
        read_mps_hands(folder, track.cut(24))
    np.savez(tmp_path / 'a.npz', poses=POSES, fps=30.)
    with pytest.raises(ValueError, match='read_aria_mps'):
        read_mps_hands(folder, read_head_track(tmp_path / 'a.npz'))
    with pytest.raises(FileNotFoundError, match='no hand_tracking_results.csv'):
        read_mps_hands(tmp_path, track)
    (tmp_path / 'h.csv').write_text('tracking_timestamp_us,a\n1,2\n')
    with pytest.raises(BadFile, match='no hands of MPS'):
        read_mps_hands(tmp_path / 'h.csv', track)


def test_where_the_head_is_not_known_the_hands_are_not_either(recording):
    folder, track = recording
    write_hands(folder)
    holed = track[(track.time < 5) | (track.time > 8)]
    hands = read_mps_hands(folder, holed)
    assert not hands.valid[51:80].any() and hands.valid[48].any() and hands.valid[81].any()


@pytest.mark.parametrize('preset', ['openxr', 'unity', 'unreal'])
@pytest.mark.parametrize('names', [
    ('left_controller_pos_{}', 'left_controller_rot_{}', 'right_controller_pos_{}', 'right_controller_rot_{}'),
    ('LeftHandPos{}', 'LeftHandRot{}', 'RightHandPos{}', 'RightHandRot{}'), ('l_p{}', 'l_q{}', 'r_p{}', 'r_q{}')])
def test_controllers_beside_the_head(preset, names, tmp_path):
    head = in_preset(POSES[ROWS], preset)
    hands = PRESETS[preset].from_standard(WRIST)
    upper = 'Pos{}' in names[0]
    axes = [axis.upper() if upper else axis for axis in 'xyzw']
    header = ['time', *['px', 'py', 'pz', 'qx', 'qy', 'qz', 'qw']]
    columns = [TIME[ROWS, None], head[:, :3, 3], quaternions(head)]
    for hand in range(2):
        header += [names[2 * hand].format(axis) for axis in axes[:3]] + [names[2 * hand + 1].format(a) for a in axes]
        columns += [hands[:, hand, :3, 3], quaternions(hands[:, hand])]
    lines = numbers(np.concatenate(columns, 1)).splitlines()
    lines[4] = ','.join(lines[4].split(',')[:8] + [''] * 7 + lines[4].split(',')[15:])  # left: empty
    lines[7] = ','.join(lines[7].split(',')[:15] + ['0'] * 7)                          # right: zeros
    (tmp_path / 'a.csv').write_text(','.join(header) + '\n' + '\n'.join(lines) + '\n')
    found = read_controllers(tmp_path / 'a.csv', preset=preset)
    there = np.ones((len(ROWS), 2), bool)
    there[4, 0] = there[7, 1] = False
    np.testing.assert_array_equal(found.wrists_valid, there)
    np.testing.assert_array_equal(found.wrist_valid, there)
    np.testing.assert_allclose(found.T_world_wrist[there], WRIST[there], atol=1e-9)
    np.testing.assert_allclose(read_head_track(tmp_path / 'a.csv', preset=preset, check='off').T_world_camera,
                               POSES[ROWS], atol=1e-9)
    again = read_controllers(tmp_path / 'a.csv', preset=preset, time_unit='auto')
    np.testing.assert_array_equal(again.time, found.time)
    with pytest.raises(ValueError, match="time_unit='minutes' should be one of"):
        read_controllers(tmp_path / 'a.csv', preset=preset, time_unit='minutes')


def test_a_table_without_controllers(tmp_path):
    (tmp_path / 'a.csv').write_text('time,px,py,pz,qx,qy,qz,qw\n0,0,0,0,0,0,0,1\n')
    with pytest.raises(BadFile, match='no controller or hand is known by name'):
        read_controllers(tmp_path / 'a.csv', preset='openxr')
