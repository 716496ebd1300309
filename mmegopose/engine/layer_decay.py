"""Layer-wise learning rate decay."""
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from ..registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Smaller learning rates for the earlier layers of pretrained backbones (BEiT, arXiv 2106.08254; ViTPose).

    Layer i of the n of a backbone learns at ``decay_rate ** (n - 1 - i)`` times the learning rate; a backbone tells
    them by ``num_layers`` and ``layer_id(name)``. Biases, norms and position embeddings have no weight decay.

    Args:
        optim_wrapper_cfg: see mmengine's ``DefaultOptimWrapperConstructor``.
        paramwise_cfg: ``dict(decay_rate=0.85)``. ``ValueError`` for other keys, or if no backbone has layers.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None):
        if set(paramwise_cfg or {}) != {'decay_rate'}:
            raise ValueError(f'LayerDecayOptimWrapperConstructor needs paramwise_cfg=dict(decay_rate=...), got '
                             f'{paramwise_cfg}')
        super().__init__(optim_wrapper_cfg, paramwise_cfg)

    def add_params(self, params: list, module: nn.Module, **kwargs) -> None:
        """Append one group per learning rate and weight decay to ``params``."""
        rates = _learning_rates(module, self.paramwise_cfg['decay_rate'])
        groups = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                decayed = parameter.ndim > 1 and not name.endswith('pos_embed')
                groups.setdefault((rates.get(name, 1.0), decayed), []).append(parameter)
        for (rate, decayed), members in groups.items():
            params.append(dict(params=members, lr=self.base_lr * rate, **({} if decayed else dict(weight_decay=0.0))))


def _learning_rates(model: nn.Module, decay_rate: float) -> dict:
    """Factor of the learning rate by name of the parameter, for all parameters of backbones."""
    rates = {}
    for prefix, backbone in model.named_modules():
        if hasattr(backbone, 'layer_id'):
            for name, _ in backbone.named_parameters():
                depth = backbone.num_layers - 1 - backbone.layer_id(name)
                rates.setdefault(f'{prefix}.{name}' if prefix else name, decay_rate ** depth)
    if not rates:
        raise ValueError(f'layer decay: no part of {type(model).__name__} has layer_id(name); use a ViT, '
                         'or leave the constructor out')
    return rates
