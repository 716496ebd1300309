"""Branches that add to the first one, as much as a gate lets through."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import FUSIONS
from .newest import newest, where_known


@FUSIONS.register_module()
class GatedFusion(BaseModule):
    """The tokens of the first branch, to which every other branch adds what its gate lets through.

    A gate is a sigmoid for each channel of both branches' tokens (gated multimodal unit, Arevalo et al., arXiv
    1702.01992). What is added starts at zero: training starts from the first branch alone. A branch of which nothing is
    there adds nothing, so that the model is then the one of the branches that are there.

    Args:
        in_dims: channels per branch, e.g. ``dict(head=256, view=128)``; the first has those of the result.
        detach_first: the first branch learns only where no other knows anything. So it becomes what it would be as a
            model of its own; otherwise it fits the training data further, for as long as the others take to learn.
    """

    level = 'tokens'

    def __init__(self, in_dims: dict, detach_first: bool = False, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.names, self.detach_first = tuple(in_dims), detach_first
        (_, dim), *others = in_dims.items()
        self.norms = nn.ModuleDict({name: nn.LayerNorm(size) for name, size in others})
        self.gates = nn.ModuleDict({name: nn.Linear(dim + size, dim) for name, size in others})
        self.values = nn.ModuleDict({name: nn.Linear(size, dim) for name, size in others})
        for value in self.values.values():
            nn.init.zeros_(value.weight)
            nn.init.zeros_(value.bias)

    def forward(self, tokens: dict, there: dict | None = None) -> Tensor:
        """``{branch: (B,T,N,C_branch)} -> (B,T',N,C)`` of the newest frames that all branches have.

        The tokens of a frame of the other branches are averaged. ``there``: see the package.
        """
        parts, known = newest(tokens, there, self.names)
        first = parts.pop(self.names[0])
        if self.detach_first:
            for mask in (known[name] for name in parts):
                first = first.detach() if mask is None else torch.where(mask, first.detach(), first)
        fused = first
        for name, part in parts.items():
            part = self.norms[name](part.mean(2, keepdim=True)).expand(-1, -1, first.shape[2], -1)
            gate = self.gates[name](torch.cat([first, part], -1)).sigmoid()
            fused = fused + where_known(gate * self.values[name](part), known[name])
        return fused
