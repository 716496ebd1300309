"""Wrists that the hand pose task has found: into the world, into a model, and onto a body."""
import json

import numpy as np
import pytest
import torch
from helpers.side_files import NAMES, NUM_FRAMES, side_data, side_store
from helpers.track_files import write_camera_pose

from mmegopose.files import BadFile
from mmegopose.geometry.conventions import invert
from mmegopose.inference.inputs.hands import read_hand_predictions, read_wrists
from mmegopose.inference.inputs.hands.hand_predictions import LANDSCAPE_TO_UPRIGHT
from mmegopose.inference.inputs.head_tracks import read_array_track, read_head_track
from mmegopose.motion import Mesh, Motion

WORLD = np.array([[0.4, 0.2, 1.2], [0.5, -0.3, 1.0]])  # left and right wrist


def moving_poses(count):
    """Landscape camera to world of a head that turns about z and walks."""
    pose = np.tile(np.array([[0., 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 1.6], [0, 0, 0, 1]]), (count, 1, 1))
    angle = 0.02 * np.arange(count)
    turn = np.tile(np.eye(4), (count, 1, 1))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(angle)
    turn[:, 1, 0] = np.sin(angle)
    turn[:, 0, 1] = -turn[:, 1, 0]
    pose = turn @ pose
    pose[:, 0, 3] = 0.01 * np.arange(count)
    return pose


def predictions(pose, frames, rows, world=WORLD):
    """A file's content: both hands stay where they are in the world, all joints of a hand a little apart."""
    out = {}
    for frame, row in zip(frames, rows):
        to_camera = invert(pose[row])
        joints = world[:, None] + 0.01 * np.arange(21)[None, :, None]
        joints = joints @ to_camera[:3, :3].T + to_camera[:3, 3]
        out[str(frame)] = dict(left_hand_3d=joints[0].tolist(), right_hand_3d=joints[1].tolist())
    return out


@pytest.fixture
def store(tmp_path):
    store = side_store(tmp_path, NAMES[:2])
    store.frames['head_pose'] = np.concatenate([moving_poses(NUM_FRAMES)] * 2)
    return store


def test_wrists_of_predicted_hands_stay_in_the_world(tmp_path, store):
    rows = np.r_[0:12:3, 30:40:3]  # a gap of more than six frames
    content = predictions(moving_poses(NUM_FRAMES), 100 + rows, rows)
    content['103']['right_hand_3d'] = []
    (tmp_path / 'hands.json').write_text(json.dumps(dict(uid1=content, elsewhere={})))
    data = side_data(store, dict(type='HandWrists', file=str(tmp_path / 'hands.json')), dict(type='WristPlaces'))
    wrists = data.pipeline.transforms[1].wrists
    assert not np.isfinite(wrists[:NUM_FRAMES]).any()  # a sequence that is not in the file
    seen = np.isfinite(wrists[NUM_FRAMES:]).all(-1)
    known = np.isin(np.arange(NUM_FRAMES), np.r_[0:10, 30:40])
    assert np.array_equal(seen[:, 0], known)
    assert np.array_equal(seen[:, 1], known)  # one frame without the right hand is bridged
    np.testing.assert_allclose(wrists[NUM_FRAMES:][known], np.broadcast_to(WORLD, (known.sum(), 2, 3)), atol=1e-9)
    batch = data.__getitems__(range(len(data)))
    detected = batch['inputs']['wrists_detected'].numpy()
    sequence = batch['data_samples'].sequence.numpy()
    assert not detected[sequence == 0].any() and detected[sequence == 1].any()
    assert not detected[sequence == 1].all()


def test_augmentation_moves_predicted_wrists(tmp_path, store):
    rows = np.arange(NUM_FRAMES)
    (tmp_path / 'hands.json').write_text(json.dumps(dict(uid0=predictions(moving_poses(NUM_FRAMES), 100 + rows, rows))))
    hands = dict(type='HandWrists', file=str(tmp_path / 'hands.json'))

    def places(*steps):
        return side_data(store, hands, *steps, dict(type='WristPlaces')).__getitems__([5])['inputs']['wrists']

    mirrored = places(dict(type='Mirror', prob=1.0))
    np.testing.assert_allclose(mirrored, places().flip(2) * places().new_tensor([1, -1, 1]), atol=1e-5)
    np.testing.assert_allclose(places(dict(type='BodyScale', low=2, high=2)), 2 * places(), atol=1e-5)


def test_a_bare_nan_is_a_joint_that_is_not_there(tmp_path, store):
    content = predictions(moving_poses(NUM_FRAMES), [100], [0])
    content['100']['left_hand_3d'][0] = [float('nan')] * 3
    (tmp_path / 'hands.json').write_text(json.dumps(dict(uid0=content)))
    wrists = side_data(store, dict(type='HandWrists', file=str(tmp_path / 'hands.json'))).pipeline.transforms[1].wrists
    assert np.isfinite(wrists[0]).all(-1).tolist() == [False, True]


@pytest.mark.parametrize('content, message', [
    (dict(uid0={'100': dict(left_hand_3d=np.full((21, 3), 0.001).tolist())}), 'told from the wrist'),
    (dict(uid0={'100': dict(left_hand_3d=np.full((21, 3), -0.3).tolist())}), '0% of them in front of the camera'),
    (dict(uid0={'100': dict(left_hand_3d=[[1, 2]])}), "'uid0' is not of the form"),
    (dict(uid0={'a': {}}), "'uid0' is not of the form"), (dict(uid0=[1]), "'uid0' is not of the form")])
def test_files_that_are_none(tmp_path, store, content, message):
    (tmp_path / 'hands.json').write_text(json.dumps(content))
    with pytest.raises(BadFile, match=message):
        side_data(store, dict(type='HandWrists', file=str(tmp_path / 'hands.json')))
    with pytest.raises(FileNotFoundError, match='predictions of the hand pose task'):
        side_data(store, dict(type='HandWrists', file=str(tmp_path / 'nowhere.json')))


def test_hands_join_a_body_in_one_world(tmp_path):
    pose, rows = moving_poses(60), np.arange(3, 40, 3)
    upright = pose.copy()
    upright[:, :3, :3] = pose[:, :3, :3] @ LANDSCAPE_TO_UPRIGHT.T
    track = read_array_track(upright, fps=30, check='off')
    (tmp_path / 'hands.json').write_text(json.dumps(dict(only=predictions(pose, rows, rows))))
    hands = read_wrists(tmp_path / 'hands.json', track)
    np.testing.assert_allclose(hands.wrists, np.broadcast_to(WORLD, (len(rows), 2, 3)), atol=1e-6)
    assert hands.valid.all() and hands.motion('left').frame == 'world'
    body = Motion(track.time, np.zeros((60, 17, 3)), 'coco17', head_pose=track.T_world_camera)
    joined = hands.on_body(body)
    there = np.isin(np.arange(60), np.arange(3, 40))
    wrists = joined.joints[:, [9, 10]]
    np.testing.assert_allclose(wrists[there], np.broadcast_to(WORLD, (there.sum(), 2, 3)), atol=1e-6)
    assert not wrists[~there].any() and not joined.joints[:, :9].any()
    assert joined.provenance['hands']['left'] == pytest.approx(there.mean())
    with pytest.raises(ValueError, match='in the world with a left-wrist'):
        hands.on_body(Motion(track.time, np.zeros((60, 21, 3)), 'hand21'))


def test_hands_of_another_recording(tmp_path):
    track = read_array_track(moving_poses(60), fps=30, check='off')
    (tmp_path / 'hands.json').write_text(json.dumps(dict(a={}, b={})))
    with pytest.raises(BadFile, match='2 recordings, a, b'):
        read_hand_predictions(tmp_path / 'hands.json', track)
    (tmp_path / 'hands.json').write_text(json.dumps(dict(a=predictions(moving_poses(60), [900], [0]))))
    with pytest.raises(BadFile, match='none of its 1 frames lies in the head track'):
        read_hand_predictions(tmp_path / 'hands.json', track)


def test_a_model_of_several_streams_serves_a_head_track_alone(tmp_path):
    """Own recordings and live ones have no video; with wrists, these count."""
    from mmegopose.config_files import find_config
    from mmegopose.engine.config import load_config
    from mmegopose.inference import HeadPoseInferencer
    from mmegopose.registry import MODELS
    config = find_config('mmegopose::ego_body/body_wrists_view.py')
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(load_config(config).model).state_dict()), tmp_path / 'model.pth')
    predict = HeadPoseInferencer(str(config), str(tmp_path / 'model.pth'), device='cpu')
    poses, options = moving_poses(30), dict(fps=30, camera='aria', check='off')
    alone, = predict(poses, **options)
    wrists, = predict(poses, wrists=np.broadcast_to(WORLD, (30, 2, 3)), **options)
    assert alone.valid.all() and np.abs(wrists.joints - alone.joints)[:, 9:11].min() > 1e-3
    live = predict.stream(camera='aria')
    frame = None
    for time, pose in zip(alone.time, poses):
        frame = live.push(pose, time) or frame
    np.testing.assert_allclose(frame.joints, alone.joints[-1], atol=1e-4)


def test_hands_of_a_take_find_its_track_by_uid_and_frame(tmp_path):
    """A track that begins at frame 7, a file of several takes."""
    pose = moving_poses(40)
    track = read_head_track(write_camera_pose(tmp_path / 'uid1.json', pose, first=7))
    assert track.facts['uid'] == 'uid1' and track.device == 'aria_gen1' and track.time[0] == pytest.approx(7 / 30)
    rows = np.arange(3, 33, 3)
    content = dict(other={}, uid1=predictions(pose, 7 + rows, rows))
    (tmp_path / 'hands.json').write_text(json.dumps(content))
    hands = read_wrists(tmp_path / 'hands.json', track)
    np.testing.assert_allclose(hands.time, (7 + rows) / 30)
    np.testing.assert_allclose(hands.wrists, np.broadcast_to(WORLD, (10, 2, 3)), atol=1e-9)
    (tmp_path / 'hands.json').write_text(json.dumps(dict(other=content['uid1'])))
    with pytest.raises(BadFile, match='has no recording uid1'):
        read_wrists(tmp_path / 'hands.json', track)


def test_what_is_printed_is_one_line(tmp_path):
    pose = moving_poses(40)
    (tmp_path / 'hands.json').write_text(json.dumps(dict(uid=predictions(pose, range(0, 40), range(40)))))
    hands = read_hand_predictions(tmp_path / 'hands.json', read_array_track(pose, fps=30, preset='aria'))
    assert repr(hands) == ('HandTrack(40 rows in 1.30 s, the left wrist is seen in 100%, the right one in 100%)')
    assert repr(Mesh(np.zeros((4, 9, 3)), np.zeros((2, 3), int))) == 'Mesh(4 frames of 9 vertices, of no body model)'
