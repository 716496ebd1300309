"""Linear layer."""
import torch
from torch import Tensor, nn

MIN_ONEDNN_MACS = 2 ** 21  # multiplications of a call; below, the time to set oneDNN up counts


class Linear(nn.Linear):
    """``nn.Linear`` that infers in fp32 on CPUs with oneDNN.

    PyTorch leaves these products to MKL, which does not use the wide registers of AMD processors: oneDNN takes half
    the time there. The results agree to rounding. ``torch.backends.mkldnn.flags(enabled=False)`` turns it off.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(..., in_features) -> (..., out_features)``."""
        if _onednn_serves(x) and x.numel() * self.out_features > MIN_ONEDNN_MACS and x.dtype == self.weight.dtype:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, 'none', [], '')
        return super().forward(x)


def _onednn_serves(x: Tensor) -> bool:
    """Whether oneDNN multiplies matrices like ``x``: it has no gradients, and compilers and tracers do not know it."""
    if torch.compiler.is_compiling():  # first: what follows would break the graph of a compiler
        return False
    return (x.device.type == 'cpu' and x.dtype == torch.float32 and not torch.is_grad_enabled()
            and not torch.is_autocast_enabled('cpu') and torch.backends.mkldnn.enabled
            and torch.backends.mkldnn.is_available() and not torch.jit.is_tracing())


def lay_out_for_single_windows(model: nn.Module) -> None:
    """Store the weights of linear layers on a CPU column by column, in place; their values and shapes stay.

    A product with the few rows of one window is bound by reading the weights, which MKL and oneDNN do in this order
    without packing them anew: 10 to 20 % less time. With many rows it makes no difference.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear) and layer.weight.device.type == 'cpu':
            layer.weight.data = layer.weight.data.t().contiguous().t()  # (out, in)
