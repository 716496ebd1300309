import torch

from mmegopose.engine.optim import SquaredLossOptimWrapper
from mmegopose.registry import OPTIM_WRAPPERS


def wrapper(parameter, **kwargs):
    return OPTIM_WRAPPERS.build(dict(type='SquaredLossOptimWrapper', optimizer=torch.optim.SGD([parameter], 0.1),
                                     **kwargs))


def test_gradient_is_that_of_the_official_backward():
    """The official code calls ``loss.backward(gradient=loss.detach())``."""
    start = torch.randn(5)
    official, ours = (start.clone().requires_grad_() for _ in range(2))
    loss = official.square().sum().sqrt() * 3
    loss.backward(gradient=loss.detach())
    step = wrapper(ours)
    assert isinstance(step, SquaredLossOptimWrapper)
    step.update_params(ours.square().sum().sqrt() * 3)
    torch.testing.assert_close(ours.detach(), start - 0.1 * official.grad)


def test_accumulated_batches_are_averaged():
    start = torch.randn(3)
    whole, parts = (start.clone().requires_grad_() for _ in range(2))
    (sum((scale * whole).abs().sum() ** 2 / 2 for scale in (1, 2)) / 2).backward()
    step = wrapper(parts, accumulative_counts=2)
    step.initialize_count_status(torch.nn.Identity(), 0, 2)
    for scale in (1, 2):
        step.update_params((scale * parts).abs().sum())
    torch.testing.assert_close(parts.detach(), start - 0.1 * whole.grad)
