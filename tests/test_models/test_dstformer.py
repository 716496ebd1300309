import pytest
import torch
from helpers.lifting_parity import lifter, official_keys, recorded, shapes

from mmegopose.models.necks import DSTformer
from mmegopose.models.weights.motionbert import motionbert_from_official

EMBED = dict(in_dim=3)


def head(dim):
    return dict(hidden_dims=(dim,), act='tanh', norm=True, norm_eps=1e-6)


def test_official_weights_give_the_official_output():
    """Nine frames, with a table of twelve positions."""
    weights, keypoints, joints = recorded('motionbert_small')
    model = lifter(dict(type='DSTformer', embed_dim=48, depth=2, num_heads=4, num_frames=12), EMBED, head(40))
    for wrapped in (weights, dict(epoch=3, model_pos={f'module.{k}': v for k, v in weights.items()})):
        model.load_state_dict(motionbert_from_official(wrapped), strict=True)
    torch.testing.assert_close(model(dict(keypoints=keypoints))['joints'], joints, atol=1e-6, rtol=0)


@pytest.mark.parametrize('name, size, parameters', [
    ('motionbert', dict(embed_dim=512), 42_466_317),
    ('motionbert_lite', dict(embed_dim=256, mlp_ratio=4), 16_001_549)])
def test_defaults_are_the_published_models(name, size, parameters):
    with torch.device('meta'):
        model = lifter(dict(type='DSTformer', **size), EMBED, head(512))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert shapes(motionbert_from_official(official_keys(name))) == shapes(model.state_dict())


def test_streams_start_equal_and_weights_small():
    neck = DSTformer(32, 2, 4, num_frames=5)
    for level in neck.levels:
        assert level.weigh.weight.abs().max() == 0 and (level.weigh.bias == 0.5).all()
        assert level.token_first.attn.qkv.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert neck.frame_pos.std().item() == pytest.approx(0.02, rel=0.3)
    neck.init_weights()
    assert neck.levels[0].weigh.weight.abs().max() == 0


def test_windows_up_to_the_position_table():
    neck = DSTformer(16, 1, 4, num_frames=6).eval()
    for frames in (1, 4, 6):
        assert neck(torch.randn(2, frames, 17, 16)).shape == (2, frames, 17, 16)
    with pytest.raises(ValueError, match='num_frames=6, the window has 7 frames; cut windows of at most 6'):
        neck(torch.zeros(1, 7, 17, 16))
    with pytest.raises(ValueError, match='num_tokens=17, got 21 tokens per frame'):
        neck(torch.zeros(1, 4, 21, 16))


def test_foreign_keys_are_listed():
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['tail.weight'\]"):
        motionbert_from_official({'tail.weight': torch.zeros(1), 'head.bias': torch.zeros(3)})
    assert set(motionbert_from_official({'tail.weight': torch.zeros(1)}, strict=False)) == {'tail.weight'}
