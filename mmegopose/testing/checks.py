"""What modules promise, one function each."""
import re

import torch

from .cases import Case, LossCase
from .mask_check import check_masks
from .random_data import cut


def check_outputs(case: Case) -> None:
    """What comes out has the right shape, is finite, and the same for the same input."""
    module = case.build().eval()
    second = case.values(module)
    for name, value in case.values(module).items():
        case.require_shape(name, value, case.sizes['B'], case.sizes['T'])
        case.require(torch.equal(value, second[name]), f'{name!r} changes from call to call in evaluation mode')


def check_gradients(case: Case) -> None:
    """Every parameter learns."""
    module = case.shaken()
    if not any(parameter.requires_grad for parameter in module.parameters()):
        return
    torch.manual_seed(1)
    case.objective(module).backward()
    silent = [key for key, p in module.named_parameters() if p.requires_grad
              and (p.grad is None or not p.grad.abs().sum() > 0) and not (case.idle and re.search(case.idle, key))]
    case.require(not silent, f'no gradient reaches {", ".join(silent)}')


def check_lengths(case: Case) -> None:
    """A batch may hold one window, and windows may be short, unless a part says ``any_length = False``."""
    module, full = case.build().eval(), case.sizes['T']
    for size, frames in ((1, full),) if case.fixed else ((1, full), (1, case.min_frames), (2, full // 2)):
        for name, value in case.values(module, cut(case.given, slice(size), frames)).items():
            case.require_shape(name, value, size, frames)


def check_state_dict(case: Case) -> None:
    """A state dict makes another module equal."""
    first, second = case.shaken().eval(), case.build().eval()
    second.load_state_dict(first.state_dict())
    other = case.values(second)
    for name, value in case.values(first).items():
        case.require(torch.equal(value, other[name]), f'{name!r} is another one after load_state_dict')


def check_bf16(case: Case) -> None:
    """In mixed precision the outputs stay close."""
    module = case.build().eval()
    exact = case.values(module)
    with torch.autocast('cpu', torch.bfloat16):
        rough = case.values(module)
    for name, value in exact.items():
        if value.is_floating_point():
            error = (rough[name].float() - value).norm() / value.norm().clamp(min=1e-6)
            case.require(error < case.tolerance, f'{name!r} is off by {error:.1%} in bfloat16')


def check_samples(case: Case) -> None:
    """A sample does not know what else is in its batch; a loss is a mean or sum over it."""
    if isinstance(case, LossCase):
        return
    module = case.build().eval()
    alone = case.values(module, cut(case.given, slice(1, 2), case.sizes['T']))
    for name, value in case.values(module).items():
        error = (value[1:2].double() - alone[name].double()).abs().max()
        case.require(error < 1e-5 * max(1, value.abs().max()), f'{name!r} depends on the other samples, by {error:.2g}')


CHECKS = dict(outputs=check_outputs, gradients=check_gradients, lengths=check_lengths, state_dict=check_state_dict,
              bf16=check_bf16, samples=check_samples, masks=check_masks)
