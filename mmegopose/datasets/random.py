"""Random numbers that depend on nothing but a seed and the key of each sample."""
from functools import cached_property

import numpy as np
import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al., OOPSLA 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def check_shares(**shares: float) -> None:
    """Raise ``ValueError`` for the first of the arguments that is no probability."""
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f'{name}={value} should be a share, from 0 to 1')


class KeyedRandom:
    """Counter-based generator for a batch: row b depends on ``(seed, keys[b])`` only.

    Augmentation is therefore the same however samples are grouped in batches, workers and processes, and after a
    resume.

    Attributes:
        keys: ``(B,)`` int64, the keys of the batch.
    """

    def __init__(self, keys, seed: int = 0):
        self.keys, self.seed, self.draws = np.asarray(keys, np.int64), seed, 0

    @cached_property
    def state(self) -> np.ndarray:
        """``(B,)`` uint64."""
        with np.errstate(over='ignore'):
            return _mix(self.keys.astype(np.uint64) * _GOLDEN + _mix(np.uint64(self.seed) + _GOLDEN))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """``(B, *shape)`` float64 in [low, high)."""
        count = int(np.prod(shape, dtype=np.int64))
        counter = np.arange(self.draws + 1, self.draws + count + 1, dtype=np.uint64)
        self.draws += count
        with np.errstate(over='ignore'):
            bits = _mix(self.state[:, None] + counter * _GOLDEN)
        unit = (bits >> np.uint64(11)).astype(np.float64) * 2.0 ** -53
        return torch.from_numpy(low + (high - low) * unit).reshape(-1, *shape)

    def normal(self, *shape: int) -> torch.Tensor:
        """``(B, *shape)`` float64, standard normal (Box-Muller)."""
        radius = (-2 * torch.log1p(-self.uniform(*shape))).sqrt()
        return radius * torch.cos(2 * torch.pi * self.uniform(*shape))
