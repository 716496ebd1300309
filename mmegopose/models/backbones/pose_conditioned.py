"""Other ways to show a drawn 2D pose to an image transformer: the baselines of ExtPose's ablation.

The others are configs: image only and pose only are ``VisionTransformer(stream=...)``, late fusion is ``ExtPose`` with
``modality='self', frames='none'`` and ``output='all'`` or ``'mean'``.
"""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import BACKBONES
from .extpose import freeze
from .vision_transformer import VisionTransformer


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
class ConcatViT(VisionTransformer):
    """The image and the drawn pose as one image of six channels, those of the pose with weights from zero.

    Args:
        arch, kwargs: see :class:`VisionTransformer`.
        pose_stream: name of the stream of the drawn pose.
    """

    def __init__(self, arch: str | None = 'base', pose_stream: str = 'pose_image', **kwargs):
        super().__init__(arch, **kwargs)
        self.pose_stream, self.streams = pose_stream, (self.stream, pose_stream)
        self.patch_embed.proj = PairedConv(self.patch_embed.proj)

    def embed(self, inputs: dict, stream: str) -> Tensor:
        """``inputs[stream]`` and ``inputs[pose_stream] (B,T,3,H,W)`` to tokens with their position ``(B,T,N,C)``."""
        missing = [name for name in (stream, self.pose_stream) if name not in inputs]
        if missing:
            raise KeyError(f'ConcatViT reads the streams {missing}, the data has {sorted(inputs)}')
        return super().embed({stream: torch.cat([inputs[stream], inputs[self.pose_stream]], 2)}, stream)  # 6 channels


@BACKBONES.register_module()
class ControlNetViT(VisionTransformer):
    """A copy of the transformer reads the drawn pose and adds to every block of the first (Zhang et al., ControlNet,
    ICCV 2023, arXiv 2302.05543).

    The additions go through projections that start at zero. ``init_weights`` makes the copy, after ``init_cfg``.

    Args:
        arch, kwargs: see :class:`VisionTransformer`.
        pose_stream: name of the stream of the drawn pose.
        trainable: part of the image's transformer to train, see :class:`ExtPoseViT`; ``'none'`` as in ControlNet.
    """

    def __init__(self, arch: str | None = 'base', pose_stream: str = 'pose_image', trainable: str = 'all',
                 init_cfg: dict | None = None, **kwargs):
        super().__init__(arch, init_cfg=init_cfg, **kwargs)
        freeze(self, trainable)
        self.control = VisionTransformer(arch, stream=pose_stream, **kwargs)
        self.streams = (self.stream, pose_stream)
        del self.control.last_norm
        embed_dim = self.pos_embed.shape[-1]
        self.zero = nn.ModuleList(nn.Linear(embed_dim, embed_dim) for _ in self.blocks)
        for parameter in self.zero.parameters():
            nn.init.zeros_(parameter)

    def init_weights(self) -> None:
        super().init_weights()
        own = self.state_dict()
        self.control.load_state_dict({key: own[key] for key in self.control.state_dict()})

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream]`` and ``inputs[pose_stream] (B,T,3,H,W) -> (B,T,N,C)``; frames are independent."""
        x = self.embed(inputs, self.stream)
        B, T = x.shape[:2]
        x, control = x.flatten(0, 1), self.control.embed(inputs, self.control.stream).flatten(0, 1)  # (B*T, N, C)
        for block, copy, zero in zip(self.blocks, self.control.blocks, self.zero):
            control = copy(control)
            x = block(x) + zero(control)
        return self.last_norm(x).unflatten(0, (B, T))  # (B, T, N, C)
