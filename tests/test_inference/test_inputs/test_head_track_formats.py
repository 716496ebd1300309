"""One known track in the layout of every program: the reader gives back the same numbers."""
import json
import re

import numpy as np
import pytest
from helpers import track_files as files
from helpers.track_files import in_preset, walk
from scipy.spatial.transform import Rotation

from mmegopose.files import BadFile
from mmegopose.geometry.conventions import PRESETS, PoseConvention, invert
from mmegopose.inference.inputs.head_tracks import (
    FORMATS,
    ImplausibleTrack,
    detect_track_format,
    read_colmap,
    read_csv_track,
    read_euroc,
    read_head_track,
    read_kitti,
    read_record3d,
    read_stray_scanner,
    read_tum,
)

TIME, POSES = walk()
EXACT = 1e-9


def same(track, poses=POSES, time=TIME):
    np.testing.assert_allclose(track.T_world_camera, poses, atol=EXACT, rtol=0)
    np.testing.assert_allclose(track.time - track.time[0], time - time[0], atol=5e-6)
    assert track.valid.all() and track.num_segments == 1
    return track


def written(up, camera):
    return PoseConvention(up, camera).from_standard(POSES)


WRITERS = dict(  # format: (write(folder) -> path, options)
    csv=(lambda d: files.write_csv(d / 'a.csv', TIME, in_preset(POSES, 'openxr')), dict(preset='openxr')),
    tum=(lambda d: files.write_tum(d / 'a.txt', TIME, in_preset(POSES, 'opencv')), dict(up='z')),
    euroc=(lambda d: files.write_euroc(d / 'data.csv', TIME, written('z', 'up right forward')), {}),
    kitti=(lambda d: files.write_kitti(d / '00.txt', TIME, in_preset(POSES, 'slam')), dict(fps=30)),
    colmap=(lambda d: files.write_colmap(d / 'images.txt', TIME, POSES).parent, dict(
        fps=30, scale=1, gravity=(0, 0, -1))),
    stray_scanner=(lambda d: files.write_stray_scanner(d, TIME, written('y', 'opencv')), {}),
    record3d=(lambda d: files.write_record3d(d / 'a.r3d', TIME, in_preset(POSES, 'openxr')), {}),
    hololens=(lambda d: files.write_egobody(d / 'x_head_hand_eye.csv', TIME, in_preset(POSES, 'openxr')), {}),
    aria_mps=(lambda d: files.write_mps(d, TIME, in_preset(POSES, 'aria')), {}),
    egoexo4d=(lambda d: files.write_camera_pose(d / 'uid.json', in_preset(POSES, 'aria')), {}),
    arrays=(lambda d: save(d / 'a.npz', poses=POSES[:, :3], time=TIME), {}))


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_every_format_has_a_file_here():
    assert set(WRITERS) == set(FORMATS)


@pytest.mark.parametrize('name', WRITERS)
def test_every_format_is_recognised_and_read_exactly(name, tmp_path):
    write, options = WRITERS[name]
    path = write(tmp_path)
    assert detect_track_format(path) == name
    track = same(read_head_track(path, **options))
    assert track.facts['format'] == name and track.facts['notes'] == []
    assert json.loads(json.dumps(track.facts)) == track.facts  # as the file of a motion keeps them
    np.testing.assert_array_equal(read_head_track(path, name, **options).T_world_camera, track.T_world_camera)


@pytest.mark.parametrize('preset', PRESETS)
def test_every_preset_of_a_table_is_exact(preset, tmp_path):
    path = files.write_csv(tmp_path / 'a.csv', TIME, in_preset(POSES, preset))
    same(read_csv_track(path, preset=preset))
    same(read_csv_track(path, up=PRESETS[preset].up, camera=PRESETS[preset].camera, unit=PRESETS[preset].unit))


@pytest.mark.parametrize('header, scale', [
    ('timestamp_ns;head_pos_x;head_pos_y;head_pos_z;head_rot_x;head_rot_y;head_rot_z;head_rot_w', 1e9),
    ('Time [ms],HeadPosX,HeadPosY,HeadPosZ,HeadRotX,HeadRotY,HeadRotZ,HeadRotW', 1e3),
    ('t,position.x,position.y,position.z,orientation.x,orientation.y,orientation.z,orientation.w', 1),
    ('timestamp,x,y,z,qx,qy,qz,qw', 1e6), ('time_us\ttx\tty\ttz\tqx\tqy\tqz\tqw', 1e6),
    ('# header.stamp,pose.position.x,pose.position.y,pose.position.z,pose.orientation.x,pose.orientation.y,'
     'pose.orientation.z,pose.orientation.w', 1),
    ('Timestamp,hmd_position_x,hmd_position_y,hmd_position_z,hmd_rotation_x,hmd_rotation_y,hmd_rotation_z,'
     'hmd_rotation_w', 1)])
def test_columns_are_found_by_common_names(header, scale, tmp_path):
    path = files.write_csv(tmp_path / 'a.csv', TIME, in_preset(POSES, 'openxr'), header, scale)
    if ';' in header or '\t' in header:
        mark = ';' if ';' in header else '\t'
        path.write_text(path.read_text().replace(',', mark))
    same(read_csv_track(path, preset='openxr'))


def test_the_head_is_found_among_other_things(tmp_path):
    """Controllers, another order of columns, w first, words and empty cells."""
    q, p = files.quaternions(in_preset(POSES, 'unity')), in_preset(POSES, 'unity')[:, :3, 3]
    header = 'frame,scene,left_pos_x,left_pos_y,left_pos_z,left_rot_x,left_rot_y,left_rot_z,left_rot_w,head_rot_w,' \
             'head_rot_x,head_rot_y,head_rot_z,head_pos_z,head_pos_y,head_pos_x,time,comment'
    rows = [f'{i},"a, b",,,,,,,,' + files.numbers([[q[i, 3], *q[i, :3], *p[i, ::-1], TIME[i]]]).strip() + ',x'
            for i in range(len(TIME))]
    (tmp_path / 'a.csv').write_text('\n'.join([header, *rows]) + '\n')
    track = same(read_csv_track(tmp_path / 'a.csv', preset='unity'))
    assert track.facts['columns']['position'] == ['head_pos_x', 'head_pos_y', 'head_pos_z']
    renamed = (tmp_path / 'a.csv').read_text().replace('head_pos', 'foo').replace('head_rot', 'bar')
    (tmp_path / 'b.csv').write_text(renamed.replace(',time,', ',clock,'))
    columns = dict(time='clock', position=['foo_x', 'foo_y', 'foo_z'], quaternion=['bar_x', 'bar_y', 'bar_z', 'bar_w'])
    same(read_csv_track(tmp_path / 'b.csv', preset='unity', columns=columns))


def test_unreal_rotators(tmp_path):
    """Pitch up, yaw to the right, roll clockwise, degrees; centimetres."""
    poses = in_preset(POSES, 'unreal')
    flip = np.diag([1., -1, 1])
    yaw, pitch, roll = Rotation.from_matrix(flip @ poses[:, :3, :3] @ flip).as_euler('ZYX', degrees=True).T
    rows = np.stack([TIME, *poses[:, :3, 3].T, -pitch, -yaw, roll], 1)
    (tmp_path / 'a.csv').write_text('Time,X,Y,Z,Pitch,Yaw,Roll\n' + files.numbers(rows))
    same(read_csv_track(tmp_path / 'a.csv', preset='unreal'))
    looks_up = [[0, 0, 0, 170, 30, 0, 0], [.1, 0, 0, 170, 0, 90, 0]]
    (tmp_path / 'b.csv').write_text('Time,X,Y,Z,Pitch,Yaw,Roll\n' + files.numbers(looks_up))
    track = read_csv_track(tmp_path / 'b.csv', preset='unreal', check='off')
    forward = track.T_world_camera[:, :3, 2]
    np.testing.assert_allclose(forward, [[np.cos(np.pi / 6), 0, .5], [0, -1, 0]], atol=1e-9)  # up; to the right of x


def test_a_matrix_in_columns_and_frames_in_place_of_times(tmp_path):
    names = [f'm{i}' for i in range(12)]
    (tmp_path / 'a.csv').write_text(','.join(names) + '\n' + files.numbers(POSES[:, :3].reshape(-1, 12)))
    same(read_csv_track(tmp_path / 'a.csv', preset='opencv', columns=dict(matrix=names), fps=30))
    same(read_head_track(save(tmp_path / 'b.npz', c2w=POSES, fps=30.0)))
    np.save(tmp_path / 'c.npy', POSES)
    same(read_head_track(tmp_path / 'c.npy', fps=30))
    same(FORMATS['arrays'](invert(POSES)[:, :3], TIME * 1e3, time_unit='ms', direction='world_to_camera'))


@pytest.mark.parametrize('axes,said', [
    (PoseConvention(), "preset='opencv'"), (PRESETS['openxr'], "preset='openxr'"),
    (PoseConvention(up='y'), "preset='opencv', up='y'"),
    (PoseConvention(direction='world_to_camera'), "preset='opencv', direction='world_to_camera'")])
def test_the_advice_for_a_table_without_axes_is_what_it_is(tmp_path, axes, said):
    with pytest.raises(ValueError, match=f'it is most like {re.escape(said)}$'):
        read_csv_track(files.write_csv(tmp_path / 'a.csv', TIME, axes.from_standard(POSES)))


def test_advice_leaves_out_what_needs_more_changes_or_puts_the_head_below_the_floor(tmp_path):
    path = files.write_csv(tmp_path / 'a.csv', TIME, PoseConvention(up='y').from_standard(POSES))
    with pytest.raises(ImplausibleTrack, match=r"like other axes: pass up='y'\. If"):
        read_csv_track(path, preset='opencv')


def test_a_table_does_not_tell_its_axes(tmp_path):
    path = files.write_csv(tmp_path / 'a.csv', TIME, in_preset(POSES, 'openxr'))
    with pytest.raises(ValueError, match="nothing in such a file tells its axes: pass preset, .*most like .*'openxr'"):
        read_csv_track(path)
    (tmp_path / 'b.csv').write_text('a,b,c\n1,2,3\n')
    with pytest.raises(BadFile, match=r"columns of the position and quaternion .* among \['a', 'b', 'c'\]; name them"):
        read_csv_track(tmp_path / 'b.csv', preset='openxr')
    mps = files.write_mps(tmp_path, TIME, in_preset(POSES, 'aria')) / 'slam' / 'closed_loop_trajectory.csv'
    with pytest.raises(BadFile, match="format='aria_mps'"):
        read_csv_track(mps, preset='opencv')


def test_text_trajectories(tmp_path):
    body = np.eye(4)
    body[:3, :3], body[:3, 3] = Rotation.from_euler('xyz', [5, 92, 3], degrees=True).as_matrix(), (.1, .02, -.03)
    files.write_euroc(tmp_path / 'e.csv', TIME, POSES @ invert(body))
    same(read_euroc(tmp_path / 'e.csv', body_to_camera=body))
    same(read_tum(files.write_tum(tmp_path / 'slam.txt', TIME, in_preset(POSES, 'slam'))))
    with pytest.raises(ValueError, match='pass fps'):
        read_kitti(files.write_kitti(tmp_path / 'k.txt', TIME, POSES))
    with pytest.raises(BadFile, match='a row has 3 fields, 8 are needed'):
        (tmp_path / 'x.txt').write_text('1 2 3\n')
        read_tum(tmp_path / 'x.txt')


@pytest.mark.parametrize('binary', [False, True])
def test_colmap_has_neither_scale_nor_up_nor_times(binary, tmp_path):
    keep = np.r_[0:300, 330:753]
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec([.4, 1, -.2]).as_matrix()
    moved = (turn @ POSES)[keep]
    moved[:, :3, 3] /= 2.5
    path = files.write_colmap(tmp_path / f'images.{"bin" if binary else "txt"}', TIME[keep], moved, binary)
    with pytest.raises(ValueError, match='pass fps and scale'):
        read_colmap(path, fps=30)
    track = read_colmap(tmp_path, fps=30, scale=2.5, gravity=-turn[:3, 2])
    np.testing.assert_allclose(track.T_world_camera[:, 2], POSES[keep, 2], atol=EXACT)
    assert track.num_segments == 2 and track.time[300] == pytest.approx(11)
    guessed = read_colmap(path, fps=30, scale=2.5).T_world_camera[:, 2, :3]
    assert np.degrees(np.arccos((guessed * POSES[keep, 2, :3]).sum(1))).max() < 45  # this head looks down a lot
    if binary:
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(BadFile, match='cut off'):
            read_colmap(path, fps=30, scale=1)


def test_phones(tmp_path):
    portrait = PoseConvention('y', 'aria').from_standard(POSES)
    files.write_stray_scanner(tmp_path, TIME, portrait)
    same(read_stray_scanner(tmp_path, camera='aria'))
    with pytest.raises(ValueError, match="camera='aria'"):
        read_stray_scanner(tmp_path / 'odometry.csv')
    files.write_record3d(tmp_path / 'a.r3d', TIME, in_preset(POSES, 'arkit_portrait'))
    same(read_record3d(tmp_path / 'a.r3d', preset='arkit_portrait'))
    export = dict(fps=60, poses=np.concatenate([files.quaternions(in_preset(POSES, 'openxr')), in_preset(
        POSES, 'openxr')[:, :3, 3]], 1).tolist())
    (tmp_path / 'metadata.json').write_text(json.dumps(export))
    same(read_record3d(tmp_path / 'metadata.json', fps=30))
    assert read_record3d(tmp_path / 'metadata.json').duration == pytest.approx(752 / 60)
    (tmp_path / 'metadata.json').write_text(json.dumps(dict(export, fps=None)))
    with pytest.raises(BadFile, match='pass fps'):
        read_record3d(tmp_path / 'metadata.json')


def test_hololens(tmp_path):
    poses = in_preset(POSES, 'openxr')
    same(read_head_track(files.write_pv(tmp_path / 'a_pv.txt', TIME, poses)))
    valid = np.arange(753) != 5
    path = save(tmp_path / 'a.npz', timestamp=(TIME * 1e7).round().astype(np.int64), valid=valid,
                head_position=poses[:, :3, 3].astype(np.float64), head_forward=-poses[:, :3, 2],
                head_up=poses[:, :3, 1])
    track = read_head_track(path)
    np.testing.assert_allclose(track.T_world_camera[valid], POSES[valid], atol=EXACT)
    assert track.device == 'hololens' and np.flatnonzero(~track.valid).tolist() == [5]
    poses[7] = 0  # EgoBody: not tracked
    assert np.flatnonzero(~read_head_track(files.write_egobody(tmp_path / 'h.csv', TIME, poses)).valid).tolist() == [7]
