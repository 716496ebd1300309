"""Embeddings: a stream to tokens ``(B,T,N,C)``; those of images are in ``embed_image``.

An embedding has the name of its ``stream``, reads it with :func:`read_stream`, and may suggest to :class:`ViT` the
``scope`` of attention and the ``pos_embed`` that suit it.
"""
import math

import torch
from torch import Tensor, nn

from ...registry import EMBEDDINGS
from ...structures import mask_name
from .masks import fill_stream
from .mlp import ACTIVATIONS


class StreamEmbed(nn.Module):
    """Linear embedding of a stream.

    Args:
        in_dim: numbers per token.
        embed_dim: channels C.
        stream: name of the input stream.
        bias: bias of the linear layer.
        act: activation after it, see :class:`Mlp`; None: none.
    """

    def __init__(self, in_dim: int, embed_dim: int, stream: str, bias: bool = True, act: str | None = None):
        super().__init__()
        self.stream = stream
        self.proj = nn.Linear(in_dim, embed_dim, bias)
        self.act = ACTIVATIONS[act]() if act else nn.Identity()

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream] (B,T,N,D) -> (B,T,N,C)``."""
        return self.act(self.proj(read_stream(inputs, self.stream, self.proj.in_features)))


@EMBEDDINGS.register_module()
class TrajectoryEmbed(StreamEmbed):
    """One token per frame of a head trajectory."""

    scope = 'frames'

    def __init__(self, in_dim: int, embed_dim: int, stream: str = 'head_pose'):
        super().__init__(in_dim, embed_dim, stream)

    def forward(self, inputs: dict) -> Tensor:
        """``inputs[stream] (B,T,F) -> (B,T,1,C)``."""
        return super().forward(inputs).unsqueeze(2)  # (B, T, 1, C)


@EMBEDDINGS.register_module()
class WristEmbed(TrajectoryEmbed):
    """One token per frame of a head trajectory, to which the wrists that are seen are added.

    Each hand adds a linear map of its place, and a code that says that it is seen; one that is not seen adds nothing,
    as if the data had no such stream.

    Args:
        in_dim, embed_dim: see :class:`StreamEmbed`.
        wrists: name of the stream of the wrists.
    """

    def __init__(self, in_dim: int, embed_dim: int, wrists: str = 'wrists'):
        super().__init__(in_dim, embed_dim)
        self.streams = (self.stream, wrists)
        self.wrists = nn.Linear(8, embed_dim, bias=False)

    def forward(self, inputs: dict) -> Tensor:
        """``head_pose (B,T,F)`` and, if there are any, ``wrists (B,T,2,3)`` to ``(B,T,1,C)``."""
        tokens = super().forward(inputs)
        name = self.streams[1]
        if name not in inputs:
            return tokens
        places = read_stream(inputs, name, 3)
        seen = inputs.get(mask_name(name))
        seen = torch.ones_like(places[..., :1]) if seen is None else seen[..., None].to(places.dtype)
        hands = torch.cat([places, seen], -1).flatten(2)  # (B, T, 8)
        return tokens + self.wrists(hands).unsqueeze(2)  # (B, T, 1, C)


@EMBEDDINGS.register_module()
class JointEmbed(StreamEmbed):
    """One token per joint and frame of a skeleton, e.g. detected 2D keypoints (D is 2, or 3 with confidence).

    Args:
        in_dim, embed_dim, stream, bias, act: see :class:`StreamEmbed`.
        num_joints: J, so that :class:`ViT` learns a code for each joint; None: what follows tells joints apart, as the
            necks for lifting do.
    """

    scope = 'tokens'

    def __init__(self, in_dim: int, embed_dim: int, stream: str = 'keypoints', bias: bool = True,
                 act: str | None = None, num_joints: int | None = None):
        super().__init__(in_dim, embed_dim, stream, bias, act)
        if num_joints is not None:
            self.num_tokens, self.pos_embed = num_joints, 'learned'


def read_stream(inputs: dict, stream: str, dim: int | None = None) -> Tensor:
    """Values ``(B,T,...)`` of a stream, with its ``blank`` (zero, if not declared) where it is not there.

    Args:
        inputs: streams and their masks, see ``structures.streams``.
        stream: name of the stream.
        dim: what its last dimension should be; None: anything.

    Raises:
        KeyError: there is no such stream.
        ValueError: another last dimension.
    """
    if stream not in inputs:
        raise KeyError(f'the model reads the stream {stream!r}, the data has {sorted(inputs)}')
    if dim not in (None, inputs[stream].shape[-1]):
        raise ValueError(f'stream {stream!r} has {inputs[stream].shape[-1]} numbers per token, the embedding takes '
                         f'in_dim={dim}')
    return fill_stream(inputs, stream)


def streams_of(module: nn.Module | None) -> tuple | None:
    """Names of the streams that the tokens of a backbone or an embedding are made of; None: it does not say.

    A module says so by an attribute ``streams``, or ``stream`` if there is one, or its embedding ``embed`` says so.
    """
    if module is None:
        return None
    streams = getattr(module, 'streams', None) or getattr(module, 'stream', None) \
        or streams_of(getattr(module, 'embed', None))
    return (streams,) if isinstance(streams, str) else streams


def sincos_position(num_frames: int, dim: int, like: Tensor) -> Tensor:
    """Sinusoidal code of the distance to the last frame, ``(T, dim)`` (Vaswani et al., 2017, sec. 3.5).

    Counting from the end gives the newest frame the same code in windows of any length.
    """
    position = torch.arange(num_frames - 1, -1, -1, dtype=torch.float32, device=like.device)
    rate = torch.exp(torch.arange(0, dim, 2, device=like.device) * (-math.log(10000.0) / dim))
    angle = position[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :dim].to(like.dtype)  # (length, dim)
