"""Tiny data sets of random poses in the official layouts of the lifting benchmarks, and a store without files."""
import json

import numpy as np
import torch

from mmegopose.datasets import SequenceStore
from mmegopose.datasets.readers.lifting.videopose3d import read_cameras
from mmegopose.geometry import cameras as geometry
from mmegopose.structures import get_skeleton

SIZES = {'54138969': (1000, 1002), '55011271': (1000, 1000)}
SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def lifting_store(lengths=(60, 25, 8), joints=17, channels=2, visible=None, seed=0) -> SequenceStore:
    """Clips of random numbers; row r of the store is recognised by ``joints[r, 1, 1] == r``."""
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    frames = dict(keypoints=rng.uniform(-1, 1, (total, joints, channels)).astype(np.float32),
                  joints=rng.normal(0, 0.3, (total, joints, 3)).astype(np.float32))
    frames['joints'][:, 0] = 0
    frames['joints'][:, 1, 1] = np.arange(total)
    if visible is not None:
        frames['visible'] = visible
    sequences = [dict(uid=f'S1/Walk {i}/0', name=f'clip {i}', subject='S1', action='Walk', camera='0', fps=50.0)
                 for i in range(len(lengths))]
    return SequenceStore(np.cumsum([0, *lengths]), frames, sequences,
                         info=dict(dataset_name='toy', split='val', skeleton='h36m17'))


def poses(rng, frames: int, joints: int) -> np.ndarray:
    """``(F,J,3)`` float32, metres, of somebody near the origin."""
    walk = np.cumsum(rng.normal(0, 0.01, (frames, 1, 3)), 0)
    return (walk + rng.normal(0, 0.4, (joints, 3)) + rng.normal(0, 0.02, (frames, joints, 3))).astype(np.float32)


def write_cameras(path, subjects, sizes=None) -> dict:
    """Cameras that look at the origin from 5 m; returns what ``read_cameras`` makes of them."""
    content = {}
    for s, subject in enumerate(subjects):
        content[subject] = {}
        for c, (name, (width, height)) in enumerate((sizes or SIZES).items()):
            turn = 0.7 * c + 0.1 * s  # about the y axis
            content[subject][name] = dict(
                width=width, height=height, intrinsics=[1145., 1143, 512, 515, -.2, .24, -.003, -.001, -.0014],
                orientation=[np.cos(turn / 2), 0, np.sin(turn / 2), 0],
                translation=[-5 * np.sin(turn), 0, -5 * np.cos(turn)])
    path.write_text(json.dumps(content))
    return read_cameras(path)


def project(world: np.ndarray, camera) -> np.ndarray:
    seen = geometry.world_to_camera(torch.from_numpy(world).double(), camera.T_world_camera)
    return geometry.project(seen, camera.intrinsics).float().numpy()


H36M = dict(S1={'Walking': 30, 'Sitting 1': 1}, S5={'SittingDown': 12}, S6={'TakingPhoto 1': 9}, S7={'Eating': 7},
            S8={'Eating 1': 5}, S9={'Walking': 40, 'Sitting': 21, 'SittingDown 2': 11}, S11={'Walking 1': 33})


def h36m(root):
    """``(positions_3d, positions_2d, metadata)`` of a tiny Human3.6M; writes the cameras."""
    rng = np.random.default_rng(0)
    cameras = write_cameras(root / 'cameras_h36m.json', H36M)
    keep = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    world = {s: {clip: poses(rng, n, 32) for clip, n in clips.items()} for s, clips in H36M.items()}
    points = {s: {clip: [project(joints[:, keep], camera) for camera in cameras[s]] for clip, joints in clips.items()}
              for s, clips in world.items()}
    last = points['S9']['Sitting'][1]
    points['S9']['Sitting'][1] = np.concatenate([last, last[-4:]])  # videos go on after motion capture has ended
    points['S2'] = points['S3'] = {'Walking': points['S1']['Walking']}  # no 3D
    return world, points, dict(layout_name='h36m', num_joints=17, keypoints_symmetry=SYMMETRY)


def write_h36m(root, world, points, metadata, keypoints='gt'):
    np.savez_compressed(root / 'data_3d_h36m.npz', positions_3d=world)
    np.savez_compressed(root / f'data_2d_h36m_{keypoints}.npz', positions_2d=points, metadata=metadata)
    return root


def mpi_inf_3dhp():
    """``(train, test)`` contents of the two npz files, millimetres and pixels."""
    rng = np.random.default_rng(1)

    def view(frames, **more):
        joints = poses(rng, frames, 17) * 1000 + [0, 0, 4000]
        return dict(data_2d=rng.uniform(100, 1000, (frames, 17, 2)), data_3d=joints.astype(np.float32), **more)

    train = {'S1 Seq1': [{'0': view(20), '8': view(20)}, 25], 'S3 Seq2': [{'0': view(7)}, 50]}
    test = {f'TS{n}': view(10 + n, valid=(np.arange(10 + n) % 3 > 0).astype(float),
                           activity=np.arange(10 + n) % 7 + 1) for n in (1, 5)}
    return train, test


def write_3dhp(root, train, test):
    np.savez_compressed(root / 'data_train_3dhp.npz', data=train)
    np.savez_compressed(root / 'data_test_3dhp.npz', data=test)
    return root


def humaneva(root):
    """``(positions_3d, positions_2d, metadata)`` of a tiny HumanEva; writes the cameras."""
    rng = np.random.default_rng(2)
    cameras = write_cameras(root / 'cameras_humaneva.json', ['S1', 'S2'], {'C1': (640, 480), 'C2': (640, 480)})
    world = {f'{part}/{person}': {f'{action} 1 chunk{k}': poses(rng, 6 + k, 15) for action in ('Walking', 'Jog', 'Box')
                                  for k in (0, 2)} for part in ('Train', 'Validate') for person in ('S1', 'S2')}
    points = {s: {clip: [project(joints, camera) for camera in cameras[s.split('/')[1]]]
                  for clip, joints in clips.items()} for s, clips in world.items()}
    flip = get_skeleton('humaneva15').flip
    left = [j for j, name in enumerate(get_skeleton('humaneva15').joints) if 'left' in name]
    return world, points, dict(num_joints=15, keypoints_symmetry=[left, [flip[j] for j in left]])


def write_humaneva(root, world, points, metadata):
    np.savez_compressed(root / 'data_3d_humaneva15.npz', positions_3d=world)
    np.savez_compressed(root / 'data_2d_humaneva15_gt.npz', positions_2d=points, metadata=metadata)
    return root
