"""What is there, and who may look at whom."""
import torch
from torch import Tensor

from ...registry import STREAMS
from ...structures import find_stream, mask_name


def token_mask(inputs: dict, num_tokens: int, streams: tuple | None = None) -> Tensor | None:
    """Which tokens may be looked at, ``(B,T,N)`` bool; None: all.

    A token may be looked at if its frame is there, see :func:`frame_mask`, and if it is itself there (masks
    ``(B,T,N)``, e.g. ``detected``; one of another size says nothing about single tokens, because they are something
    else, not joints for example).

    Args:
        inputs: streams and their masks, see ``structures.streams``.
        num_tokens: tokens per frame N.
        streams: names of the streams that the tokens are made of; None: it is not known, so that frames count by
            ``valid`` alone, and tokens by all masks of their size.
    """
    frames, mask = frame_mask(inputs, streams), own_mask(inputs, num_tokens, streams)
    if frames is None:
        return mask
    frames = frames[..., None].expand(-1, -1, num_tokens)  # (B, T, N)
    return frames if mask is None else frames & mask


def frame_mask(inputs: dict, streams: tuple | None = None) -> Tensor | None:
    """Frames that are there, ``(B,T)`` bool: valid, with one of the streams at least; None: all.

    Streams that hold only the newest frames of the window have as many here.
    """
    valid, some = inputs.get('valid'), any_stream(inputs, streams)
    return some if valid is None else valid if some is None else valid[:, -some.shape[1]:] & some


def any_stream(inputs: dict, streams: tuple | None) -> Tensor | None:
    """Frames in which one of the streams at least holds something, ``(B,T)`` bool; None: all, or it is not known."""
    there = [stream_mask(inputs, stream) for stream in streams or ()]
    return torch.stack(there).any(0) if there and all(one is not None for one in there) else None


def stream_mask(inputs: dict, stream: str) -> Tensor | None:
    """Frames in which a stream holds something by its own mask, ``(B,T)`` bool; None: in all."""
    mask = inputs.get(mask_name(stream))
    return mask.any(2) if mask is not None and mask.ndim == 3 else mask


def fill_stream(inputs: dict, stream: str) -> Tensor:
    """Values ``(B,T,...)`` of a stream, its ``blank`` where its own mask is False."""
    values, mask, known = inputs[stream], inputs.get(mask_name(stream)), find_stream(stream)
    if mask is None:
        return values
    if mask.shape != values.shape[:mask.ndim]:  # of tokens, which the values are not yet
        mask = stream_mask(inputs, stream)
    mask = mask.reshape(*mask.shape, *[1] * (values.ndim - mask.ndim))
    return torch.where(mask, values, _filled(0.0 if known is None else known.blank, values))


def _filled(number: float | tuple, like: Tensor) -> Tensor:
    """A number, or nested tuples of some, of the type and on the device of ``like``, without a copy from the host."""
    return torch.stack([_filled(each, like) for each in number]) if isinstance(number, tuple) \
        else like.new_full((), number)


def own_mask(inputs: dict, num_tokens: int, streams: tuple | None = None) -> Tensor | None:
    """Tokens that are there by the masks that single tokens have, ``(B,T,N)`` bool; None: all.

    A token of several such streams is there if one of them is; if it is not known whose tokens they are, if all are.
    """
    mask = None
    names = (mask_name(stream) for stream in ((*STREAMS.module_dict, *inputs) if streams is None else streams))
    for name in dict.fromkeys(names):
        one = inputs.get(name)
        if one is not None and one.ndim == 3 and one.shape[2] == num_tokens:
            mask = one if mask is None else mask & one if streams is None else mask | one
    return mask


def attention_mask(keys: Tensor | None, is_causal: bool = False) -> tuple[Tensor | None, bool]:
    """``mask`` and ``is_causal`` of :meth:`Attention.forward`.

    Args:
        keys: ``(B,L)`` bool, True where a token may be looked at; None: everywhere, which leaves the fast kernels.
        is_causal: a token looks at itself and at those before it only.
    """
    if keys is None:
        return None, is_causal
    # Every token sees itself, so that a token that nobody reads has a finite output.
    mask = keys[:, None, None, :] | torch.eye(keys.shape[1], dtype=torch.bool, device=keys.device)  # (B, 1, L, L)
    return mask.tril() if is_causal else mask, False


def criss_cross_masks(tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """What a neck needs to look at the tokens inside ``mask`` only.

    Args:
        tokens: ``(B,T,N,C)``.
        mask: bool, broadcast to ``(B,T,N)``, True inside; None: all are.

    Returns:
        The tokens, zero outside, where they may hold anything; the attention mask ``(B*T,1,N,N)`` over the tokens of
        a frame; and that over the frames of a token, ``(B*N,1,T,T)``.
    """
    if mask is None:
        return tokens, None, None
    mask = mask.expand(tokens.shape[:3])
    in_frame, in_time = mask.flatten(0, 1), mask.transpose(1, 2).flatten(0, 1)  # (B*T, N), (B*N, T)
    return tokens.masked_fill(~mask[..., None], 0), attention_mask(in_frame)[0], attention_mask(in_time)[0]
