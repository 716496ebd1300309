"""What a model of several streams makes of each subset of them."""
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations

import torch
from torch import Tensor, nn

from ..structures import mask_name


def subsets(streams: tuple) -> list[tuple]:
    """All subsets, the empty one first."""
    return [chosen for count in range(len(streams) + 1) for chosen in combinations(streams, count)]


@contextmanager
def changed_streams(model: nn.Module, lost: tuple = (), shuffled: tuple = ()) -> Iterator[dict]:
    """Inside, a model is given no stream of ``lost``, and those of ``shuffled`` from other windows of the batch.

    Batches of a test are windows of one sequence: what is shuffled comes from the same sequence at another time.

    Args:
        model: an estimator, called with ``inputs`` by name.
        lost: names of streams with a mask.
        shuffled: names of streams.

    Yields:
        Counts, while the model runs: windows in which a stream is there, by its name; before streams are lost.
    """
    seen: dict = {}

    def change(module, args, kwargs):
        inputs = dict(kwargs['inputs'])
        for name in list(inputs):
            mask = mask_name(name)
            if mask is not None:
                there = _there(inputs, name, mask)
                seen[name] = seen.get(name, 0) + int(there.flatten(1).any(1).sum())
        for name in shuffled:
            for key in filter(inputs.__contains__, (name, mask_name(name))):
                inputs[key] = inputs[key].roll(len(inputs[key]) // 2, 0)
        for name in filter(inputs.__contains__, lost):
            inputs[mask_name(name)] = torch.zeros_like(_there(inputs, name, mask_name(name)))
        return args, dict(kwargs, inputs=inputs)

    handle = model.register_forward_pre_hook(change, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def _there(inputs: dict, name: str, mask: str) -> Tensor:
    there = inputs.get(mask)
    return torch.ones(inputs[name].shape[:2], dtype=torch.bool, device=inputs[name].device) if there is None else there


def subset_table(rows: dict, columns: dict, reference: dict | None = None) -> str:
    """Markdown table of results.

    Args:
        rows: ``{title: results by name}``; the first row is that with no stream but those that are always there.
        columns: names of results by the heading.
        reference: results of another model, which the changes are told against; default: those of the first row.

    Raises:
        ValueError: the reference has none of the results.
    """
    first = next(iter(rows.values())) if reference is None else reference
    lines = ['| streams | ' + ' | '.join(columns) + ' |', '|---|' + '---:|' * len(columns)]
    if reference is not None:
        if not any(isinstance(reference.get(name), (int, float)) for name in columns.values()):
            raise ValueError(f'the reference has none of {", ".join(columns.values())}, but '
                             f'{", ".join(reference)[:200]}: it should be what mmegopose test --out writes')
        rows = {'reference': reference} | rows
    for title, results in rows.items():
        cells = [_cell(results.get(name), None if results is first else first.get(name)) for name in columns.values()]
        lines.append(f'| {title} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def _cell(value, first) -> str:
    """A number, and its change in percent against ``first`` where that is known."""
    if not isinstance(value, (int, float)):
        return '-'
    told = isinstance(first, (int, float)) and first
    return f'{value:.2f} ({100 * (value / first - 1):+.1f} %)' if told else f'{value:.2f}'
