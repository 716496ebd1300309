"""Modality dropout: what a model does not always have, it does not have at times in training."""
import torch

from ....registry import TRANSFORMS
from ....structures import mask_name
from ...random import check_shares


@TRANSFORMS.register_module()
class DropStreams:
    """Take streams away from whole windows, each by itself and all at once (ModDrop, Neverova et al., TPAMI 2016).

    So one model learns to work with any subset of them. It stands after the transforms that make the streams.

    Args:
        probs: share of windows in which a stream is not there, e.g. ``dict(view=0.3, wrists=0.3)``.
        all_prob: share of windows in which none of these is there, besides.

    Raises:
        ValueError: a share that is none, or a stream that says nowhere whether it is there.
    """

    def __init__(self, probs: dict, all_prob: float = 0.0):
        check_shares(all_prob=all_prob, **probs)
        self.probs, self.all_prob = dict(probs), all_prob
        if always := [name for name in probs if mask_name(name) is None]:
            raise ValueError(f'DropStreams(probs=...): the stream {always[0]!r} is always there, for it has no mask')

    def __call__(self, batch: dict) -> dict:
        inputs, random = batch.get('inputs', {}), batch['random']
        nothing = random.uniform(1)[:, 0] < self.all_prob  # (B,)
        for name, prob in self.probs.items():
            dropped, mask = nothing | (random.uniform(1)[:, 0] < prob), mask_name(name)
            if name not in inputs:
                continue
            there = inputs.get(mask)
            there = torch.ones(inputs[name].shape[:2], dtype=torch.bool) if there is None else there
            inputs[mask] = there & ~dropped.reshape(-1, *[1] * (there.ndim - 1))
        return batch
