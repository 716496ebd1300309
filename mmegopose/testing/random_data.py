"""Random inputs and targets, as streams and fields declare them."""
import torch
from torch import Tensor

from ..registry import STREAMS
from ..structures import PoseDataSample, find_stream, mask_name
from ..structures.sample import FIELDS, SampleField

SIZES = dict(B=3, T=6, N=17, J=17, C=16, D=2, F=5, H=64, W=48, h=16, w=12, S=10, V=20)  # by letter of the vocabulary
TARGETS = ('joints', 'visible', 'frame_ids')


def make_streams(names: tuple, sizes: dict | None = None, seed: int = 0) -> dict[str, Tensor]:
    """Random values of declared streams; masks are mostly True, and True in the last frame."""
    out, generator = {}, torch.Generator().manual_seed(seed)
    masks = {'valid', *map(mask_name, (*STREAMS.module_dict, *names))}
    for name in names:
        stream = find_stream(name)
        if stream is None:
            raise KeyError(f'the stream {name!r} is not declared: register_stream(Stream({name!r}, (...)))')
        out[name] = torch.randn(_shape(stream.shape, sizes), generator=generator)
        if name in masks:
            out[name] = out[name] > -0.5
            out[name][:, -1] = True
    return out


def make_targets(names: tuple = TARGETS, sizes: dict | None = None, seed: int = 1) -> PoseDataSample:
    """Random values of declared fields of a data sample, or of fields that ``names`` gives with their shape.

    ``sizes`` may hold sizes of one field, e.g. ``dict(J=21, body_pose=dict(J=15))``.
    """
    sample, generator = PoseDataSample(), torch.Generator().manual_seed(seed)
    for name in names:
        field = SampleField(names[name]) if isinstance(names, dict) else FIELDS.get(name)
        if field is None:
            raise KeyError(f'the field {name!r} is not declared: register_field({name!r}, (...))')
        shape = _shape(field.shape, (sizes or {}) | (sizes or {}).get(name, {}))
        value = torch.randn(shape, generator=generator)
        if field.unit.startswith('bool'):
            value = value > -0.5
        elif name == 'frame_ids':
            value = 3 * torch.arange(shape[1]).repeat(shape[0], 1)
        elif name in ('sequence', 'index'):
            value = torch.arange(shape[0])
        elif name.endswith('_conf'):
            value = value.sigmoid()
        sample.set_field(value, name)
    return sample


def make_tokens(sizes: dict | None = None, seed: int = 0) -> Tensor:
    """Random tokens ``(B,T,N,C)``."""
    return torch.randn(_shape('BTNC', sizes), generator=torch.Generator().manual_seed(seed))


def _shape(letters, sizes: dict | None) -> tuple:
    sizes = SIZES | (sizes or {})
    return tuple(size if isinstance(size, int) else sizes[size] for size in letters)


def cut(value, samples: slice, num_frames: int):
    """Samples and the last frames of nested tensors ``(B,T,...)``."""
    if isinstance(value, dict):
        return {key: cut(item, samples, num_frames) for key, item in value.items()}
    if isinstance(value, PoseDataSample):
        value = value.last_frames(num_frames)
        return PoseDataSample(**{key: item[samples] for key, item in value.items()})
    return value[samples, -num_frames:]
