from pathlib import Path

import pytest
import torch
from helpers.lifting_fixture import humaneva, write_humaneva
from helpers.lifting_parity import lifter, official_keys, recorded, shapes

from mmegopose.engine.config import load_config
from mmegopose.models.necks import MixSTE
from mmegopose.models.weights.mixste import mixste_from_official
from mmegopose.registry import DATASETS, MODELS

HUMANEVA_WEIGHTS = [1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4]  # run.py of the official code
CONFIGS = Path(__file__).parents[2] / 'configs/lifting'
SMALL = dict(embed_dim=16, depth=2, num_heads=4)


def neck(**kwargs):
    torch.manual_seed(0)
    model = MixSTE(**SMALL | kwargs).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_official_weights_give_the_official_output():
    weights, keypoints, joints = recorded('mixste_small')
    model = lifter(dict(type='MixSTE', embed_dim=48, depth=3, num_heads=4, num_frames=9), {}, dict(norm=True))
    for wrapped in (weights, dict(epoch=3, model_pos={f'module.{k}': v for k, v in weights.items()})):
        model.load_state_dict(mixste_from_official(wrapped), strict=True)
    torch.testing.assert_close(model(dict(keypoints=keypoints))['joints'], joints, atol=1e-5, rtol=0)


def test_default_is_the_published_model():
    with torch.device('meta'):
        model = lifter(dict(type='MixSTE', embed_dim=512), {}, dict(norm=True))
    assert sum(p.numel() for p in model.parameters()) == 33_783_811
    assert shapes(mixste_from_official(official_keys('mixste'))) == shapes(model.state_dict())


def test_foreign_keys_are_listed():
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['head.2.weight'\]"):
        mixste_from_official({'head.2.weight': torch.zeros(1), 'head.0.bias': torch.zeros(1)})


def test_one_token_per_frame():
    model = neck(num_tokens=1, num_frames=7)
    x = torch.randn(2, 7, 1, 16)
    y = model(x)
    assert y.shape == x.shape
    x[:, 0] = torch.randn(2, 1, 16)
    assert (model(x) - y)[:, 6].abs().max() > 1e-3  # frames are mixed


def test_windows_of_another_length():
    fixed, free = neck(num_frames=8), neck(num_frames=8, resample_frames=True)
    x = torch.randn(2, 8, 17, 16)
    torch.testing.assert_close(free(x), fixed(x))
    with pytest.raises(ValueError, match=r'num_frames=8, the window has 5 frames.*resample_frames=True'):
        fixed(x[:, :5])
    for length in (1, 5, 20):
        assert free(x[:, :1].repeat(1, length, 1, 1)).shape == (2, length, 17, 16)
    ramp = torch.arange(8.)[None, :, None].expand(1, 8, 16)
    free.frame_pos.data.copy_(ramp)
    torch.testing.assert_close(free._frame_pos(4)[0, :, 0], torch.tensor([0.5, 2.5, 4.5, 6.5]))


def test_wrong_number_of_tokens():
    with pytest.raises(ValueError, match='num_tokens=17, got 21 tokens per frame'):
        neck(num_frames=4)(torch.zeros(1, 4, 21, 16))


def test_the_humaneva_recipe_trains(tmp_path):
    write_humaneva(tmp_path, *humaneva(tmp_path))
    config = load_config(CONFIGS / 'mixste_43_humaneva.py', dict(data_root=str(tmp_path)))
    data = DATASETS.build(dict(
        config.train_dataloader.dataset, subjects=('S1', 'S2'), cache_dir=str(tmp_path / 'cache')))
    batch = data.__getitems__([0, 1])
    assert batch['inputs']['keypoints'].shape == (2, 43, 15, 2)
    model = MODELS.build(dict(config.model, neck=dict(config.model.neck, depth=1)))
    losses = model(batch['inputs'], batch['data_samples'], mode='loss')
    assert set(losses) == {'loss_mpjpe', 'loss_smooth', 'loss_velocity'} and sum(losses.values()).isfinite()
    assert model.losses['mpjpe'].joint_weights.flatten().tolist() == HUMANEVA_WEIGHTS
