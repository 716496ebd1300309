"""Optimiser wrappers: mixed precision on any device, and the squared loss of MixSTE."""
import warnings
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper as _AmpOptimWrapper
from mmengine.optim import OptimWrapper

from ..compat import cpu_has_bfloat16
from ..registry import OPTIM_WRAPPERS

DTYPES = ('bfloat16', 'float16')


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(_AmpOptimWrapper):
    """Autocast on CPU or GPU; gradients are scaled for float16 only, because bfloat16 has the range of float32.

    A CPU without bfloat16, which would be many times slower with it, trains in float32, and a warning says so.

    Args:
        dtype: 'bfloat16' or 'float16'. Float16 needs a GPU (``ValueError`` without one).
        loss_scale: first scale of float16 gradients: 'dynamic', a fixed number, or arguments of ``GradScaler``.
        **kwargs: ``optimizer``, ``accumulative_counts`` and ``clip_grad`` of ``OptimWrapper``.
    """

    def __init__(self, dtype: str = 'bfloat16', loss_scale='dynamic', **kwargs):
        OptimWrapper.__init__(self, **kwargs)  # the parent's asserts a GPU and always scales
        name = str(dtype).replace('torch.', '')
        if name not in DTYPES:
            raise ValueError(f'AmpOptimWrapper: dtype={dtype!r} is not one of {DTYPES}')
        self.device = get_device()
        if name == 'float16' and self.device == 'cpu':
            raise ValueError("AmpOptimWrapper: dtype='float16' does not train on a CPU; use dtype='bfloat16'")
        self.cast_dtype = getattr(torch, name)
        self.casts = self.device != 'cpu' or cpu_has_bfloat16()
        if not self.casts:
            warnings.warn('this CPU has no bfloat16, so training goes on in float32, which is faster', stacklevel=2)
        self._scale_update_param = None
        options = dict(loss_scale) if isinstance(loss_scale, dict) else {}
        if isinstance(loss_scale, (int, float)):
            self._scale_update_param = options['init_scale'] = float(loss_scale)
        self.loss_scaler = torch.amp.GradScaler(self.device, **{**options, 'enabled': name == 'float16'})

    @contextmanager
    def optim_context(self, model):
        with OptimWrapper.optim_context(self, model), torch.autocast(
                self.device, dtype=self.cast_dtype, enabled=self.casts):
            yield


@OPTIM_WRAPPERS.register_module()
class SquaredLossOptimWrapper(OptimWrapper):
    """Minimise half the squared loss: gradients are multiplied by the value of the loss, as in the official MixSTE."""

    def scale_loss(self, loss: torch.Tensor) -> torch.Tensor:
        return super().scale_loss(loss * loss.detach())
