"""What is not there has no influence on what is."""
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ..models.layers import token_mask
from ..models.losses.mesh_losses import HAS_LABEL
from ..structures import PoseDataSample, find_stream, mask_name
from .cases import Case, LossCase
from .random_data import make_streams

LABELS = dict(HAS_LABEL, joints='visible', keypoints='keypoint_conf')  # where each target is known
NUMBERS = (1.0, 1e30, float('nan'))  # what may stand where a stream is not; the last two spread through products


def check_masks(case: Case) -> None:
    """Whatever stands where a mask is False, the outputs that are there stay.

    The tokens of a neck and the predictions of a loss are moved where their mask is False. The streams of a backbone,
    an embedding or an estimator are moved where ``valid`` is False, then where the mask that each declares is. What a
    fusion gets of a branch is moved in windows in which nothing of it is there.
    """
    module = case.shaken().eval()
    for text, given, moved, there in _moved(case):
        after = case.values(module, moved)
        for name, value in case.values(module, given).items():
            shown = there(value)
            if shown.any():
                error = (value - after[name])[shown].abs().max()
                case.require(error < 1e-5 * max(1, value[shown].abs().max()),
                             f'{name!r} depends on what a mask hides, by {error:.2g}{text}')
    if isinstance(case, LossCase):
        _check_labels(case, module)


def _moved(case: Case) -> Iterator[tuple[str, dict, dict, Callable]]:
    """What was moved, what a module is given before and after, and which rows of an output should stay."""
    given = case.given
    if 'mask' in given:
        moved = given | dict(tokens=_put(given['tokens'], given['mask'], given['tokens'] + 1))
        yield (', where mask is False', given, moved, lambda value: given['mask']
               if value.shape[:3] == given['mask'].shape else torch.zeros_like(value, dtype=torch.bool))
    elif 'there' in given:
        moved = {part: {name: _shifted(value, given['there'][name].any(1)) for name, value in given[part].items()}
                 for part in ('tokens', 'outputs') if part in given}
        yield (', in a window in which a branch is nowhere there', given, given | moved,
               lambda value: torch.ones_like(value, dtype=torch.bool))
    elif isinstance(case, LossCase):
        if 'joints' in given['outputs'] and 'visible' in given['targets']:
            joints = given['outputs']['joints']
            outputs = given['outputs'] | dict(joints=_put(joints, given['targets'].visible, joints + 1))
            yield (', where visible is False', given, given | dict(outputs=outputs),
                   lambda value: torch.ones_like(value, dtype=torch.bool))
    elif 'inputs' in given and all(getattr(part, 'neck_accepts_mask', True) or part.neck is None
                                   for part in case.build().modules()):
        yield from _moved_streams(case)


def _moved_streams(case: Case) -> Iterator[tuple[str, dict, dict, Callable]]:
    """The same of streams, for each mask and number."""
    masks = _masks(case)
    streams = {name: value for name, value in case.given['inputs'].items() if name not in masks}
    for mask in masks:
        inputs = case.given['inputs'] | make_streams((mask,), case.sizes)
        if mask != 'valid':
            inputs[mask][-1] = False  # in the whole window
        for number in NUMBERS[:1] if mask == 'valid' else NUMBERS:  # frames that are not valid hold ordinary numbers
            moved = {name: _put(values, where, values + 1 if number == 1 else number)
                     for name, values in streams.items() if (where := _where(name, values, mask, inputs)) is not None}
            if moved:
                yield (f', when {", ".join(moved)} changes where {mask} is False: {_remedy(mask)}',
                       case.given | dict(inputs=inputs), case.given | dict(inputs=inputs | moved),
                       lambda value, inputs=inputs: _rows_there(value, inputs, tuple(streams)))


def _check_labels(case: Case, module: nn.Module) -> None:
    """Whatever stands where there is no label, a loss and its gradient stay; without any label they are finite."""
    targets = case.given['targets']
    masks = {name: mask for name, mask in LABELS.items() if name in targets and mask in targets}
    for none in (False, True):
        labels = targets.clone()
        for mask in masks.values():
            labels.set_field(torch.zeros_like(labels.get(mask)) if none else labels.get(mask), mask)
        before = _loss_and_gradient(case, module, labels)
        case.require(all(value.isfinite().all() for value in before),
                     f'the loss or its gradient is not finite {"without any label" if none else "where labels lack"}')
        for number in NUMBERS:
            moved = labels.clone()
            for name, mask in masks.items():
                moved.set_field(_put(labels.get(name), labels.get(mask) > 0, number), name)
            same = all(torch.equal(a, b) for a, b in zip(before, _loss_and_gradient(case, module, moved)))
            case.require(same, f'the loss or its gradient depends on {number:g} where there is no label, in '
                               f'{", ".join(masks)}: read them with models.losses.where_labelled')


def _loss_and_gradient(case: Case, module: nn.Module, labels: PoseDataSample) -> list[Tensor]:
    """The sum of the parts of a loss, and its gradients of the outputs."""
    torch.manual_seed(1)
    outputs = {name: value.detach().requires_grad_() for name, value in case.given['outputs'].items()}
    loss = sum(case.run(module, case.given | dict(outputs=outputs, targets=labels)).values())
    return [loss.detach(), *torch.autograd.grad(loss, outputs.values(), materialize_grads=True)]


def _masks(case: Case) -> tuple:
    """``valid``, the masks of the case and those that its streams declare."""
    own = [mask_name(name) for name in case.given['inputs'] if find_stream(name)]
    return tuple(dict.fromkeys(('valid', *case.masks, *(name for name in own if name and find_stream(name)))))


def _where(name: str, values: Tensor, mask: str, inputs: dict) -> Tensor | None:
    """Where a stream is there by a mask, of its first dims; None: the mask is another stream's."""
    if mask not in ('valid', mask_name(name)):
        return None
    where = inputs[mask]
    return where.any(2) if where.shape != values.shape[:where.ndim] else where


def _remedy(mask: str) -> str:
    if mask == 'valid':
        return 'leave these frames out with models.layers.token_mask'
    return 'read it with models.layers.read_stream'


def _rows_there(value: Tensor, inputs: dict, streams: tuple) -> Tensor:
    """Rows ``(B,T',N)`` of an output ``(B,T',N,...)`` that are there, or frames ``(B,T')`` of one without rows."""
    mask = token_mask(inputs, value.shape[2] if value.ndim > 2 else 1, streams)  # (B, T, N)
    if mask is None:
        return torch.ones(value.shape[:2], dtype=torch.bool)
    return (mask if value.ndim > 2 else mask[..., 0])[:, -value.shape[1]:]


def _shifted(value: Tensor | dict, windows: Tensor) -> Tensor | dict:
    """Tokens, or outputs by name, larger by one except in the windows ``(B,)``."""
    return {name: _shifted(each, windows) for name, each in value.items()} if isinstance(value, dict) else _put(
        value, windows, value + 1)


def _put(values: Tensor, mask: Tensor, other: Tensor | float) -> Tensor:
    """Values where a mask of their first dims is True, else other ones."""
    mask = mask.reshape(*mask.shape, *[1] * (values.ndim - mask.ndim))
    return torch.where(mask, values, other)
