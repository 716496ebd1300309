"""The head that corrects wrists that are seen."""
import pytest
import torch

from mmegopose.registry import MODELS
from mmegopose.structures import get_skeleton

LEFT, RIGHT = (get_skeleton('coco17').index(f'{side}-wrist') for side in ('left', 'right'))


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='WristHead', embed_dim=8, hidden_dims=(8,)) | options)


def streams():
    generator = torch.Generator().manual_seed(1)
    wrists = torch.randn(2, 5, 2, 3, generator=generator)
    detected = torch.ones(2, 5, 2, dtype=torch.bool)
    detected[0, -1, 0] = detected[1, -1, 1] = False
    wrists[~detected] = torch.nan
    return torch.randn(2, 5, 1, 8, generator=generator), dict(wrists=wrists, wrists_detected=detected)


def test_a_wrist_that_is_seen_is_the_place_and_its_correction():
    head, (tokens, inputs) = build(), streams()
    all_places = head.mlp(tokens[:, -1:]).reshape(2, 19, 3)
    joints = head(tokens, inputs)['joints'][:, 0]
    expected = all_places[:, :17].clone()
    expected[0, RIGHT] = inputs['wrists'][0, -1, 1] + all_places[0, 18]
    expected[1, LEFT] = inputs['wrists'][1, -1, 0] + all_places[1, 17]
    torch.testing.assert_close(joints, expected, rtol=0, atol=0)


def test_without_the_stream_all_joints_are_guessed():
    head, (tokens, inputs) = build(), streams()
    guessed = head(tokens, {})['joints']
    none = dict(inputs, wrists_detected=torch.zeros_like(inputs['wrists_detected']))
    torch.testing.assert_close(guessed, head(tokens, none)['joints'], rtol=0, atol=0)
    assert guessed.shape == (2, 1, 17, 3)


def test_a_stream_without_a_mask_is_always_seen():
    head, (tokens, inputs) = build(), streams()
    wrists = torch.nan_to_num(inputs['wrists'])
    joints = head(tokens, dict(wrists=wrists))['joints']
    changed = head(tokens, dict(wrists=wrists + 1))['joints']
    torch.testing.assert_close((changed - joints)[0, 0].norm(dim=-1).nonzero().flatten(), torch.tensor([LEFT, RIGHT]))


@pytest.mark.parametrize('options', [dict(output='all'), dict(per_joint=True)])
def test_only_the_newest_frame(options):
    with pytest.raises(ValueError, match="output='last'"):
        build(**options)
