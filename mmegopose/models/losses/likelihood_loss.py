"""A loss that learns how errors are distributed."""
import math

import torch
from torch import Tensor, nn

from ...registry import LOSSES
from ...structures import PoseDataSample
from .joint_losses import global_mean, where_labelled


class ErrorFlow(nn.Module):
    """Distribution of errors relative to their expected size: a normalising flow (Dinh et al., RealNVP, ICLR 2017).

    Args:
        dim: coordinates D of an error.
        depth: coupling layers; each changes half of the coordinates, or one more, and sees the others.
        mlp_dim: of their networks.
    """

    def __init__(self, dim: int = 3, depth: int = 6, mlp_dim: int = 64):
        super().__init__()
        kept = [[(coordinate + layer) % dim < dim // 2 for coordinate in range(dim)] for layer in range(depth)]
        self.register_buffer('kept', torch.tensor(kept).float(), persistent=False)  # (layers, D)
        self.networks = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, mlp_dim), nn.LeakyReLU(), nn.Linear(mlp_dim, mlp_dim), nn.LeakyReLU(),
                          nn.Linear(mlp_dim, 2 * dim)) for _ in range(depth))
        for network in self.networks:  # training starts with the normal distribution
            nn.init.normal_(network[-1].weight, std=1e-3)
            nn.init.zeros_(network[-1].bias)

    def forward(self, errors: Tensor) -> Tensor:
        """Logarithm of the density at ``errors (...,D)``, ``(...)``."""
        total = 0
        for kept, network in zip(self.kept, self.networks):
            scale, shift = network(errors * kept).chunk(2, -1)  # (..., D)
            scale = scale.tanh() * (1 - kept)
            errors = errors * (-scale).exp() - shift * (1 - kept)
            total = total - scale.sum(-1)
        return total - 0.5 * (errors.square() + math.log(2 * math.pi)).sum(-1)


@LOSSES.register_module()
class ResidualLikelihoodLoss(nn.Module):
    """Residual log-likelihood of joints (Li et al., RLE, ICCV 2021, arXiv 2107.11291, equation 10).

    The head also says how large the error of each coordinate may be. Relative to that, errors follow a Laplace
    distribution times a density that a flow learns.

    Args:
        loss_weight: factor of the loss, whose gradient is that of a distance over the expected error: of errors of some
            centimetres about a hundred times that of a loss in metres.
        depth, mlp_dim: see :class:`ErrorFlow`.
    """

    def __init__(self, loss_weight: float = 1.0, depth: int = 6, mlp_dim: int = 64):
        super().__init__()
        self.loss_weight = loss_weight
        self.flow = ErrorFlow(3, depth, mlp_dim)

    def forward(self, outputs: dict, samples: PoseDataSample) -> Tensor:
        """Outputs ``joints`` and ``log_deviation (B,T,J,3)``, ``samples.joints (B,T,J,3)`` and ``samples.visible
        (B,T,J)`` to a scalar."""
        visible = samples.visible
        with torch.autocast(visible.device.type, enabled=False):
            pred, log_deviation = outputs['joints'].float(), outputs['log_deviation'].float()
            errors = (where_labelled(samples.joints, visible) - pred) * (-log_deviation).exp()
            laplace = (errors.abs() + math.log(2)).sum(-1)  # (B, T, J)
            likelihood = self.flow(errors) - log_deviation.sum(-1) - laplace
            return -self.loss_weight * global_mean(likelihood, visible)
