"""Feed-forward networks."""
from torch import Tensor, nn

from .linear import Linear

ACTIVATIONS = {'relu': nn.ReLU, 'gelu': nn.GELU, 'tanh': nn.Tanh}


class Mlp(nn.Module):
    """The feed-forward network of a transformer: two linear layers; names as in timm.

    Args:
        in_features: channels of the input and the output.
        hidden_features: channels in between.
        act: ``'gelu'``, ``'relu'`` or ``'tanh'``.
        drop: dropout after the activation and after the output.
        bias: bias of the linear layers.
    """

    def __init__(self, in_features: int, hidden_features: int, act: str = 'gelu', drop: float = 0.0,
                 bias: bool = True):
        super().__init__()
        self.fc1 = Linear(in_features, hidden_features, bias)
        self.act = ACTIVATIONS[act]()
        self.drop = nn.Dropout(drop)
        self.fc2 = Linear(hidden_features, in_features, bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(...,C) -> (...,C)``."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class MlpHead(nn.Module):
    """Linear layers with an activation between them, any number of them.

    Args:
        dims: channels from input to output, e.g. ``(256, 256, 51)``.
        act: see :class:`Mlp`.
        bias: bias of the linear layers.
    """

    def __init__(self, dims: tuple, act: str = 'relu', bias: bool = True):
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b, bias) for a, b in zip(dims, dims[1:]))
        self.act = ACTIVATIONS[act]()

    def forward(self, x: Tensor) -> Tensor:
        """``(...,dims[0]) -> (...,dims[-1])``."""
        for layer in self.layers[:-1]:
            x = self.act(layer(x))
        return self.layers[-1](x)
