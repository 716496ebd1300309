"""A tiny synthetic data set in the official Ego-Exo4D layout, with its known defects planted."""
import json
import uuid

import numpy as np

from mmegopose.datasets import EgoExo4DBodyDataset
from mmegopose.structures import get_skeleton

JOINTS = get_skeleton('coco17').joints
# Wearer frame: x forward, y left, z up, origin on the floor.
STANCE = np.array([
    [.10, 0, 1.60], [.08, .033, 1.63], [.08, -.033, 1.63], [0, .075, 1.61], [0, -.075, 1.61], [-.02, .17, 1.40],
    [-.02, -.17, 1.40], [0, .21, 1.12], [0, -.21, 1.12], [.16, .19, .94], [.16, -.19, .94], [0, .12, .92],
    [0, -.12, .92], [.03, .12, .50], [.03, -.12, .50], [0, .12, .09], [0, -.12, .09]])
PLAN = [('train', 'basketball', 6001), ('train', 'cooking', 1004), ('train', 'dance', 9001), ('val', 'soccer', 8003),
        ('val', 'bike', 4001), ('test', 'basketball', 6002), ('test', 'music', 5010)]


def wearer(frame: int, lively: bool):
    """World joints (17,3) and T_world_camera (4,4) of the landscape camera at a frame."""
    t = frame / 30
    yaw = 0.6 * np.sin(0.7 * t) * (1 if lively else 0.3)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    place = np.array([(0.9 if lively else 0.05) * t, 0.2 * np.sin(0.5 * t), -1.55])
    body = STANCE.copy()
    body[[9, 10, 13, 14, 15, 16], 0] += np.array([.12, -.12, -.1, .1, -.22, .22]) * np.sin(6 * t)
    forward = turn @ np.array([np.cos(0.35), 0, -np.sin(0.35)])
    left = turn @ np.array([0., 1, 0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([np.cross(left, forward), left, forward], 1)
    pose[:3, 3] = turn @ np.array([.1, 0, 1.64]) + place
    return body @ turn.T + place, pose


def transformed(move: np.ndarray):
    """A ``wearer`` whose world is moved by the rigid transform ``move (4,4)``."""
    def moved(frame, lively):
        joints, pose = wearer(frame, lively)
        return joints @ move[:3, :3].T + move[:3, 3], move @ pose
    return moved


def write_dataset(root, frames: int = 200, wearer=wearer):
    """Write the data set; returns the private truth of the test split."""
    takes, truth, template = [], {}, {}
    for seed, (split, scenario, task) in enumerate(PLAN):
        rng = np.random.default_rng(seed)
        uid, name = str(uuid.UUID(bytes=rng.bytes(16), version=4)), f'synth_{scenario}_{seed:02d}_1'
        lively = scenario in ('basketball', 'dance', 'soccer')
        extrinsics, manual, automatic, rows = {}, {}, {}, {}
        for f in range(frames):
            joints, pose = wearer(f, lively)
            if not (split == 'train' and f == 51):  # a hole in the camera track
                extrinsics[str(f)] = np.linalg.inv(pose)[:3].tolist()
            noisy = joints + rng.normal(0, 0.02, joints.shape)
            automatic[str(f)] = [dict(annotation3D=_labels(noisy, range(17), rng), annotation2D={})]
            if f >= 12 and f % 3 == 0 and not 150 <= f < 162:
                kept = [j for j in rng.permutation(17) if rng.random() > 0.08]
                manual[str(f)] = [dict(annotation3D=_labels(joints, kept, rng), annotation2D={}),
                                  dict(annotation3D=_labels(joints + 9, kept, rng))]  # a second rater
                row = np.full((17, 3), np.nan)
                row[kept] = joints[kept]
                rows[str(f)] = row.tolist()
        manual[str(frames - 1)] = [dict(annotation3D={})]
        manual[str(frames)] = []
        base = root / 'annotations' / 'ego_pose' / split
        _dump(base / 'camera_pose' / f'{uid}.json', dict(
            metadata=dict(take_name=name, take_uid=uid),
            cam01=dict(camera_extrinsics=np.eye(4)[:3].tolist(), distortion_coeffs=[0.0] * 4),
            aria01=dict(camera_intrinsics=np.eye(3).tolist(), camera_extrinsics=extrinsics)))
        if split == 'test':
            template[uid] = dict(take_name=f'takes/{name}', body={f: [] for f in rows})
            truth[uid] = dict(take_name=f'takes/{name}', body=rows)
        else:
            _dump(base / 'body' / 'annotation' / f'{uid}.json', manual)
            _dump(base / 'body' / 'automatic' / f'{uid}.json', automatic)
        takes.append(dict(take_uid=uid, take_name=name, root_dir=f'takes/{name}', task_id=task))
    _dump(root / 'takes.json', takes)
    _dump(root / 'dummy_test.json', template)
    return truth


def _labels(joints, kept, rng):
    return {JOINTS[j]: dict(zip('xyz', map(float, joints[j])), num_views_for_3d=int(rng.integers(2, 6))) for j in kept}


def _dump(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


STRIDED = dict(type='StridedWindows', num_frames=20, frame_step=3)


def pipeline(feature='gravity_aligned', frame='heading', **pack):
    return [dict(type='TargetFrame', frame=frame), dict(type='HeadPoseFeatures', kind=feature),
            dict(type='PackInputs', **pack)]


def build(root, split='train', windows=STRIDED, steps=None, **kwargs):
    return EgoExo4DBodyDataset(str(root), split, windows, steps or pipeline(), **kwargs)


def everything(dataset):
    return dataset.__getitems__(range(len(dataset)))


def scored_frames(dataset, sequence):
    """Frame numbers of the windows of a sequence."""
    own = dataset.windows.ends[dataset.windows.sequence == sequence]
    return dataset.store.frame_ids(own, sequence)
