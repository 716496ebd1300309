import pytest
import torch

from mmegopose.models.layers import Attention, Block

LOWER = torch.ones(50, 50, dtype=torch.bool).tril()


@pytest.mark.parametrize('scale', [None, 0.2])
@pytest.mark.parametrize('masks', [{}, dict(mask=LOWER), dict(is_causal=True)])
def test_attention_in_bfloat16_agrees_with_float32(masks, scale):
    torch.manual_seed(0)
    attn, x = Attention(64, 4, scale=scale), torch.randn(6, 50, 64, requires_grad=True)
    full = attn(x, **masks)
    with torch.autocast('cpu', torch.bfloat16):
        low = attn(x, **masks)
    assert low.dtype == torch.bfloat16
    assert (low - full).norm() < 0.02 * full.norm()
    wanted, = torch.autograd.grad(full.square().sum(), x)
    got, = torch.autograd.grad(low.float().square().sum(), x)
    assert (got - wanted).norm() < 0.03 * wanted.norm()


def test_attention_drops_in_bfloat16():
    attn, x = Attention(64, 4, attn_drop=0.5).bfloat16(), torch.randn(6, 50, 64).bfloat16()
    assert not torch.equal(attn(x), attn(x))
    assert torch.equal(attn.eval()(x), attn(x))


@pytest.mark.parametrize('head_dim', [None, 5])
def test_cross_attention_is_attention_to_a_context(head_dim):
    """With the context itself as queries and the same weights, cross-attention is self-attention."""
    torch.manual_seed(0)
    own, cross = Attention(8, 2, head_dim), Attention(8, 2, head_dim, context_dim=8)
    for kind in ('weight', 'bias'):
        weights = getattr(own.qkv, kind).tensor_split([2 * (head_dim or 4)])
        for layer, value in zip((cross.q, cross.kv), weights):
            getattr(layer, kind).data.copy_(value)
        getattr(cross.proj, kind).data.copy_(getattr(own.proj, kind))
    x = torch.randn(3, 7, 8)
    torch.testing.assert_close(cross(x, x), own(x))
    torch.testing.assert_close(cross(x[:, :2], x), own(x)[:, :2])  # as many queries as one likes
    seen = torch.rand(3, 1, 7, 7) > 0.3
    torch.testing.assert_close(cross(x, x, mask=seen), own(x, mask=seen))
    with torch.autocast('cpu', torch.bfloat16):
        assert (cross(x, x) - own(x)).abs().max() < 0.02


def test_a_context_needs_a_module_for_it():
    x = torch.randn(1, 3, 8)
    with pytest.raises(ValueError, match='is built without context_dim, and called with a context'):
        Attention(8, 2)(x, x)
    with pytest.raises(ValueError, match='is built with context_dim, and called without a context'):
        Attention(8, 2, context_dim=8)(x)


def test_layer_scale_starts_small_and_learns():
    plain, scaled = Block(8, 2), Block(8, 2, layer_scale=1e-5)
    x = torch.randn(2, 5, 8)
    assert (plain(x) - x).abs().max() > 1e-2
    torch.testing.assert_close(scaled(x), x, atol=1e-4, rtol=0)
    scaled(x).square().sum().backward()
    assert scaled.ls1.gamma.grad.abs().sum() > 0 and scaled.ls2.gamma.grad.abs().sum() > 0
    assert not [key for key in plain.state_dict() if 'ls' in key]


def test_attention_trains_in_double_precision():
    attn, x = Attention(8, 2).double(), torch.randn(1, 5, 8, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(attn, x)
