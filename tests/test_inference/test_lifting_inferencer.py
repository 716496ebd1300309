"""Lifting of clips of any length."""
import numpy as np
import pytest
import torch

from mmegopose.geometry.cameras import screen_normalize
from mmegopose.inference import LiftingInferencer
from mmegopose.registry import MODELS

CONFIG = """
model = dict(
    type='PoseEstimator', backbone=dict(type='JointEmbed', in_dim={dim}, embed_dim=16),
    neck=dict(type='STC', embed_dim=16, depth=2, num_heads=2),
    head=dict(type='JointHead', embed_dim=16, hidden_dims=(), per_joint=True, output='all'),
    test_cfg=dict(flip='h36m17'))
test_dataloader = dict(dataset=dict(type='MocapLiftingDataset', num_frames=9, confidence={confidence}))
"""


@pytest.fixture(params=[2, 3])
def inferencer(request, tmp_path):
    path = tmp_path / 'lift.py'
    path.write_text(CONFIG.format(dim=request.param, confidence=request.param == 3))
    torch.manual_seed(0)
    from mmegopose.engine.config import load_config
    model = MODELS.build(load_config(path).model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'lift.pth')
    return LiftingInferencer(str(path), str(tmp_path / 'lift.pth'), device='cpu')


def clip(frames, channels=3):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(100, 900, (frames, 17, channels)).astype(np.float32)
    keypoints[..., 2:] = rng.uniform(0.5, 1, keypoints[..., 2:].shape)
    return keypoints


@pytest.mark.parametrize('frames', [1, 8, 9, 10, 40])
def test_every_frame_of_any_clip(inferencer, frames):
    poses = inferencer(clip(frames), (1000, 1000), batch_size=3)
    assert poses.shape == (frames, 17, 3) and np.isfinite(poses).all() and (poses[:, 0] == 0).all()


def test_one_window_is_one_forward_pass(inferencer):
    keypoints = clip(9)
    screen = np.concatenate([screen_normalize(keypoints[..., :2], 1000, 1000), keypoints[..., 2:]], -1)
    channels = inferencer.model.backbone.proj.in_features
    inputs = dict(keypoints=torch.from_numpy(screen[None, ..., :channels].astype(np.float32)))
    model = inferencer.model
    expected = model.flip.average(model(model.flip.double(inputs))['joints'])[0].detach()
    poses = inferencer(keypoints, (1000, 1000))
    np.testing.assert_allclose(poses, (expected - expected[:, :1]).numpy(), atol=1e-6)


def test_other_skeletons_are_converted(inferencer):
    assert inferencer(clip(5), (1000, 800), skeleton='coco17').shape == (5, 17, 3)
    with pytest.raises(KeyError, match='no conversion|unknown skeleton'):
        inferencer(clip(5), (1000, 800), skeleton='hand')


def test_wrong_keypoints_are_told(inferencer):
    with pytest.raises(ValueError, match=r'\(frames,joints,2\) or \(frames,joints,3\), got \(5, 17\)'):
        inferencer(np.zeros((5, 17)), (1000, 1000))
    with pytest.raises(ValueError, match='should be pixels of an image of 1000 x 1000'):
        inferencer(clip(5)[..., :2] / 1000, (1000, 1000))
    broken = clip(5)
    broken[3, 2, 0] = np.nan
    with pytest.raises(ValueError, match='keypoints of frame 3 are not finite.*confidence 0'):
        inferencer(broken, (1000, 1000))
