"""Head tracks of the embedded sample, and files of them in the exact layouts of other programs."""
import functools
import json
import struct
import zipfile

import numpy as np
from scipy.spatial.transform import Rotation

from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.shipped_motion import ASSET
from mmegopose.geometry.conventions import PRESETS, invert
from mmegopose.inference.inputs.head_tracks.aria_calibration import design_calibration

FPS = 30.0
TICK = 132000000000000000  # of Windows' clock, 100 ns


@functools.cache
def sample_tracks() -> tuple:
    """``(time, poses (N,4,4))`` of every clip of the embedded sample."""
    clips = MocapSequences.load(ASSET)
    return tuple((np.arange(len(clip.head_pose)) / FPS, _orthonormal(clip.head_pose)) for clip in clips)


def _orthonormal(poses):
    poses = np.asarray(poses, float).copy()
    poses[:, :3, :3] = Rotation.from_matrix(poses[:, :3, :3]).as_matrix()
    return poses


def walk():
    """The longest way of the sample: time, and poses of somebody who walks and looks about."""
    return max(sample_tracks(), key=lambda track: np.abs(np.diff(track[1][:, :2, 3], axis=0)).sum())


def quaternions(poses):
    """x y z w, ``(N,4)``."""
    return Rotation.from_matrix(poses[:, :3, :3]).as_quat()


def numbers(rows, delimiter=','):
    return ''.join(delimiter.join(f'{value:.17g}' for value in row) + '\n' for row in rows)


def write_csv(path, time, poses, header='time,px,py,pz,qx,qy,qz,qw', scale=1.0):
    """A table of poses as they are."""
    rows = np.concatenate([time[:, None] * scale, poses[:, :3, 3], quaternions(poses)], 1)
    path.write_text(header + '\n' + numbers(rows))
    return path


def write_tum(path, time, poses):
    rows = np.concatenate([time[:, None], poses[:, :3, 3], quaternions(poses)], 1)
    path.write_text('# timestamp tx ty tz qx qy qz qw\n' + numbers(rows, ' '))
    return path


def write_euroc(path, time, poses):
    q = quaternions(poses)
    header = '#timestamp [ns],p_RS_R_x [m],p_RS_R_y [m],p_RS_R_z [m],q_RS_w [],q_RS_x [],q_RS_y [],q_RS_z [],' \
             'v_RS_R_x [m s^-1],v_RS_R_y [m s^-1],v_RS_R_z [m s^-1],b_w_RS_S_x [rad s^-1],b_w_RS_S_y [rad s^-1],' \
             'b_w_RS_S_z [rad s^-1],b_a_RS_S_x [m s^-2],b_a_RS_S_y [m s^-2],b_a_RS_S_z [m s^-2]\n'
    rows = [f'{int(round(t * 1e9))},' + numbers([[*p, r[3], *r[:3], *[0] * 9]]) for t, p, r in zip(
        time, poses[:, :3, 3], q)]
    path.write_text(header + ''.join(rows))
    return path


def write_kitti(path, time, poses):
    path.write_text(numbers(poses[:, :3].reshape(-1, 12), ' '))
    return path


def write_colmap(path, time, poses, binary=False):
    """``poses`` camera to world; the file holds the inverse, one picture a frame."""
    inverse = invert(poses)
    q, t = quaternions(inverse)[:, [3, 0, 1, 2]], inverse[:, :3, 3]
    names = [f'frame_{round(s * FPS):06d}.jpg' for s in time]
    if binary:
        blocks = [struct.pack('<I7dI', i, *a, *b, 1) + name.encode() + b'\0' + struct.pack('<Q2dq', 1, 5., 6., -1)
                  for i, (a, b, name) in enumerate(zip(q, t, names))]
        path.write_bytes(struct.pack('<Q', len(names)) + b''.join(blocks))
    else:
        lines = [f'{i + 1} ' + numbers([[*a, *b]], ' ').strip() + f' 1 {name}\n' + '1.5 2.5 -1' * (i % 2) + '\n'
                 for i, (a, b, name) in enumerate(zip(q, t, names))]
        order = np.random.default_rng(0).permutation(len(lines))
        path.write_text('# Image list with two lines of data per image:\n' + ''.join(lines[i] for i in order))
    return path


def write_stray_scanner(folder, time, poses):
    rows = np.concatenate([time[:, None], np.arange(len(time))[:, None], poses[:, :3, 3], quaternions(poses)], 1)
    (folder / 'odometry.csv').write_text('timestamp, frame, x, y, z, qx, qy, qz, qw\n' + numbers(rows, ', '))
    return folder


def write_record3d(path, time, poses):
    content = dict(w=1440, h=1920, fps=60, K=[1.] * 9, frameTimestamps=time.tolist(),
                   poses=np.concatenate([quaternions(poses), poses[:, :3, 3]], 1).tolist())
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('metadata', json.dumps(content))
    return path


def write_egobody(path, time, poses):
    """``*_head_hand_eye.csv``: 861 numbers a row, no header, ticks of 100 ns."""
    rows = np.zeros((len(time), 861))
    rows[:, 1:17] = poses.reshape(-1, 16)
    path.write_text(''.join(f'{TICK + round(t * 1e7)},' + numbers([row[1:]]) for t, row in zip(time, rows)))
    return path


def write_camera_pose(path, poses, first=0):
    """``camera_pose/<take_uid>.json`` of Ego-Exo4D: world to the camera, by frame, and a camera that stands."""
    still = dict(camera_intrinsics=np.eye(3).tolist(), camera_extrinsics=np.eye(4)[:3].tolist())
    moving = {str(first + k): matrix for k, matrix in enumerate(invert(poses)[:, :3].tolist())}
    path.write_text(json.dumps(dict(metadata=dict(take_uid=path.stem, take_name='x'), cam01=still, aria01=dict(
        camera_intrinsics=[[150, 0, 255.5], [0, 150, 255.5], [0, 0, 1]], camera_extrinsics=moving))))
    return path


def write_pv(path, time, poses):
    path.write_text('960.0,540.0,1920,1080\n' + ''.join(
        f'{TICK + round(t * 1e7)},1450.0,1450.0,' + numbers([pose.ravel()]) for t, pose in zip(time, poses)))
    return path


def write_mps(folder, time, poses, device='aria_gen1', calibration='online', loop='closed', gravity=(0, 0, -9.81),
              graph=None, quality=None, more=False):
    """A folder of Aria's MPS: ``poses`` are those of the RGB camera in its own axes, in a world with this gravity."""
    frame = dict(closed='world', open='odometry')[loop]
    design = design_calibration(device)
    device_poses = poses @ invert(design.T_device_camera)
    slam = folder / 'slam'
    slam.mkdir(parents=True, exist_ok=True)
    names = [f'{axis}_{frame}_device' for axis in ('tx', 'ty', 'tz', 'qx', 'qy', 'qz', 'qw')]
    velocity_frame = 'device' if loop == 'closed' else 'odometry'
    rates = [f'device_linear_velocity_{axis}_{velocity_frame}' for axis in 'xyz']
    rates += [f'angular_velocity_{axis}_device' for axis in 'xyz']
    ends = [f'gravity_{axis}_{frame}' for axis in 'xyz'] + ['quality_score']
    session = 'session_uid' if loop == 'open' else 'graph_uid'
    stamps = ['tracking_timestamp_us', 'utc_timestamp_ns']
    header = [*([session, *stamps] if loop == 'closed' else [*stamps, session]), *names, *rates, *ends]
    graph = ['6f1f-a'] * len(time) if graph is None else graph
    quality = np.ones(len(time)) if quality is None else quality
    lines = [','.join(header + ['geo_available'] * more)]
    for t, pose, q, uid, score in zip(time, device_poses, quaternions(device_poses), graph, quality):
        stamp = [f'{round(t * 1e6)}', '-1']
        row = [uid, *stamp] if loop == 'closed' else [*stamp, uid]
        values = [*pose[:3, 3], *q, *[0] * 6, *gravity, score, *[0] * more]
        lines.append(','.join([*row, *(f'{value:.17g}' for value in values)]))
    (slam / f'{loop}_loop_trajectory.csv').write_text('\n'.join(lines) + '\n')
    if calibration:
        content = json.dumps(calibration_json(device))
        name = 'online_calibration.jsonl' if calibration == 'online' else 'factory.json'
        (slam / name).write_text(f'{content}\n{content}\n' if calibration == 'online' else content)
    return folder


def calibration_json(device='aria_gen1'):
    x, y, z, w = Rotation.from_matrix(design_calibration(device).T_device_camera[:3, :3]).as_quat().tolist()
    place = design_calibration(device).T_device_camera[:3, 3].tolist()
    slam = dict(aria_gen1=['camera-slam-left', 'camera-slam-right'],
                aria_gen2=['slam-front-left', 'slam-front-right', 'slam-side-left', 'slam-side-right'])[device]
    other = dict(Calibrated=True, T_Device_Camera=dict(Translation=[0, 0, 0], UnitQuaternion=[1, [0, 0, 0]]))
    rgb = dict(Calibrated=True, Label='camera-rgb', SerialNumber='x', Projection=dict(
        Name='FisheyeRadTanThinPrism', Description='', Params=[1220.0, 1461.0, 1447.0, *[0.0] * 12]),
        T_Device_Camera=dict(Translation=place, UnitQuaternion=[w, [x, y, z]]))
    return dict(utc_timestamp_ns=0, tracking_timestamp_us=0, ImuCalibrations=[],
                CameraCalibrations=[*(dict(other, Label=label) for label in slam), rgb])


def in_preset(poses, name):
    """Standard poses as a program writes them."""
    return PRESETS[name].from_standard(poses)
