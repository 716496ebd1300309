"""Random numbers that change smoothly in time."""
import math

import torch
from torch import Tensor

from ..datasets.random import KeyedRandom

PERIOD = 20  # frames between two poses of a window, two thirds of a second


class MovingRandom:
    """Random numbers that change smoothly over the frames of a window.

    They pass from one draw to the next in ``PERIOD`` frames with a cosine. With one frame they are those draws.
    """

    def __init__(self, random: KeyedRandom, num_frames: int):
        time = torch.arange(num_frames, dtype=torch.float64) / PERIOD
        self.random, self.keys = random, math.ceil((num_frames - 1) / PERIOD) + 1
        before = time.long().clamp(max=max(self.keys - 2, 0))
        share = (1 - torch.cos(torch.pi * (time - before))) / 2  # (T,)
        keys = torch.arange(self.keys)
        self.weights = (keys == before[:, None]) * (1 - share[:, None]) + (keys == before[:, None] + 1) * share[:, None]

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """``(B,T,*shape)`` float64 in [low, high)."""
        return self._blend(self.random.uniform(self.keys, *shape, low=low, high=high))

    def normal(self, *shape: int) -> Tensor:
        """``(B,T,*shape)`` float64, standard normal at the draws."""
        return self._blend(self.random.normal(self.keys, *shape))

    def _blend(self, keys: Tensor) -> Tensor:
        return torch.einsum('tk,bk...->bt...', self.weights, keys)
