"""From streams to the tokens that a head reads."""
import contextlib
import inspect
import re

from mmengine.model import BaseModule
from torch import Tensor, nn

from ..registry import BACKBONES, HEADS, MODELS, NECKS, Registry
from ..structures import PoseDataSample
from .layers import streams_of, token_mask


def build_part(config: dict | None, kind: Registry = MODELS) -> nn.Module | None:
    """A module of its config; None stays None. A mistaken type is answered with names of the kind."""
    return kind.build(config) if config else None


def accepts(module: nn.Module | None, argument: str) -> bool:
    """Whether the ``forward`` of a module has an argument of this name."""
    return module is not None and argument in inspect.signature(module.forward).parameters


@contextlib.contextmanager
def reading(part: nn.Module, tokens: Tensor | None):
    """Around a part that reads tokens ``(B,T,N,C)``, if it does: raises ``ValueError`` if it is made for another C."""
    try:
        yield
    except RuntimeError as error:
        if tokens is None:
            raise
        width = tokens.shape[-1]
        found = re.search(rf'cannot be multiplied \(\d+x{width} and (\d+)x|normalized_shape=\[(\d+)\]|'
                          rf'tensor a \({width}\) must match the size of tensor b \((\d+)\) .* dimension 3', str(error))
        if found is None:
            raise
        name = type(part).__name__
        raise ValueError(f'{name} takes tokens of {found[found.lastindex]} channels, but gets {tuple(tokens.shape)}, '
                         f'which have {width}: embed_dim of {name} and of what comes before it should agree') from error


@contextlib.contextmanager
def fusing(fusion: nn.Module, parts: dict):
    """Around a fusion of ``{branch: tokens or outputs}``: raises ``ValueError`` if their sizes do not go together."""
    try:
        yield
    except RuntimeError as error:
        if re.search('must match|shapes cannot', str(error)) is None:
            raise
        sizes = {f'{branch}.{name}' if name else branch: tuple(value.shape) for branch, part in parts.items()
                 for name, value in (part.items() if isinstance(part, dict) else (('', part),))}
        raise ValueError(f'{type(fusion).__name__} cannot join {sizes} of the branches: {error}. Their num_joints, or '
                         'embed_dim and in_dims, should agree') from error


@contextlib.contextmanager
def comparing(loss: nn.Module, outputs: dict, samples: PoseDataSample):
    """Around a loss: raises ``ValueError`` if outputs ``{name: (B,T',...)}`` and targets have other sizes."""
    try:
        yield
    except RuntimeError as error:
        for name, value in outputs.items():
            target = samples.get(name)
            if target is not None and target.shape[2:] != value.shape[2:]:
                raise ValueError(f'{type(loss).__name__} compares {name} {tuple(value.shape)} of the head with '
                                 f'{tuple(target.shape)} of the data: num_joints, or what else gives the head its '
                                 'sizes, should be that of the data') from error
        raise


class NeckAndHead:
    """Mixed into a module with a ``neck`` and a ``head``: gives the neck the mask of the streams, and the head the
    streams themselves, if they take them."""

    def set_neck(self, config: dict | None) -> None:
        """Build the neck; whether it takes a mask is decided here, once."""
        self.neck = build_part(config, NECKS)
        self.neck_accepts_mask = accepts(self.neck, 'mask')

    def set_head(self, config: dict | None) -> None:
        """Build the head; whether it sees the streams is decided here, once."""
        self.head = build_part(config, HEADS)
        self.head_sees_inputs = accepts(self.head, 'inputs')

    def apply_neck(self, tokens: Tensor, inputs: dict, streams: tuple | None) -> Tensor:
        """Tokens ``(B,T,N,C)`` through the neck, if there is one: ``(B,T,N,C)``.

        Raises ``TypeError`` if the streams have frames or tokens that are not there and the neck takes no mask.
        """
        if self.neck is None:
            return tokens
        mask = token_mask(inputs, tokens.shape[2], streams)
        if mask is not None and not self.neck_accepts_mask:
            name = type(self.neck).__name__
            raise TypeError(f'the data has frames or joints that are not there, which the neck {name} cannot leave '
                            f'out: give {name}.forward an argument mask, or leave the streams valid and detected out')
        with reading(self.neck, tokens):
            return self.neck(tokens, mask=mask) if self.neck_accepts_mask else self.neck(tokens)

    def run_head(self, tokens: Tensor, inputs: dict, predict: bool = False) -> dict:
        """Tokens ``(B,T,N,C)`` through the head: outputs ``{name: (B,T',...)}``, or what a user wants to see."""
        with reading(self.head, tokens):
            if predict and hasattr(self.head, 'predict'):
                return self.head.predict(tokens)
            return self.head(tokens, inputs=inputs) if self.head_sees_inputs else self.head(tokens)


class Branch(NeckAndHead, BaseModule):
    """One of several ways from the streams to tokens, with a head of its own or without.

    Args:
        backbone, neck, head: configs; neck and head may be None.
        streams: names of the streams of a shared embedding that the backbone reads.
    """

    def __init__(self, backbone: dict, neck: dict | None = None, head: dict | None = None,
                 streams: tuple | None = None):
        super().__init__()
        self.backbone = build_part(backbone, BACKBONES)
        self.set_neck(neck)
        self.set_head(head)
        self.streams = streams_of(self.backbone) or streams

    def forward(self, inputs: dict) -> Tensor:
        """Streams ``{name: (B,T,...)}`` to tokens ``(B,T,N,C)``, in front of the head."""
        with reading(self.backbone, inputs.get('tokens')):
            tokens = self.backbone(inputs)
        return self.apply_neck(tokens, inputs, self.streams)
