"""Learned weights for the branches' outputs."""
import torch
from mmengine.model import BaseModule
from torch import nn

from ...registry import FUSIONS
from .weighted import branches_there, check_weights


@FUSIONS.register_module()
class CrossAttentionFusion(BaseModule):
    """Each joint weighs the branches by cross-attention (the "cross attention weight block" of the Level-wise ViT).

    One learned query per joint attends to the branches' tokens; the attention weights, not values, are the result:
    per frame and joint a convex combination of the branches' outputs. The keys start at zero, so that training
    starts from ``prior``, the weights of :class:`WeightedFusion`. A branch of which no stream is there has no weight.
    The report gives no equations; this is our reading.

    Args:
        prior: initial weight per branch.
        embed_dim: channels of the branches' tokens.
        num_joints: joints J.
    """

    level = 'outputs'

    def __init__(self, prior: dict, embed_dim: int = 256, num_joints: int = 17, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        check_weights(prior)
        self.names = tuple(prior)
        self.query = nn.Parameter(torch.empty(num_joints, embed_dim).normal_(std=embed_dim ** -0.5))
        self.norms = nn.ModuleDict({name: nn.LayerNorm(embed_dim) for name in self.names})
        self.keys = nn.ModuleDict({name: nn.Linear(embed_dim, embed_dim) for name in self.names})
        for key in self.keys.values():
            nn.init.zeros_(key.weight)
            nn.init.zeros_(key.bias)
        self.register_buffer('log_prior', torch.tensor([prior[name] for name in self.names]).log(), persistent=False)

    def forward(self, tokens: dict, outputs: dict, there: dict | None = None) -> dict:
        """``{branch: (B,T,N,C)}, {branch: dict(joints=(B,T,J,3))} -> dict(joints=(B,T,J,3), weights=(B,T,J,K))``.

        ``there``: see the package.
        """
        joints = torch.stack([outputs[name]['joints'] for name in self.names], -1)  # (B, T, J, 3, K)
        frames = joints.shape[1]
        keys = torch.stack([self.keys[n](self.norms[n](tokens[n][:, -frames:].mean(2))) for n in self.names], -1)
        logits = self.query @ keys  # (J, C) @ (B, T, C, K) -> (B, T, J, K)
        logits = logits + self.log_prior
        if there is not None:
            logits = logits.masked_fill(~branches_there(there, self.names, frames)[:, :, None], float('-inf'))
        weights = logits.softmax(-1)
        return dict(joints=(joints * weights.unsqueeze(-2)).sum(-1), weights=weights)
