"""Invented bodies: recorded ones, and files in the layout of the official ones."""
from pathlib import Path

import numpy as np
import torch

from mmegopose.body_models import BodyArrays
from mmegopose.geometry.rotations import so3_exp

DATA = Path(__file__).parents[1] / 'data'


def tiny_body():
    """Recorded body of 6 joints and 30 vertices; the recording."""
    data = np.load(DATA / 'lbs_tiny.npz')
    tree = np.stack([data['parents'], np.arange(6)])
    return BodyArrays('tiny', data['v_template'], data['shapedirs'], data['J_regressor'], data['weights'], tree,
                      np.zeros((0, 3), int), data['posedirs'].T.reshape(30, 3, 45)), data


def mano_arrays():
    """Arrays of an invented MANO file; the recording."""
    data = np.load(DATA / 'mano_layer_synthetic.npz')
    names = ('v_template', 'shapedirs', 'posedirs')
    return dict(**{name: data[f'{name}_i8'] * 1e-3 for name in names}, J_regressor=data['J_regressor'],
                weights=data['weights'], kintree_table=data['kintree_table'], f=data['faces'].astype(np.uint32),
                hands_mean=data['hands_mean']), data


def smpl_arrays(num_joints: int = 24, seed: int = 0):
    """Arrays of an invented SMPL file (52 joints: SMPL-H)."""
    rng = np.random.default_rng(seed)
    parents = np.array([2 ** 32 - 1, *(joint // 2 for joint in range(num_joints - 1))], dtype=np.uint32)
    return dict(v_template=rng.normal(size=(6890, 3)), shapedirs=rng.normal(size=(6890, 3, 12)) * 0.01,
                J_regressor=rng.dirichlet(np.full(6890, 0.01), num_joints),
                weights=rng.dirichlet(np.full(num_joints, 0.1), 6890),
                kintree_table=np.stack([parents, np.arange(num_joints, dtype=np.uint32)]),
                f=rng.integers(0, 6890, (7, 3)))


def random_input(model, batch: int = 2, angle: float = 0.5, seed: int = 0, dtype=torch.float32):
    """``global_orient, pose, betas`` for a model."""
    generator = torch.Generator().manual_seed(seed)
    rotation = so3_exp(angle * torch.randn(batch, model.num_joints, 3, generator=generator, dtype=dtype))
    return rotation[:, :1], rotation[:, 1:], torch.randn(batch, model.num_betas, generator=generator, dtype=dtype)
