"""Folders of Aria's machine perception services: calibration, generations, worlds, gravity, rates."""
import json

import numpy as np
import pytest
from helpers.track_files import calibration_json, in_preset, walk, write_mps
from scipy.spatial.transform import Rotation

from mmegopose.files import BadFile
from mmegopose.geometry.conventions import PoseConvention
from mmegopose.inference.inputs.head_tracks import ImplausibleTrack, import_track, read_aria_mps
from mmegopose.inference.inputs.head_tracks.aria_calibration import design_calibration, read_calibration

TIME, POSES = walk()
GEN1 = in_preset(POSES, 'aria')


def same(track, atol=1e-9):
    np.testing.assert_allclose(track.T_world_camera, POSES, atol=atol, rtol=0)
    return track


def test_closed_loop_with_online_calibration(tmp_path):
    write_mps(tmp_path, TIME, GEN1, more=True)
    for path in (tmp_path, tmp_path / 'slam', tmp_path / 'slam' / 'closed_loop_trajectory.csv'):
        track = same(read_aria_mps(path))
    assert track.device == 'aria_gen1' and track.facts['calibration'].endswith('online_calibration.jsonl')
    assert track.facts['trajectory'] == 'closed' and (track.quality == 1).all()
    # the pose of the landscape RGB camera, world to camera, is what the annotations of Ego-Exo4D hold
    np.testing.assert_allclose(PoseConvention(camera='aria', direction='world_to_camera').from_standard(
        track.T_world_camera), np.linalg.inv(GEN1), atol=1e-9)


def test_old_names_and_layouts(tmp_path):
    write_mps(tmp_path / 'mps_x_vrs', TIME, GEN1)
    (tmp_path / 'mps_x_vrs' / 'slam').rename(tmp_path / 'mps_x_vrs' / 'trajectory')
    same(read_aria_mps(tmp_path))
    same(read_aria_mps(tmp_path / 'mps_x_vrs'))
    write_mps(tmp_path / 'mps_y_vrs', TIME, GEN1)
    (tmp_path / 'mps_y_vrs' / 'slam').rename(tmp_path / 'mps_y_vrs' / 'trajectory')
    with pytest.raises(ValueError, match='holds 2 recordings, .*mps_x_vrs.* name one'):
        read_aria_mps(tmp_path)
    with pytest.raises(FileNotFoundError, match='no open_loop_trajectory.csv in it'):
        read_aria_mps(tmp_path, trajectory='open')


@pytest.mark.parametrize('loop', ['open', 'closed'])
def test_the_second_generation_has_an_upright_camera(loop, tmp_path):
    write_mps(tmp_path, TIME, POSES, 'aria_gen2', loop=loop)
    assert same(read_aria_mps(tmp_path, trajectory='auto')).device == 'aria_gen2'
    with pytest.raises(ValueError, match="device='aria_gen1', but .* of aria_gen2"):
        read_aria_mps(tmp_path, device='aria_gen1')
    with pytest.raises(ValueError, match="device='quest'"):
        read_aria_mps(tmp_path, device='quest')


@pytest.mark.parametrize('device', ['aria_gen1', 'aria_gen2'])
def test_without_calibration_the_design_values_are_taken_and_told(device, tmp_path):
    write_mps(tmp_path, TIME, GEN1 if device == 'aria_gen1' else POSES, device, calibration=None)
    with pytest.warns(UserWarning, match=f'design values of {device} are taken, which are about 2 degrees off'):
        same(read_aria_mps(tmp_path))
    with pytest.warns(UserWarning, match='no calibration beside it'):
        same(read_aria_mps(tmp_path, device=device))
    other = 'aria_gen2' if device == 'aria_gen1' else 'aria_gen1'
    with pytest.warns(UserWarning), pytest.raises(ImplausibleTrack, match="camera='"):
        read_aria_mps(tmp_path, device=other)


def test_factory_calibration_and_a_matrix(tmp_path):
    write_mps(tmp_path, TIME, GEN1, calibration='factory')
    same(read_aria_mps(tmp_path, calibration=tmp_path / 'slam' / 'factory.json'))
    same(read_aria_mps(tmp_path, calibration=design_calibration('aria_gen1').T_device_camera))
    with pytest.raises(ValueError, match=r'T_device_camera \(4,4\)'):
        read_aria_mps(tmp_path, calibration=np.eye(3))


def test_design_values_are_those_of_the_maker():
    gen1 = design_calibration('aria_gen1').T_device_camera
    np.testing.assert_allclose(gen1[:3, :3], [[.9955, -.0319, .0892], [.0795, .7934, -.6036], [-.0515, .6079, .7923]],
                               atol=2e-4)
    np.testing.assert_allclose(gen1[:3, 3], [-.0045, -.0126, -.0053], atol=2e-4)
    np.testing.assert_allclose(design_calibration('aria_gen2').T_device_camera[:3, 3], [.0117, 0, -.0005], atol=2e-4)
    with pytest.raises(KeyError, match='aria_gen1'):
        design_calibration('quest')


@pytest.mark.parametrize('change, message', [
    (lambda c: c['CameraCalibrations'].pop(), 'camera-rgb and the SLAM cameras'),
    (lambda c: c.pop('CameraCalibrations'), 'no CameraCalibrations'),
    (lambda c: c['CameraCalibrations'][-1].pop('T_Device_Camera'), 'should hold Translation'),
    (lambda c: c['CameraCalibrations'][-1]['T_Device_Camera'].update(UnitQuaternion=[2, [0, 0, 0]]), 'unit quaternion'),
    (lambda c: c['CameraCalibrations'][-1]['T_Device_Camera'].update(Translation=[4, 12, 4]), 'centimetres'),
    (lambda c: c['CameraCalibrations'][-1]['T_Device_Camera'].update(UnitQuaternion=[1, 0, 0, 0]), 'UnitQuaternion')])
def test_a_damaged_calibration_is_named(change, message, tmp_path):
    content = calibration_json()
    change(content)
    (tmp_path / 'online_calibration.jsonl').write_text(json.dumps(content) + '\n')
    with pytest.raises(BadFile, match=message):
        read_calibration(tmp_path / 'online_calibration.jsonl')
    (tmp_path / 'online_calibration.jsonl').write_text('{"a": ')
    with pytest.raises(BadFile, match='no JSON'):
        read_calibration(tmp_path / 'online_calibration.jsonl')


@pytest.mark.parametrize('gravity, axis', [((0, -9.81, 0), 'y'), ((9.81, 0, 0), '-x')])
def test_gravity_of_the_file_says_which_way_is_up(gravity, axis, tmp_path):
    """Aria Digital Twin writes the same columns in a world with y up."""
    world = PoseConvention(axis, 'aria').from_standard(POSES)
    write_mps(tmp_path, TIME, world, gravity=gravity)
    track = read_aria_mps(tmp_path)
    np.testing.assert_allclose(track.T_world_camera[:, 2], POSES[:, 2], atol=1e-9)
    assert 'the world was turned' in track.facts['notes'][-1]
    with pytest.raises(ImplausibleTrack):
        read_aria_mps(tmp_path, up='z')
    np.testing.assert_allclose(read_aria_mps(tmp_path, up=axis).T_world_camera[:, 2], POSES[:, 2], atol=1e-9)


def test_another_graph_is_another_world(tmp_path):
    write_mps(tmp_path, TIME, GEN1, graph=['a'] * 300 + ['b'] * 453)
    track = read_aria_mps(tmp_path)
    assert track.num_segments == 2 and track.facts['worlds'] == ['a', 'b'] and (track.world == (TIME >= 9.999)).all()
    assert not track.resample(100).valid[1000 - 2:1000].any()  # nothing between the worlds


def test_a_thousand_rows_a_second_are_thinned(tmp_path):
    fast = np.arange(0, 6, 1e-3)
    fast = np.sort(fast + np.random.default_rng(0).uniform(-2e-4, 2e-4, len(fast)))
    known = import_track(TIME, POSES, PoseConvention())
    poses = PoseConvention(camera='aria').from_standard(known.resample(1000).T_world_camera[:len(fast)])
    write_mps(tmp_path, fast, poses)
    track = read_aria_mps(tmp_path)
    assert track.facts['rows_kept'] == '1 of 8' and 115 < track.fps < 130 and track.num_segments == 1
    assert len(read_aria_mps(tmp_path, max_rate=1000)) == 6000
    even = track.resample(30)
    assert np.abs(even.T_world_camera[:, :3, 3] - POSES[:len(even), :3, 3]).max() < 5e-3


def test_low_quality_and_failed_services_are_told(tmp_path):
    write_mps(tmp_path, TIME, GEN1, quality=np.where(TIME < 10, .3, 1))
    (tmp_path / 'slam' / 'summary.json').write_text(json.dumps(dict(SLAM=dict(status='WARNING', info=['drift']))))
    track = read_aria_mps(tmp_path)
    assert track.facts['notes'] == ['summary.json: SLAM ended with WARNING',
                                    'quality_score is below 0.5 in 40 % of the rows']
    assert track.valid.all() and 'note: summary.json' in track.describe()


def test_real_units_differ_from_the_design(tmp_path):
    """A unit that is 2 degrees off its design still passes, and is not the design."""
    real = design_calibration('aria_gen1').T_device_camera.copy()
    real[:3, :3] = real[:3, :3] @ Rotation.from_euler('xyz', [2, -1, 1], degrees=True).as_matrix()
    write_mps(tmp_path, TIME, GEN1)
    track = read_aria_mps(tmp_path, calibration=real)
    assert 0.03 < np.abs(track.T_world_camera[:, :3, :3] - POSES[:, :3, :3]).max() < 0.06
