"""A tiny release of Ego-Exo4D hands, as the server gives it: labels in the world, camera poses, VRS tags, films."""
import json
import struct

import cv2
import numpy as np

from mmegopose.datasets.converters.egoexo4d_hand_labels import KEYS
from mmegopose.geometry.cameras import FisheyeRadTanThinPrism

# camera-rgb of a pair of glasses, https://github.com/facebookresearch/Ego4d/issues/365, for the sensor of 2880 x 2880
PARAMS = [1221.64, 1454.95, 1456.37, 0.385091, -0.317651, -0.34768, 1.87269, -2.19933, 0.780143, -0.00108388,
          -0.000392366, 0.00125706, -8.63757e-05, 6.62793e-05, -0.000117569]
INTRINSICS = [[150., 0., 255.5], [0., 150., 255.5], [0., 0., 1.]]


def calibration(params=PARAMS, name='FisheyeRadTanThinPrism', label='camera-rgb'):
    slam = dict(Label='camera-slam-left', Projection=dict(Name='FisheyeRadTanThinPrism', Params=[240.] + 14 * [0.]))
    return dict(CameraCalibrations=[slam, dict(Label=label, Projection=dict(Name=name, Params=list(params)))],
                DeviceClassInfo=dict(BuildVersion='DVT-S'))


def vrs_file(tags):
    """A VRS file with tags of one stream and of the file, and no records."""
    def text(value):
        return struct.pack('<I', len(value)) + value

    def pairs(values):
        return struct.pack('<I', len(values)) + b''.join(text(k.encode()) + text(v) for k, v in values.items())

    body = struct.pack('<I', 1) + struct.pack('<iH', 214, 1) + pairs(dict(a=b'1')) + pairs(dict(b=b'')) + pairs(tags)
    record = struct.pack('<IIiIdHBBI', 32 + len(body), 0, 0, 2, 0, 0, 0, 0, 0) + body
    head = struct.pack('<8sQIIqqqQQQ4sI', b'VisionRe', 1, 80, 32, 0, 80, 0, 0, 0, 0, b'cord', 1)
    assert len(head) == 80
    return head + record


def hand(rng):
    """``(21,3)`` metres about the wrist: bones and angles that pass, mostly."""
    joints = [np.zeros(3)]
    for finger in range(5):
        spread = 0.25 * (finger - 2) + rng.normal(0, 0.05)
        for bone in (0.045, 0.035, 0.03, 0.025) if finger == 0 else (0.085, 0.038, 0.026, 0.022):
            bend = rng.normal(0, 0.15)
            start = joints[-1] if len(joints) > 1 + 4 * finger else joints[0]
            joints.append(start + bone * np.array([np.cos(bend) * np.cos(spread), np.sin(spread), np.sin(bend)]))
    return np.array(joints)


def random_labels(rng, count, spoil=True):
    """World joints ``(F,2,21,3)``, 2D labels, views and extrinsics ``(F,3,4)``; a part of them wrong in every way."""
    extrinsics, joints = np.zeros((count, 3, 4)), np.zeros((count, 2, 21, 3))
    labelled, views = np.zeros((count, 2, 21, 2)), rng.integers(3, 6, (count, 2, 21))
    for frame in range(count):
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        rotation *= np.sign(np.linalg.det(rotation))
        extrinsics[frame] = np.c_[rotation, rng.normal(size=3)]
        for side in range(2):
            camera = hand(rng) + [0.05 + rng.normal(0, 0.05), 0.15 * (2 * side - 1), 0.4]
            if spoil and rng.random() < 0.3:
                camera[:, :2] *= rng.uniform(1, 5)  # out of the picture, or of what the lens shows
            if spoil:
                wrong = rng.random(21) < 0.08
                camera[wrong] += rng.normal(0, 0.08, (wrong.sum(), 3))
            joints[frame, side] = (camera - extrinsics[frame, :, 3]) @ rotation
            labelled[frame, side] = 150 * camera[:, :2] / camera[:, 2:] + 255.5
    if spoil:
        shape = (count, 2, 21)
        labelled[rng.random(shape) < 0.1] += 40
        labelled += rng.normal(0, 8, labelled.shape)
        labelled[rng.random(shape) < 0.05] = np.nan
        views[rng.random(shape) < 0.08] = 2
        joints[rng.random(shape) < 0.05] = np.nan
        views[rng.random((count, 2)) < 0.1] = 2
    return joints, labelled, views, extrinsics


def label_files(joints, labelled, views, extrinsics, numbers, name, uid, camera='aria01'):
    """Content of the files of labels and of camera poses."""
    labels = {}
    for row, number in enumerate(numbers):
        rows = zip(KEYS, joints[row].reshape(42, 3).tolist(), labelled[row].reshape(42, 2).tolist(),
                   views[row].ravel().tolist())
        space, plane = {}, {}
        for key, place, point, count in rows:
            if place[0] == place[0]:
                space[key] = dict(zip('xyz', place), num_views_for_3d=count)
            if point[0] == point[0]:
                plane[key] = dict(zip('xy', point), placement='manual')
        labels[str(number)] = [dict(annotation3D=space, annotation2D={camera: plane})]
    poses = {str(number): matrix.tolist() for number, matrix in zip(numbers, extrinsics)}
    cameras = {'metadata': dict(take_name=name, take_uid=uid), 'cam01': {},
               camera: dict(camera_intrinsics=INTRINSICS, camera_extrinsics=poses)}
    return labels, cameras


def film_frames(count, size=352, point=(0.2, -0.1, 0.5)):
    """Upright fisheye frames RGB: grey gets lighter with the number, a red dot where a point in space is."""
    scale = size / 1408
    camera = FisheyeRadTanThinPrism([PARAMS[0] / 2 * scale, *(((c - 32.5) / 2 + 0.5) * scale - 0.5
                                                              for c in PARAMS[1:3]), *PARAMS[3:]])
    pixel = camera.project(np.array(point))[0]
    frames = []
    for number in range(count):
        lying = np.full((size, size, 3), 40 + 4 * number, np.uint8)
        cv2.circle(lying, tuple(int(round(16 * value)) for value in pixel), 16 * 6, (255, 0, 0), -1, shift=4)
        frames.append(np.ascontiguousarray(np.rot90(lying, -1)))
    return frames


def write_release(root, takes, write_film, seed=0):
    """``takes``: ``{name: (split, numbers of labelled frames)}``; ``write_film(path)`` writes one, or does nothing."""
    rng, listed, splits, uids = np.random.default_rng(seed), [], {}, {}
    for name, (split, numbers) in takes.items():
        uid = uids[name] = f'uid-{name}'
        labels, cameras = label_files(*random_labels(rng, len(numbers)), numbers, name, uid)
        base = root / 'annotations' / 'ego_pose' / split
        for path, content in ((base / 'hand' / 'annotation' / f'{uid}.json', labels),
                              (base / 'hand' / 'automatic' / f'{uid}.json', labels),
                              (base / 'camera_pose' / f'{uid}.json', cameras)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        listed.append(dict(take_uid=uid, take_name=name, root_dir=f'takes/{name}', capture=dict(cameras=[
            dict(cam_id='cam01', is_ego=False), dict(cam_id='aria01', is_ego=True)])))
        splits.setdefault(split, []).append(uid)
        folder = root / 'takes' / name
        (folder / 'frame_aligned_videos').mkdir(parents=True)
        (folder / 'aria01_noimagestreams.vrs').write_bytes(vrs_file(dict(calib_json=json.dumps(
            calibration()).encode())))
        write_film(folder / 'frame_aligned_videos' / 'aria01_214-1.mp4')
    (root / 'takes.json').write_text(json.dumps(listed))
    (root / 'annotations' / 'splits.json').write_text(json.dumps(dict(
        split_to_take_uids=splits, take_uid_to_benchmark={uid: ['ego_pose', 'x'] for uid in uids.values()})))
    return uids
