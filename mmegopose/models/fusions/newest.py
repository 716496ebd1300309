"""What the branches know in the newest frames that all of them have."""
import torch
from torch import Tensor


def newest(tokens: dict, there: dict | None, names: tuple) -> tuple[dict, dict]:
    """Tokens of the frames that all branches have, the newest ones, and where a branch knows anything.

    A branch knows something as soon as one of its streams was there in the window: the tokens of the frames that follow
    have seen it, for backbones look over time.

    Args:
        tokens: ``{branch: (B,T,N,C)}``; a branch that was not run is left out.
        there: ``{branch: mask (B,T), or None for all}`` of a branch's streams; None: all are there.
        names: the branches to look at.

    Returns:
        ``{branch: (B,T',N,C)}`` and ``{branch: mask (B,T',1,1), or None for all}``.
    """
    run = [name for name in names if name in tokens]
    num_frames = min(tokens[name].shape[1] for name in run)
    known = {name: (there or {}).get(name) for name in run}
    return ({name: tokens[name][:, -num_frames:] for name in run},
            {name: None if mask is None else (mask.cumsum(1) > 0)[:, -num_frames:, None, None]
             for name, mask in known.items()})


def where_known(tokens: Tensor, known: Tensor | None) -> Tensor:
    """Tokens ``(B,T,N,C)``, zero where nothing is known; ``known`` is ``(B,T,1,1)``, or None for everywhere."""
    return tokens if known is None else torch.where(known, tokens, 0)
