"""Which keys a process draws: endless shuffled training, and whole sequences for evaluation."""
import math

import numpy as np
from mmengine.dataset import DefaultSampler
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from ..registry import DATA_SAMPLERS
from .random import check_shares


@DATA_SAMPLERS.register_module()
class EndlessSampler(Sampler):
    """Keys ``epoch * len(dataset) + index`` without end, shuffled anew in each epoch.

    Rank r of W takes every W-th key from the r-th, so that W processes with batch B/W see the same global batches as
    one process with batch B. :meth:`skip` moves on without drawing, so that a resumed run goes on at once.

    Args:
        dataset: sized dataset.
        shuffle: shuffle within each epoch.
        seed: shared by all processes; drawn by the first one if None.
    """

    def __init__(self, dataset, shuffle: bool = True, seed: int | None = None):
        self.size, self.shuffle = len(dataset), shuffle
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.skipped = 0

    def skip(self, num_samples: int) -> None:
        """Leave out the first ``num_samples`` keys of this process."""
        self.skipped = num_samples

    def __iter__(self):
        position = self.rank + self.skipped * self.world_size
        while True:
            epoch, offset = divmod(position, self.size)
            keys = self.epoch_keys(epoch)[offset::self.world_size].tolist()
            yield from keys
            position += len(keys) * self.world_size

    def epoch_keys(self, epoch: int) -> np.ndarray:
        """``(len(dataset),)`` keys of an epoch, in their order."""
        if not self.shuffle:
            return epoch * self.size + np.arange(self.size)
        return epoch * self.size + np.random.default_rng((self.seed, epoch)).permutation(self.size)

    def __len__(self) -> int:
        return math.ceil(self.size / self.world_size)


@DATA_SAMPLERS.register_module()
class BalancedSampler(EndlessSampler):
    """Endless keys that draw windows of short sequences more often, so that a few long recordings do not rule.

    An epoch is as many keys as the data set has windows, drawn with replacement; each key is another one, so that a
    window that comes again is augmented otherwise.

    Args:
        dataset: a :class:`WindowDataset`.
        balance: a sequence of n windows is drawn in proportion to ``n ** (1 - balance)``: 0 draws all windows alike, 1
            all sequences.
        seed: see :class:`EndlessSampler`.
    """

    def __init__(self, dataset, balance: float = 0.5, seed: int | None = None):
        super().__init__(dataset, seed=seed)
        check_shares(balance=balance)
        sequence = dataset.windows.sequence
        weight = np.bincount(sequence)[sequence] ** -float(balance)
        self.share = weight / weight.sum()

    def epoch_keys(self, epoch: int) -> np.ndarray:
        index = np.random.default_rng((self.seed, epoch)).choice(self.size, self.size, p=self.share)
        return (epoch * self.size + np.arange(self.size)) * self.size + index


@DATA_SAMPLERS.register_module()
class EpochSampler(DefaultSampler):
    """mmengine's ``DefaultSampler`` with keys ``epoch * len(dataset) + index``, so that an epoch that ends augments its
    windows otherwise than the one before. ``args``: see there.
    """

    def __iter__(self):
        begin = self.epoch * len(self.dataset)
        return (begin + index for index in super().__iter__())


@DATA_SAMPLERS.register_module()
class SequenceSampler(Sampler):
    """All windows of whole sequences, in order; sequences are dealt to the processes so that each gets about as many
    windows.

    Pair it with :class:`SequenceBatchSampler`.
    """

    def __init__(self, dataset, seed: int | None = None):
        rank, world_size = get_dist_info()
        bounds = np.asarray(dataset.sequence_bounds)
        load, mine = np.zeros(world_size, np.int64), []
        for sequence in np.argsort(-np.diff(bounds), kind='stable'):
            lightest = int(load.argmin())
            load[lightest] += bounds[sequence + 1] - bounds[sequence]
            if lightest == rank:
                mine.append(int(sequence))
        self.blocks = [range(bounds[sequence], bounds[sequence + 1]) for sequence in sorted(mine)]

    def __iter__(self):
        return (int(index) for block in self.blocks for index in block)

    def __len__(self) -> int:
        return sum(map(len, self.blocks))


@DATA_SAMPLERS.register_module()
class SequenceBatchSampler(Sampler):
    """Batches that never cross sequences, so that results do not depend on the number of processes, to the last bit."""

    def __init__(self, sampler: SequenceSampler, batch_size: int, drop_last: bool = False):
        self.sampler, self.batch_size = sampler, batch_size

    def __iter__(self):
        for block in self.sampler.blocks:
            for begin in range(0, len(block), self.batch_size):
                yield [int(index) for index in block[begin:begin + self.batch_size]]

    def __len__(self) -> int:
        return sum(math.ceil(len(block) / self.batch_size) for block in self.sampler.blocks)
