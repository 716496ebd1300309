from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.lifting_parity import DATA, lifter, official_keys, recorded, shapes

from mmegopose.engine.config import load_config
from mmegopose.models.necks import STC
from mmegopose.models.weights.stcformer import stcformer_from_official
from mmegopose.registry import MODELS
from mmegopose.structures import PoseDataSample, get_skeleton

CONFIGS = Path(__file__).parents[2] / 'configs/lifting'

EMBED, HEAD = dict(bias=False, act='gelu'), dict(bias=False)
MPI = dict(num_heads=4, parts='mpi_inf_3dhp17')


@pytest.mark.parametrize('name, neck', [('stcformer_small', {}),
                                        ('stcformer_3dhp_small', dict(attn_scale=48 ** -0.5, **MPI))])
def test_official_weights_give_the_official_output(name, neck):
    weights, keypoints, joints = recorded(name)
    model = lifter(dict(type='STC', embed_dim=48, depth=2, **neck), EMBED, HEAD)
    metres = lifter(dict(type='STC', embed_dim=48, depth=2, **neck), EMBED, HEAD | dict(scale=1e-3))
    for wrapped in (weights, {f'module.{k}': v for k, v in weights.items()}):
        model.load_state_dict(stcformer_from_official(wrapped), strict=True)
    torch.testing.assert_close(model(dict(keypoints=keypoints))['joints'], joints, atol=1e-5, rtol=0)
    metres.load_state_dict(stcformer_from_official(weights), strict=True)
    torch.testing.assert_close(metres(dict(keypoints=keypoints))['joints'], joints / 1000, atol=1e-8, rtol=0)


def test_three_steps_of_the_3dhp_recipe_are_the_official_ones():
    """Without dropout, which both draw in their own way. The official code trains in millimetres."""
    config, official = load_config(CONFIGS / 'stcformer_27_3dhp.py'), np.load(DATA / 'stcformer_3dhp_training.npz')
    options = dict(config.model, test_cfg=None)
    options['backbone'] = dict(options['backbone'], embed_dim=48)
    options['neck'] = dict(options['neck'], embed_dim=48, depth=2, drop_rate=0, part_drop_rate=0, attn_scale=48 ** -.5)
    options['head'] = dict(options['head'], embed_dim=48)
    model = MODELS.build(options)
    weights, keypoints, _ = recorded('stcformer_3dhp_small')
    model.load_state_dict(stcformer_from_official(weights))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    sample = PoseDataSample()
    sample.joints = torch.from_numpy(official['target']) / 1000
    sample.visible = torch.ones(sample.joints.shape[:3], dtype=torch.bool)
    optimizer = dict(config.optim_wrapper.optimizer)
    step = getattr(torch.optim, optimizer.pop('type'))(model.train().parameters(), **optimizer)
    for loss in official['losses']:
        found = sum(model(dict(keypoints=keypoints), sample, mode='loss').values())
        assert found.item() == pytest.approx(loss, rel=1e-6)
        step.zero_grad()
        found.backward()
        step.step()
    wanted = stcformer_from_official({key[3:]: torch.from_numpy(official[key]) for key in official if key[:3] == 'sd/'})
    assert len(wanted) == 24
    for key, after in wanted.items():
        rows = slice(1, None) if key.endswith('part_embed.weight') else slice(None)  # the official row 0 never learns
        moved, official_move = (value[rows] - before[key][rows] for value in (model.state_dict()[key], after))
        assert official_move.norm() > 0
        if not key.endswith('qkv.bias'):  # keys need no bias: its gradient is rounding
            torch.testing.assert_close(moved, official_move, atol=1e-6, rtol=0, msg=lambda text, key=key: key + text)


@pytest.mark.parametrize('name, dim, size', [('stcformer', 256, 4_748_000), ('stcformer_l', 512, 18_933_184)])
def test_defaults_are_the_published_models(name, dim, size):
    with torch.device('meta'):
        model = lifter(dict(type='STC', embed_dim=dim), EMBED, HEAD)
    assert sum(p.numel() for p in model.parameters()) == size
    assert shapes(stcformer_from_official(official_keys(name))) == shapes(model.state_dict())


def test_foreign_keys_are_listed():
    with pytest.raises(ValueError, match=r"1 keys are not of this model: \['pose_emb.bias'\]"):
        stcformer_from_official({'pose_emb.weight': torch.zeros(1), 'pose_emb.bias': torch.zeros(1)})


@pytest.mark.parametrize('frames', [1, 5, 30])
def test_one_token_per_frame_and_any_length(frames):
    x = torch.randn(2, frames, 1, 16)
    assert STC(16, 2, 4, parts=None).eval()(x).shape == x.shape
    joints = torch.randn(2, frames, 17, 16)
    assert STC(16, 2, 4).eval()(joints).shape == joints.shape


def test_part_embedding_is_dropped_per_sample():
    torch.manual_seed(0)
    attn = STC(16, 1, 4, drop_rate=0.0, part_scale=1.0).blocks[0].attn
    x = torch.randn(1, 3, 17, 16).repeat(64, 1, 1, 1)
    kept, dropped = attn.eval()(x)[0], attn.train()(x)
    attn.part_embed.weight.data.zero_()
    without = attn(x)[0]
    off = (dropped - without).flatten(1).abs().amax(1) < 1e-5
    assert 16 < off.sum() < 48
    torch.testing.assert_close(dropped[~off][0] - without, 2 * (kept - without), atol=1e-5, rtol=0)


def test_coco_parts_keep_left_and_right_apart():
    flip = torch.tensor(get_skeleton('coco17').flip)
    parts = STC(16, 1, 4, parts='coco17').blocks[0].attn.parts
    mirrored = torch.tensor([0, 2, 1, 4, 3])
    assert torch.equal(parts[flip], mirrored[parts])


@pytest.mark.parametrize('kwargs, message', [
    (dict(parts='hand21'), r"parts='hand21'.*'h36m17', 'mpi_inf_3dhp17', 'coco17'"),
    (dict(embed_dim=20, num_heads=4), r'embed_dim=20 is not a multiple of 2 \* num_heads=8')])
def test_wrong_arguments_say_what_is_right(kwargs, message):
    with pytest.raises(ValueError, match=message):
        STC(**kwargs)


def test_tokens_that_are_no_joints_need_no_parts():
    with pytest.raises(ValueError, match='parts for 17 tokens per frame, got 1; .*parts=None'):
        STC(16, 1, 4)(torch.zeros(1, 2, 1, 16))
