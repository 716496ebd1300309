"""Flip test-time augmentation: a batch and its mirror image in one pass."""
import torch
from torch import Tensor

from ..structures import get_skeleton


class FlipAverage:
    """Predict a batch of keypoints and its mirror image together, and average (Pavllo et al., CVPR 2019, section 4).

    Args:
        skeleton: name of the skeleton of the keypoints and of the joints. ``KeyError`` if it is unknown.
    """

    def __init__(self, skeleton: str):
        self.skeleton, self.flip = skeleton, list(get_skeleton(skeleton).flip)

    def double(self, inputs: dict) -> dict:
        """Streams ``(B,...)`` to ``(2*B,...)``: the batch, then its mirror image.

        Raises ``ValueError`` for streams whose mirror image is unknown, or keypoints of another skeleton.
        """
        mirrored = {}
        for name, stream in inputs.items():
            if name in ('keypoints', 'detected') and stream.shape[2] != len(self.flip):
                raise ValueError(f"test_cfg=dict(flip={self.skeleton!r}) swaps {len(self.flip)} joints, the stream "
                                 f'{name!r} has {stream.shape[2]}')
            if name == 'keypoints':
                mirrored[name] = self._mirror(stream)
            elif name == 'detected':
                mirrored[name] = stream[:, :, self.flip]
            elif name == 'valid':
                mirrored[name] = stream
            else:
                raise ValueError(f"test_cfg=dict(flip={self.skeleton!r}) can mirror the streams 'keypoints', "
                                 f"'detected' and 'valid', the data has {name!r} too: leave it out, or predict without "
                                 'flip')
        return {name: torch.cat([inputs[name], mirrored[name]]) for name in inputs}

    def average(self, joints: Tensor) -> Tensor:
        """Mean of a prediction and of the un-mirrored one: ``(2*B,T,J,3) -> (B,T,J,3)``."""
        plain, mirrored = joints.chunk(2)
        return (plain + self._mirror(mirrored)) / 2

    def _mirror(self, points: Tensor) -> Tensor:
        """Negate x and swap left and right joints of ``(B,T,J,D)``."""
        points = points[:, :, self.flip]
        return torch.cat([-points[..., :1], points[..., 1:]], -1)
