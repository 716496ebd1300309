"""Folders with tiny untrained models, as training writes them."""
import torch

from mmegopose.engine import load_config
from mmegopose.registry import MODELS

HEAD = "_base_ = 'mmegopose::head_pose/levelwise_vit_coarse_only.py'\nmodel = dict(backbone=dict(depth=1))\n"
LIFT = """
model = dict(
    type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim=3, embed_dim=16),
    neck=dict(type='STC', embed_dim=16, depth=1, num_heads=2),
    head=dict(type='JointHead', embed_dim=16, hidden_dims=(), per_joint=True, output='all'))
test_dataloader = dict(dataset=dict(type='MocapLiftingDataset', num_frames=9, confidence=True))
"""


def model_folder(folder, text):
    """A folder with the config ``text`` and a checkpoint of random weights."""
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(text)
    torch.manual_seed(0)
    model = MODELS.build(load_config(folder / 'config.py').model)
    torch.save(dict(state_dict=model.state_dict()), folder / 'x.pth')
    return folder
