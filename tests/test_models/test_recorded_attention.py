import pytest
import torch

from mmegopose.models.layers import Attention, Block, record_attention
from mmegopose.registry import BACKBONES, NECKS


def plain(q, k, scale, allowed):
    scores = torch.einsum('bhnd,bhld->bhnl', q, k) * scale
    scores = torch.where(allowed, scores, torch.full_like(scores, -1e30)).exp()
    return scores / scores.sum(-1, keepdim=True)


@pytest.mark.parametrize(('is_causal', 'scale'), [(False, None), (True, None), (False, 0.3)])
def test_weights_are_a_plain_softmax(is_causal, scale):
    torch.manual_seed(0)
    attention = Attention(32, 4, scale=scale).eval()
    x, mask = torch.randn(3, 7, 32), torch.rand(3, 1, 7, 7) > 0.3
    mask = mask | torch.eye(7, dtype=torch.bool)
    allowed = torch.ones(7, 7, dtype=torch.bool).tril().expand(3, 4, 7, 7) if is_causal else mask.expand(3, 4, 7, 7)
    with torch.no_grad(), record_attention(attention) as weights:
        given = attention(x, mask=None if is_causal else mask, is_causal=is_causal)
    assert torch.equal(given, attention(x, mask=None if is_causal else mask, is_causal=is_causal))
    q, k, v = attention.qkv(x).view(3, 7, 3, 4, 8).permute(2, 0, 3, 1, 4)
    (found,) = weights['']
    expected = plain(q, k, 8 ** -0.5 if scale is None else scale, allowed)
    assert (found - expected).abs().max() < 1e-6
    assert (found.sum(-1) - 1).abs().max() < 1e-6 and not found[~allowed].any()
    again = attention.proj((expected @ v).transpose(1, 2).flatten(2))
    assert (again - given).abs().max() < 1e-5


def test_cross_attention_in_bf16_is_recorded_in_float32():
    attention = Attention(16, 2, context_dim=24).bfloat16()
    with record_attention(attention) as weights:
        attention(torch.randn(2, 3, 16).bfloat16(), torch.randn(2, 5, 24).bfloat16())
    assert weights[''][0].shape == (2, 2, 3, 5) and weights[''][0].dtype == torch.float32
    assert (weights[''][0].sum(-1) - 1).abs().max() < 1e-6


def test_both_halves_of_stc_are_recorded():
    neck = NECKS.build(dict(type='STC', embed_dim=32, depth=2, num_heads=2, parts=None)).eval()
    tokens = torch.randn(2, 9, 5, 32)
    with torch.no_grad(), record_attention(neck, ['blocks.1.attn']) as weights:
        inside = neck(tokens)
    assert [tuple(one.shape) for one in weights['blocks.1.attn']] == [(2 * 9, 2, 5, 5), (2 * 5, 2, 9, 9)]
    assert list(weights) == ['blocks.1.attn'] and torch.equal(inside, neck(tokens))


def test_images_of_extpose_look_at_each_other():
    model = BACKBONES.build(dict(type='ExtPose', arch='tiny', embed=dict(type='PatchEmbed', img_size=(32, 32)))).eval()
    with torch.no_grad(), record_attention(model) as weights:
        model(dict(image=torch.randn(2, 1, 3, 32, 32), pose_image=torch.randn(2, 1, 3, 32, 32)))
    first = weights['blocks.0.attn'][0]
    assert first.shape[0] == 2 and first.shape[2:] == (8, 8) and first[:, :, :4, 4:].sum() > 0


def test_model_is_as_before_also_after_an_error():
    block = Block(16, 2)
    with pytest.raises(RuntimeError, match='inside'), record_attention(block) as weights:
        block(torch.randn(1, 3, 16))
        raise RuntimeError('inside')
    block(torch.randn(1, 3, 16))
    assert len(weights['attn']) == 1 and 'attend' not in block.attn.__dict__


def test_unknown_layers_are_named():
    with pytest.raises(ValueError, match=r"\['blocks.7'\] has no attention to record; layers that have: \['attn'\]"):
        record_attention(Block(16, 2), ['blocks.7']).__enter__()
    with pytest.raises(ValueError, match='the model has no attention to record'):
        record_attention(torch.nn.Linear(2, 2)).__enter__()
