"""What a model looks at: the weights of its attention, which the fused kernel never writes down."""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from .attention import Attention, attention_weights


@contextmanager
def record_attention(model: nn.Module, layers: Sequence[str] | None = None) -> Iterator[dict[str, list[Tensor]]]:
    """Record the attention weights of every forward pass inside of the ``with``.

    The weights are computed beside the fused kernel, in float32, so the outputs of the model are what they are without
    it. They take ``4 * B * h * N * L`` bytes for each layer and pass; name the layers of a large model.

    Args:
        model: any, with :class:`.Attention` in it.
        layers: names of the modules in ``model.named_modules()``; default: all.

    Yields:
        ``{name: [(B,h,N,L), ...]}`` float32 on the CPU, in the order of the passes, averaged over nothing; STC has two
        for each pass, over the tokens of a frame and over the frames of a token.

    Raises:
        ValueError: a layer that is no attention of the model, or a model without any.
    """
    found = {name: module for name, module in model.named_modules() if isinstance(module, Attention)}
    unknown = set(layers or ()) - set(found)
    if unknown or not found:
        raise ValueError(f'{sorted(unknown) or "the model"} has no attention to record; layers that have: '
                         f'{list(found)}')
    chosen = {name: found[name] for name in layers or found}
    weights: dict[str, list[Tensor]] = {name: [] for name in chosen}
    for name, module in chosen.items():
        module.attend = _recording(module, weights[name])  # type: ignore[method-assign]
    try:
        yield weights
    finally:
        for module in chosen.values():
            del module.attend  # the method of the class is back


def _recording(module: Attention, weights: list):
    attend = module.attend

    def recorded(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        weights.append(attention_weights(q.detach().float(), k.detach().float(), mask, is_causal, module.scale).cpu())
        return attend(q, k, v, mask, is_causal)
    return recorded
