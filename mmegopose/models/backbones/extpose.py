"""ExtPose: one image transformer over modalities and frames."""
import torch
from torch import Tensor

from ...registry import BACKBONES
from ...structures.streams import mask_name
from ..layers import stream_mask
from .vit import ViT


@BACKBONES.register_module()
class ExtPose(ViT):
    """Attention over the patches of an image, its drawn 2D pose, and other frames (Chen et al., ExtPose, ICML 2025).

    Every modality and frame goes through the same weights with the same position embedding; only the set of keys of
    the attention grows. There is no new parameter, so weights of HMR2.0, HaMeR and ViTPose load as they are. A missing
    modality, or a frame alone, gives exactly the output of :class:`ViT`; frames are interchangeable. The paper names
    multi-modal and cross-frame attention in every layer; their scopes here are our reading.

    Args:
        arch, kwargs: see :class:`ViT`.
        embed: config of the embedding of images that all modalities share; its stream has no effect.
        streams: the modalities M, images of one layout; the first is the one to predict from.
        modality: ``'joint'``: tokens see all modalities; ``'self'``: their own.
        frames: ``'full'``: tokens see all frames; a number k: frames at most k away; ``'none'``: their own.
        first_layer, last_layer: blocks, counted from 0 and both included, with this attention; in the others every
            image is on its own. ``last_layer=None``: the last.
        output: name of the stream whose tokens are returned; ``'all'``: those of all streams; ``'mean'``: their mean
            over the streams that are there. None: the first stream.
        trainable: ``'all'``; ``'qk'``: only queries and keys; ``'first_half'``: the first half of the blocks;
            ``'none'``: a frozen backbone. For ``'qk'`` the gradient of the value rows is zero, so let the optimizer
            decay no ``qkv`` weight.
    """

    def __init__(self, arch: str = 'base', embed: dict | None = None, streams: tuple = ('image', 'pose_image'),
                 modality: str = 'joint', frames: str | int = 'full', first_layer: int = 0,
                 last_layer: int | None = None, output: str | None = None, trainable: str = 'all', **kwargs):
        super().__init__(embed or dict(type='PatchEmbed'), arch, **kwargs)
        depth = len(self.blocks)
        last_layer = depth - 1 if last_layer is None else last_layer
        if modality not in ('joint', 'self'):
            raise ValueError(f"modality={modality!r} should be 'joint' or 'self'")
        if not (frames in ('full', 'none') or isinstance(frames, int) and frames >= 0):
            raise ValueError(f"frames={frames!r} should be 'full', 'none' or the frames to see on each side")
        if not 0 <= first_layer <= last_layer < depth:
            raise ValueError(f'first_layer={first_layer} and last_layer={last_layer} should be ordered layers of '
                             f'0 to {depth - 1}')
        if output not in (None, 'all', 'mean', *streams):
            raise ValueError(f"output={output!r} should be 'all', 'mean' or one of streams={tuple(streams)}")
        self.streams, self.modality, self.frames = tuple(streams), modality, frames
        self.first_layer, self.last_layer = first_layer, last_layer
        self.output = output or streams[0]
        freeze(self, trainable)

    def forward(self, inputs: dict) -> Tensor:
        """``{stream: (B,T,3,H,W)} -> (B,T,N,C)`` of the output stream or the mean; ``(B,T,M*N,C)`` of all.

        ``inputs['image_valid']`` and ``inputs['pose_detected'] (B,T)`` are False for frames without an ``image`` and
        without a ``pose_image``, ``inputs['valid'] (B,T)`` for those that fill up a window. Such an image is seen by
        itself only. In evaluation a stream other than the first may be lacking: then none of its images is there.
        """
        inputs = inputs if self.training else self._completed(inputs)
        x = torch.stack([self.add_position(self.embed(inputs, stream)) for stream in self.streams], 2)  # (B,T,M,N,C)
        first, end = self.first_layer, self.last_layer + 1
        keys = self._seen(inputs, x)
        mask = self._mask(keys, x.shape[1], x.shape[3], x.device)
        x = _run(self.blocks[:first], x, 'self', 'none')
        x = _run(self.blocks[first:end], x, self.modality, self.frames, mask)
        x = _run(self.blocks[end:], x, 'self', 'none')
        if self.output == 'all':
            return self.norm(x).flatten(2, 3)  # (B, T, M*N, C)
        if self.output == 'mean':
            return _mean(self.norm(x), keys)  # (B, T, N, C)
        return self.norm(x[:, :, self.streams.index(self.output)])  # (B, T, N, C)

    def _completed(self, inputs: dict) -> dict:
        """Streams that are lacking, as images that are not there."""
        lacking = [stream for stream in self.streams[1:] if stream not in inputs and self.streams[0] in inputs]
        if not lacking:
            return inputs
        image = inputs[self.streams[0]]
        nowhere = torch.zeros(image.shape[:2], dtype=torch.bool, device=image.device)
        return inputs | dict.fromkeys(lacking, torch.zeros_like(image)) | {mask_name(name): nowhere for name in lacking}

    def _seen(self, inputs: dict, x: Tensor) -> Tensor | None:
        """Which images others may see, ``(B,T,M)``; None: all."""
        there = [stream_mask(inputs, stream) for stream in self.streams]
        if 'valid' not in inputs and all(one is None for one in there):
            return None
        everywhere = x.new_ones(x.shape[:2], dtype=torch.bool)
        keys = torch.stack([everywhere if one is None else one for one in there], -1)
        return keys & inputs.get('valid', everywhere)[..., None]

    def _mask(self, keys: Tensor | None, T: int, N: int, device: torch.device) -> Tensor | None:
        """Where a query may look, ``(B' or 1,1,L,L)`` for the folded tokens; None: everywhere."""
        if self.modality == 'self' and self.frames == 'none':
            return None
        mask = None
        if isinstance(self.frames, int):
            frame = torch.arange(T, device=device)
            if self.modality == 'joint':
                frame = frame.repeat_interleave(len(self.streams))
            mask = ((frame[:, None] - frame).abs() <= self.frames)[None]  # (1, G, G) over images
        if keys is not None:
            keys = _fold(keys, self.modality, self.frames)[:, None]  # (B', 1, G)
            # An image always sees itself, so that no token is without a key.
            seen = keys | torch.eye(keys.shape[-1], dtype=torch.bool, device=device)
            mask = seen if mask is None else mask & seen
        return None if mask is None else mask.repeat_interleave(N, 1).repeat_interleave(N, 2)[:, None]


def _mean(x: Tensor, keys: Tensor | None) -> Tensor:
    """Mean ``(B,T,N,C)`` of ``(B,T,M,N,C)`` over the modalities in ``keys (B,T,M)``; None: all."""
    if keys is None:
        return x.mean(2)
    weights = keys / keys.sum(-1, keepdim=True).clamp(min=1)  # (B, T, M)
    return (x * weights[..., None, None].to(x.dtype)).sum(2)


def _fold(x: Tensor, modality: str, frames: str | int) -> Tensor:
    """Images ``(B,T,M,...)`` to batches of those that attend to each other ``(B',G,...)``."""
    if modality == 'self':
        x = x.transpose(1, 2)  # (B, M, T, ...)
        return x.flatten(0, 2).unsqueeze(1) if frames == 'none' else x.flatten(0, 1)  # (B*M*T, 1, ...), (B*M, T, ...)
    return x.flatten(0, 1) if frames == 'none' else x.flatten(1, 2)  # (B*T, M, ...), (B, T*M, ...)


def _unfold(x: Tensor, B: int, T: int, M: int, modality: str) -> Tensor:
    """Inverse of :func:`_fold`."""
    if modality == 'self':
        return x.reshape(B, M, T, *x.shape[2:]).transpose(1, 2)  # (B, T, M, ...)
    return x.reshape(B, T, M, *x.shape[2:])  # (B, T, M, ...)


def _run(blocks, x: Tensor, modality: str, frames: str | int, mask: Tensor | None = None) -> Tensor:
    """Blocks over tokens ``(B,T,M,N,C)`` with one scope of attention."""
    B, T, M, N, _ = x.shape
    x = _fold(x, modality, frames).flatten(1, 2)  # (B', G*N, C)
    for block in blocks:
        x = block(x, mask)
    return _unfold(x.unflatten(1, (-1, N)), B, T, M, modality)  # (B, T, M, N, C)


def freeze(model: ViT, trainable: str) -> None:
    """Leave only the named part of the weights to the optimizer."""
    blocks = list(model.blocks)
    parts = dict(all=[model], qk=[block.attn.qkv for block in blocks], first_half=blocks[:len(blocks) // 2], none=[])
    if trainable not in parts:
        raise ValueError(f'trainable={trainable!r} should be one of {list(parts)}')
    model.requires_grad_(False)
    for part in parts[trainable]:
        part.requires_grad_(True)
        if trainable == 'qk':
            for parameter in part.parameters():
                parameter.register_hook(_without_values)


def _without_values(grad: Tensor) -> Tensor:
    """Gradient of a fused query, key and value projection, zero for the values."""
    queries, keys, values = grad.chunk(3)
    return torch.cat([queries, keys, torch.zeros_like(values)])
