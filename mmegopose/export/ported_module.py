"""What every exported model is: a module of tensors in, tensors out, that knows what they mean."""
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..inference.inferencer import Inferencer


class Port(NamedTuple):
    """A tensor that goes in or comes out.

    Attributes:
        shape: numbers, and letters for sizes that may vary.
        meaning: with units and axes.
        dtype: of its numbers.
    """
    shape: tuple
    meaning: str
    dtype: torch.dtype = torch.float32


class PortedModule(nn.Module):
    """A model with what comes before and after it, for programs that have none of this package.

    ``forward`` takes the tensors of ``ports_in`` and returns those of ``ports_out``, both in order.

    Attributes:
        inferencer: whose model it is, and what it is compared with.
        ports_in, ports_out: by name.
        state: input to output: what a call gives to the next one. The first call gets zeros.
    """
    inferencer: Inferencer
    ports_in: dict[str, Port]
    ports_out: dict[str, Port]
    state: dict[str, str] = {}

    def facts(self) -> dict:
        """What a user of the file must know besides the ports, plain numbers and texts by name."""
        raise NotImplementedError

    def example(self, batch_size: int = 2) -> tuple[Tensor, ...]:
        """Inputs for the exporter, and for measuring the time."""
        raise NotImplementedError

    def difference(self, run) -> float:
        """Largest difference to the inferencer, in metres, over some sizes of input.

        Args:
            run: from inputs to outputs, dicts of numpy arrays by name.
        """
        raise NotImplementedError

    def zeros(self, batch_size: int) -> dict[str, np.ndarray]:
        """The state of the first call."""
        return {name: np.zeros([batch_size if size == 'B' else size for size in self.ports_in[name].shape],
                               torch.empty(0, dtype=self.ports_in[name].dtype).numpy().dtype) for name in self.state}
