"""Official lifting models: recorded outputs and the keys of their weights."""
import json
from pathlib import Path

import numpy as np
import torch

import mmegopose.models  # noqa: F401
from mmegopose.registry import MODELS

DATA = Path(__file__).parents[1] / 'data'


def lifter(neck: dict, embed: dict, head: dict):
    """Joint embedding, neck and per-joint head."""
    dim = neck['embed_dim']
    return MODELS.build(dict(
        type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=2, embed_dim=dim) | embed, neck=neck,
        head=dict(type='JointHead', embed_dim=dim, hidden_dims=(), per_joint=True, output='all') | head)).eval()


def recorded(name: str):
    """Official weights, input and output of a small model."""
    data = np.load(DATA / f'{name}.npz')
    weights = {key[3:]: torch.from_numpy(data[key]) for key in data.files if key.startswith('sd/')}
    return weights, torch.from_numpy(data['input']), torch.from_numpy(data['output'])


def official_keys(name: str) -> dict:
    """Empty tensors under the keys of a full-size official checkpoint."""
    shapes = json.loads((DATA / 'lifting_state_dicts.json').read_text())[name]
    return {key: torch.empty(shape, device='meta') for key, shape in shapes.items()}


def shapes(state_dict: dict) -> dict:
    return {key: tuple(value.shape) for key, value in state_dict.items()}
