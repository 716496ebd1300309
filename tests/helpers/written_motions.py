"""Motions that writers are tried with, and where their joints are with y up."""
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mmegopose.body_models import SkinnedModel
from mmegopose.inference.meshes.full_camera import mirrored_rotations
from mmegopose.motion import Mesh, Motion

from .noisy_motion import TRUTH, motion

__all__ = ['holes', 'mesh_motion', 'real_motion', 'y_up']


def y_up(points):
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def real_motion(**kwargs):
    """Two hundred frames of real motion with a head track that looks along y."""
    pose = np.tile(np.eye(4), (len(TRUTH), 1, 1))
    pose[:, :3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    pose[:, :3, 3] = TRUTH[:, 0]
    return motion(TRUTH, head_pose=pose, **{'person': 'walker', **kwargs})[:200]


def holes():
    """Real motion without frames 50 to 69, and without the left wrist in frames 100 to 104."""
    whole = real_motion()
    valid = whole.valid.copy()
    valid[50:70], valid[100:105, 9] = False, False
    joints = np.where(valid[..., None], whole.joints, np.nan)
    return Motion(whole.time, joints, 'coco17', valid, person='walker', head_pose=whole.head_pose,
                  head_valid=valid.any(1), provenance=dict(recording='walk "1".csv'))


def mesh_motion(source='open_body', left=False, frames=6):
    """A body or hand that moves in camera axes, with the parameters of the open model that it is made of."""
    random = np.random.default_rng(1)
    model = SkinnedModel(source, joint_order='coco17' if source == 'open_body' else 'openpose')
    turns = Rotation.from_rotvec(random.normal(0, 0.3, (frames * model.num_joints, 3))).as_matrix()
    pose = torch.from_numpy(turns.reshape(frames, -1, 3, 3)).float()
    betas = torch.from_numpy(random.normal(0, 1, model.num_betas)).float().expand(frames, -1)
    place = torch.tensor([0.1, 0.2, 2.0]) + torch.arange(frames)[:, None] * 0.05
    made = {key: value.numpy() for key, value in model(pose[:, :1], pose[:, 1:], betas, place).items()}
    pose, faces, place = pose.numpy(), model.faces.numpy(), place.numpy()
    if left:  # as MeshInferencer: a left hand is the mirror image of a right one
        pose, faces = mirrored_rotations(pose), faces[:, ::-1].copy()
        made, place = {key: value * np.float32([-1, 1, 1]) for key, value in made.items()}, place * [-1, 1, 1]
    mesh = Mesh(made['vertices'], faces, source + ' (mirrored)' * left, dict(
        global_orient=pose[:, :1], body_pose=pose[:, 1:], betas=betas.numpy(), translation=place))
    return Motion(np.arange(frames) / 30, made['joints'], 'coco17' if source == 'open_body' else 'hand21',
                  frame='camera', person='body', mesh=mesh)
