"""Feed-forward network."""
from torch import Tensor, nn

from .linear import Linear

ACTIVATIONS = {'relu': nn.ReLU, 'gelu': nn.GELU, 'tanh': nn.Tanh}


class Mlp(nn.Module):
    """Linear layers with an activation and dropout between them.

    Args:
        dims: channels from input to output, e.g. ``(256, 2048, 256)``.
        act: ``'gelu'``, ``'relu'`` or ``'tanh'``.
        drop_rate: dropout after each activation.
        bias: bias of the linear layers.
    """

    def __init__(self, dims: tuple, act: str = 'gelu', drop_rate: float = 0.0, bias: bool = True):
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b, bias) for a, b in zip(dims, dims[1:]))
        self.act = ACTIVATIONS[act]()
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., dims[0]) -> (..., dims[-1])``."""
        for layer in self.layers[:-1]:
            x = self.drop(self.act(layer(x)))
        return self.layers[-1](x)
