"""Flip test-time augmentation: a batch and its mirror image in one pass."""
from contextlib import contextmanager

import torch
from torch import Tensor

from ..structures import find_stream, get_skeleton, mirror_stream
from ..structures.streams import mirror_points, require_mirror


class FlipAverage:
    """Predict a batch and its mirror image together, and average the joints (Pavllo et al., CVPR 2019, section 4).

    Args:
        skeleton: name of the skeleton of the keypoints and of the joints. ``KeyError`` if it is unknown.
        streams: names of the streams that the model reads. ``ValueError`` if one is declared without a mirror image.
    """

    def __init__(self, skeleton: str, streams: tuple = ()):
        self.skeleton, self.flip = skeleton, list(get_skeleton(skeleton).flip)
        with self._named():
            for name in filter(find_stream, streams):
                require_mirror(name)

    @contextmanager
    def _named(self):
        """Around what may raise ``ValueError``: its message begins with the option."""
        try:
            yield
        except ValueError as error:
            raise ValueError(f'test_cfg=dict(flip={self.skeleton!r}): {error}') from None

    def double(self, inputs: dict) -> dict:
        """Streams ``(B,...)`` to ``(2*B,...)``: the batch, then its mirror image.

        Raises ``ValueError`` for streams whose mirror image is not known, or that have joints of another skeleton.
        """
        with self._named():
            return {name: torch.cat([stream, mirror_stream(name, stream, self.flip)])
                    for name, stream in inputs.items()}

    def average(self, joints: Tensor) -> Tensor:
        """Mean of a prediction and of the un-mirrored one: ``(2*B,T,J,3) -> (B,T,J,3)``."""
        plain, mirrored = joints.unflatten(0, (2, joints.shape[0] // 2)).unbind(0)  # exporters cannot follow chunk
        return (plain + mirror_points(mirrored, self.flip)) / 2
