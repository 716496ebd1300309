"""From files to predictions in the world: nothing depends on where the world's origin and heading lie."""
import copy

import numpy as np
import torch
from helpers.egoexo_fixture import transformed, write_dataset

import mmegopose.models  # noqa: F401
from mmegopose.datasets import EgoExo4DBodyDataset
from mmegopose.geometry.rigid import apply_rigid
from mmegopose.geometry.rotations import yaw_matrix
from mmegopose.registry import MODELS

MODEL = dict(
    type='PoseEstimator', embed=dict(type='TrajectoryEmbed', in_dim=16, embed_dim=32),
    branches={name: dict(backbone=dict(type='ViT', embed_dim=32, depth=2, num_heads=4, zero_init_residual=False),
                         head=dict(type='JointHead', embed_dim=32)) for name in ('coarse', 'fine')},
    fusion=dict(type='WeightedFusion', weights=dict(coarse=0.1, fine=0.9)))


def predict(root, frame):
    dataset = EgoExo4DBodyDataset(str(root), 'val', dict(type='StridedWindows'), [
        dict(type='TargetFrame', frame=frame), dict(type='HeadPoseFeatures'), dict(type='PackInputs')])
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(MODEL)).eval()
    batch = dataset.__getitems__(range(len(dataset)))
    with torch.no_grad():
        return model(**batch, mode='predict')[0]


def test_predictions_move_with_the_world(egoexo, tmp_path):
    move = torch.eye(4, dtype=torch.float64)
    move[:3, :3] = yaw_matrix(torch.tensor(-2.5, dtype=torch.float64))
    move[:3, 3] = torch.tensor([20.0, -7.0, 3.0])
    write_dataset(tmp_path, wearer=transformed(move.numpy()))
    for frame in ('camera', 'heading'):
        here, there = predict(egoexo, frame), predict(tmp_path, frame)
        torch.testing.assert_close(there.pred_joints, here.pred_joints, atol=1e-5, rtol=0)
        world = apply_rigid(here.T_world_target, here.pred_joints.double())
        moved = apply_rigid(there.T_world_target, there.pred_joints.double())
        np.testing.assert_allclose(moved, apply_rigid(move, world), atol=2e-5)
