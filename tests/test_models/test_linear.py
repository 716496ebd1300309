import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from mmegopose.models.layers import Linear


def kernels(layer, x):
    """Names of the operators that a call runs."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        layer(x)
    return {event.key for event in recorded.key_averages()}


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('shape', [(4096, 64), (3, 500, 17, 64)])
def test_inference_gives_the_output_of_training(shape, bias):
    layer, x = Linear(64, 96, bias), torch.randn(shape)
    strided = torch.randn(64, *shape[:-1]).movedim(0, -1)
    for values in (x, strided):
        with torch.no_grad():
            fast = layer(values)
        torch.testing.assert_close(fast, layer(values), atol=1e-5, rtol=0)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason='PyTorch without oneDNN')
def test_onednn_is_left_out_where_it_cannot_serve():
    layer, x, fast = Linear(64, 96), torch.randn(4096, 64), 'mkldnn::_linear_pointwise'
    with torch.no_grad():
        assert fast in kernels(layer, x)
        assert fast not in kernels(layer, x[:16])
        assert fast not in kernels(layer.double(), x.double())
        layer.float()
        with torch.backends.mkldnn.flags(enabled=False):
            assert fast not in kernels(layer, x)
        with torch.autocast('cpu', torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
            assert fast not in kernels(layer, x)
        traced = torch.jit.trace(layer, x)
    assert fast not in kernels(traced, x)
    assert fast not in kernels(layer, x)  # with gradients
    layer(x).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


