"""Other ways to show a drawn 2D pose to an image transformer: the baselines of ExtPose's ablation.

The others are configs: image only and pose only are ``ViT`` with an embedding of one stream, late fusion is ``ExtPose``
with ``modality='self', frames='none'`` and ``output='all'`` or ``'mean'``.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import BACKBONES
from .extpose import freeze
from .vit import ViT


class PairedConv(nn.Conv2d):
    """A convolution of two images on top of each other; the weights of the second, ``pose``, start at zero.

    It is one convolution of twice the channels, but weights for the first image load as they are.

    Args:
        conv: the convolution of the first image.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
        self.load_state_dict(conv.state_dict())
        self.pose = nn.Parameter(torch.zeros_like(conv.weight))

    def forward(self, images: Tensor) -> Tensor:
        """``(B,2*3,H,W) -> (B,C,h,w)``."""
        image, pose = images.chunk(2, 1)
        return super().forward(image) + F.conv2d(pose, self.pose, None, self.stride, self.padding)


@BACKBONES.register_module()
class ConcatViT(ViT):
    """The image and the drawn pose as one image of six channels, those of the pose with weights from zero.

    Args:
        arch, kwargs: see :class:`ViT`.
        embed: config of the embedding of images.
        pose_stream: name of the stream of the drawn pose.
    """

    def __init__(self, arch: str = 'base', embed: dict | None = None, pose_stream: str = 'pose_image', **kwargs):
        super().__init__(embed or dict(type='PatchEmbed'), arch, **kwargs)
        self.streams = (self.embed.stream, pose_stream)
        self.embed.proj = PairedConv(self.embed.proj)

    def embedded(self, inputs: dict) -> Tensor:
        """Both streams ``(B,T,3,H,W)`` to tokens with their position ``(B,T,N,C)``."""
        paired = torch.cat([self.embed.read(inputs, stream) for stream in self.streams], 2)  # (B, T, 6, H, W)
        return self.add_position(self.embed({self.embed.stream: paired}))


@BACKBONES.register_module()
class ControlNetViT(ViT):
    """A copy of the transformer reads the drawn pose and adds to every block of the first (Zhang et al., ControlNet,
    ICCV 2023, arXiv 2302.05543).

    The additions go through projections that start at zero. ``init_weights`` makes the copy, after ``init_cfg``.

    Args:
        arch, kwargs: see :class:`ViT`.
        embed: config of the embedding of images; the copy has one too.
        pose_stream: name of the stream of the drawn pose.
        trainable: part of the image's transformer to train, see :class:`ExtPose`; ``'none'`` as in ControlNet.
    """

    def __init__(self, arch: str = 'base', embed: dict | None = None, pose_stream: str = 'pose_image',
                 trainable: str = 'all', init_cfg: dict | None = None, **kwargs):
        embed = embed or dict(type='PatchEmbed')
        super().__init__(embed, arch, init_cfg=init_cfg, **kwargs)
        freeze(self, trainable)
        self.control = ViT(dict(embed, stream=pose_stream), arch, **kwargs)
        self.control.norm = nn.Identity()  # nothing reads it
        self.streams = (self.embed.stream, pose_stream)
        dim = self.norm.normalized_shape[0]
        self.zero = nn.ModuleList(nn.Linear(dim, dim) for _ in self.blocks)
        for parameter in self.zero.parameters():
            nn.init.zeros_(parameter)

    def init_weights(self) -> None:
        super().init_weights()
        own = self.state_dict()
        self.control.load_state_dict({key: own[key] for key in self.control.state_dict()})

    def forward(self, inputs: dict) -> Tensor:
        """Both streams ``(B,T,3,H,W) -> (B,T,N,C)``; frames are independent."""
        x, control = self.embedded(inputs), self.control.embedded(inputs)  # (B, T, N, C)
        B, T = x.shape[:2]
        x, control = x.flatten(0, 1), control.flatten(0, 1)  # (B*T, N, C)
        for block, copy, zero in zip(self.blocks, self.control.blocks, self.zero):
            control = copy(control)
            x = block(x) + zero(control)
        return self.norm(x).unflatten(0, (B, T))  # (B, T, N, C)
