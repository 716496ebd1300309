"""Joint coordinates through a volume for each joint."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import HEADS
from ...structures import PoseDataSample
from ..losses import global_mean, where_labelled
from ..weights.egoexo4d_potter import read_joint_statistics

DEVIATION_M = 0.05


@HEADS.register_module()
class VolumeJointHead(BaseModule):
    """Joints of a hand from the three projections of a volume, learned relative to their mean and deviation.

    The head of the hand baseline of Ego-Exo4D, POTTER (Zheng et al., CVPR 2023, arXiv 2303.13357), over the patches of
    any image transformer: one volume a joint, its sums along two axes at a time, and a small network that all joints
    share. It owns its loss, the squared error in units of the deviation.

    Args:
        embed_dim: channels C of the tokens.
        num_joints: joints J.
        img_size, patch_size: of the backbone, whose patches are the pixels of the volume.
        num_depths: planes of the volume in depth; None: as many as it has rows.
        conv_dim, mlp_dim: channels before the volume, and of the network after it.
        statistics: the official ``ego4d_dataset.py``, see :func:`.read_joint_statistics`, read where training
            starts; checkpoints hold its numbers. None: mean 0 and a deviation of 5 cm.
        loss_weight: factor of the loss.
    """

    def __init__(self, embed_dim: int = 768, num_joints: int = 21, img_size: tuple = (224, 224), patch_size: int = 16,
                 num_depths: int | None = None, conv_dim: int = 256, mlp_dim: int = 512,
                 statistics: str | None = None, loss_weight: float = 1.0, init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.grid = tuple(side // patch_size for side in img_size)
        depths = num_depths or self.grid[0]
        self.volume = nn.Sequential(
            nn.Conv2d(embed_dim, conv_dim, 1), nn.GELU(), nn.GroupNorm(1, conv_dim),
            nn.Conv2d(conv_dim, num_joints * depths, 1), nn.Unflatten(1, (num_joints, depths)))
        self.mix = nn.Sequential(  # of the volumes of all joints
            nn.Conv3d(num_joints, num_joints, 1), nn.GELU(), nn.GroupNorm(num_joints, num_joints),
            nn.Conv3d(num_joints, num_joints, 1))
        self.readout = nn.Sequential(
            nn.Linear(depths + sum(self.grid), mlp_dim), nn.ReLU(), nn.GroupNorm(num_joints, num_joints),
            nn.Linear(mlp_dim, 3))
        self.statistics, self.loss_weight = statistics, loss_weight
        self.register_buffer('mean', torch.zeros(num_joints, 3))
        self.register_buffer('deviation', torch.full((num_joints, 3), DEVIATION_M))

    def init_weights(self) -> None:
        super().init_weights()
        if self.statistics is not None:
            mean, deviation = read_joint_statistics(self.statistics)
            self.mean.copy_(mean)
            self.deviation.copy_(deviation)

    def normalized(self, tokens: Tensor) -> Tensor:
        """``(B,T,N,C)`` to joints from their mean, in deviations ``(B,T,J,3)``."""
        if tokens.shape[2] != self.grid[0] * self.grid[1]:
            raise ValueError(f'VolumeJointHead is built for {self.grid[0]} x {self.grid[1]} patches, got '
                             f'{tokens.shape[2]} tokens per frame; give it the img_size and patch_size of the backbone')
        image = tokens.flatten(0, 1).mT.unflatten(-1, self.grid)  # (B*T, C, h, w)
        volume = self.mix(self.volume(image))  # (B*T, J, D, h, w)
        sums = torch.cat([volume.sum(axes) for axes in ((2, 3), (2, 4), (3, 4))], -1)  # (B*T, J, w+h+D)
        return self.readout(sums).unflatten(0, tokens.shape[:2])  # (B, T, J, 3)

    def forward(self, tokens: Tensor) -> dict:
        """``(B,T,N,C) -> dict(joints=(B,T,J,3))``, metres from the wrist."""
        return dict(joints=self.normalized(tokens) * self.deviation + self.mean)

    def loss(self, tokens: Tensor, samples: PoseDataSample) -> Tensor:
        """Tokens ``(B,T,N,C)``, ``joints (B,T,J,3)`` and ``visible (B,T,J)`` to a scalar."""
        target = (where_labelled(samples.joints, samples.visible) - self.mean) / (self.deviation + 1e-11)
        error = (self.normalized(tokens) - target).square().mean(-1)
        return self.loss_weight * global_mean(error, samples.visible)
