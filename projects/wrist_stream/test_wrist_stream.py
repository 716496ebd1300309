from pathlib import Path

import pytest
import torch

from mmegopose.engine.config import load_config
from mmegopose.registry import DATASETS, MODELS, TRANSFORMS
from mmegopose.structures import mirror_stream
from mmegopose.testing import check_module

CONFIG = Path(__file__).parent / 'wrist_vit.py'
VIT = dict(type='ViT', embed=dict(type='ThreePointEmbed', in_dim=5), embed_dim=16, depth=2, num_heads=4)
STREAMS = dict(streams=('head_pose', 'three_points'), masks=('valid', 'three_points_detected'))


@pytest.fixture(scope='module')
def config():
    return load_config(CONFIG)


def batch(dataset, **options):
    return DATASETS.build(dataset | options).__getitems__(range(0, 500, 100))


def test_contracts():
    check_module(dict(type='ThreePointEmbed', in_dim=5, embed_dim=16))
    check_module(VIT, **STREAMS)
    check_module(dict(type='HeadToken'), sizes=dict(N=3))


def test_stream_of_the_labels(config):
    """Without losses and augmentation, the newest wrists are those of the target: its frame is the heading's, too."""
    step = dict(type='AddThreePoints', lost_frames=0, lost_hands=0)
    data = batch(config.val_dataloader.dataset, pipeline=[step, *config.target])
    points, detected = (data['inputs'][key] for key in ('three_points', 'three_points_detected'))
    wrists, visible = (data['data_samples'].get(key)[:, -1, [9, 10]] for key in ('joints', 'visible'))
    assert torch.equal(detected[:, -1, 1:], visible) and detected[..., 0].all() and visible.any()
    torch.testing.assert_close(points[:, -1, 1:][visible], wrists[visible], atol=1e-5, rtol=0)
    torch.testing.assert_close(points[:, -1, 0], torch.zeros(5, 3))
    assert (points[~detected] == 0).all()


def test_hands_and_frames_are_lost(config):
    def share(**lost):
        step = dict(type='AddThreePoints', **dict(dict(lost_frames=0, lost_hands=0), **lost))
        data = batch(config.train_dataloader.dataset, pipeline=[step, *config.target])
        return data['inputs']['three_points_detected'][..., 1:].float()

    everything = share()
    assert 0 < share(lost_frames=0.5).mean() < everything.mean()
    hands = share(lost_hands=0.5)
    assert {tuple(x) for x in hands.unique(dim=1)[:, 0].tolist()} - {(1.0, 1.0)}
    assert share(lost_hands=1).sum() == 0


def test_a_lost_wrist_is_not_looked_at(config):
    torch.manual_seed(0)
    model = MODELS.build(config.model).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    inputs = batch(config.val_dataloader.dataset)['inputs']
    seen = inputs['three_points_detected']
    assert (~seen).any()
    tokens = model.backbone(inputs)
    moved = dict(inputs, three_points=torch.where(seen[..., None], inputs['three_points'], 3.0))
    torch.testing.assert_close(model.backbone(moved)[seen], tokens[seen])
    moved = dict(inputs, three_points=inputs['three_points'] + 1)
    assert (model.backbone(moved) - tokens)[seen].abs().max() > 0.01


def test_mirror():
    points = torch.arange(9.).reshape(1, 1, 3, 3)
    mirrored = mirror_stream('three_points', points, [])
    assert mirrored.tolist() == [[[[0, -1, 2], [6, -7, 8], [3, -4, 5]]]]
    detected = torch.tensor([[[True, True, False]]])
    assert mirror_stream('three_points_detected', detected, []).tolist() == [[[True, False, True]]]


def test_mistakes_are_told(config):
    with pytest.raises(ValueError, match="labels of all 20 frames: target_frames='all'"):
        batch(config.val_dataloader.dataset, target_frames='last')
    with pytest.raises(ValueError, match='before TargetFrame'):
        TRANSFORMS.build(config.points)(dict())


def test_training(config):
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.parse_losses(model(**batch(config.train_dataloader.dataset), mode='loss'))[0].backward()
    assert all(p.grad is not None for p in model.parameters())
