"""Embedding of pictures as one token per frame."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...registry import EMBEDDINGS, MODELS
from .linear import Linear


@EMBEDDINGS.register_module()
class FrameEmbed(BaseModule):
    """One token per frame of a stream of pictures, from the tokens that an image encoder makes of each.

    Tokens of the encoder keep their places: each becomes ``token_dim`` numbers, and all of a frame together the token.
    So it is told where in the picture something is, which a mean would not tell.

    Args:
        embed_dim: channels C.
        encoder: config of an embedding or a backbone of images, e.g. ``dict(type='ConvStem', embed_dim=64,
            img_size=(96, 96), stream='view')``, or a ``ViT`` whose ``init_cfg`` loads weights.
        in_dim: channels of its tokens.
        token_dim: numbers of each of its tokens.
        trainable: False: the encoder is frozen, and its dropout is off.
    """

    scope, pos_embed = 'frames', 'sincos'

    def __init__(self, embed_dim: int, encoder: dict, in_dim: int, token_dim: int = 16, trainable: bool = True,
                 init_cfg: dict | None = None):
        super().__init__(init_cfg)
        self.encoder, self.trainable, self.in_dim = MODELS.build(encoder), trainable, in_dim
        if not hasattr(self.images, 'num_tokens'):
            raise ValueError(f'encoder={encoder} should read images, but {type(self.images).__name__} has no '
                             'num_tokens')
        self.stream = self.images.stream
        self.norm = nn.LayerNorm(in_dim)
        self.reduce, self.act = Linear(in_dim, token_dim), nn.GELU()
        self.proj = Linear(self.images.num_tokens * token_dim, embed_dim)
        self.encoder.requires_grad_(trainable)

    @property
    def images(self) -> nn.Module:
        """The embedding of images that the encoder begins with, or is."""
        return getattr(self.encoder, 'embed', self.encoder)

    def train(self, mode: bool = True) -> 'FrameEmbed':
        super().train(mode)
        if not self.trainable:
            self.encoder.eval()
        return self

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream] (B,T,3,H,W) -> (B,T,1,C)``."""
        with torch.set_grad_enabled(self.trainable and torch.is_grad_enabled()):
            tokens = self.encoder(inputs)  # (B, T, N, C')
        return self.proj(self.act(self.reduce(self.norm(tokens))).flatten(2)).unsqueeze(2)  # (B, T, 1, C)
