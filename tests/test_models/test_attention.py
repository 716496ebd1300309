import pytest
import torch

from mmegopose.models.layers import Attention

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
    attn, x = Attention(64, 4, attn_drop_rate=0.5).bfloat16(), torch.randn(6, 50, 64).bfloat16()
    assert not torch.equal(attn(x), attn(x))
    assert torch.equal(attn.eval()(x), attn(x))


def test_attention_trains_in_double_precision():
    attn, x = Attention(8, 2).double(), torch.randn(1, 5, 8, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(attn, x)
