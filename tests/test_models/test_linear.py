import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from mmegopose.models.layers import Linear, Mlp, lay_out_for_single_windows


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




def test_weights_laid_out_for_single_windows_are_the_same_weights(tmp_path):
    torch.manual_seed(0)
    model, x = Mlp(64, 256), torch.randn(20, 64)
    before, expected = {name: value.clone() for name, value in model.state_dict().items()}, model(x)
    lay_out_for_single_windows(model)
    assert model.fc1.weight.stride() == (1, 256) and model.fc1.weight.shape == (256, 64)
    torch.testing.assert_close(model(x), expected, atol=1e-6, rtol=0)
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    for name, value in torch.load(tmp_path / 'model.pth').items():
        assert torch.equal(value, before[name])
    model(x).sum().backward()
    assert model.fc2.weight.grad.abs().sum() > 0
