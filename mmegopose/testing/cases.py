"""What modules of each kind are given, and what comes out."""
import copy
import re

import torch
from torch import Tensor, nn

from ..models.branch import accepts
from ..models.layers import streams_of
from ..registry import (
    BACKBONES,
    DATASETS,
    EMBEDDINGS,
    FUSIONS,
    HEADS,
    LOSSES,
    METRICS,
    MODELS,
    NECKS,
    READERS,
    STREAMS,
    TRANSFORMS,
    WINDOWS,
)
from ..structures.sample import FIELDS
from .random_data import SIZES, TARGETS, make_streams, make_targets, make_tokens


def make_case(config: dict, **options) -> 'Case':
    """The case of a module, of the class for its kind; see :class:`Case` for the options."""
    kind = config['type']
    if isinstance(kind, str) and MODELS.get(kind) is None:
        _refuse_others(kind)
        raise KeyError(f'type={kind!r} is not registered; {MODELS.remedy(kind)}')
    for part, case in ((BACKBONES, StreamsCase), (EMBEDDINGS, StreamsCase), (NECKS, NeckCase), (FUSIONS, FusionCase),
                       (HEADS, HeadCase), (LOSSES, LossCase)):
        if any(name == kind or part.get(name) is kind for name in part.names()):
            return case(config, part.name, **options)
    return EstimatorCase(config, 'estimator', **options)


def _refuse_others(kind: str) -> None:
    """Raise ``KeyError`` for what is registered, but is no module."""
    for registry, page in ((METRICS, 'metric'), (TRANSFORMS, 'transform'), (DATASETS, 'data_set'),
                           (READERS, 'data_set'), (WINDOWS, 'data_set')):
        if registry.get(kind) is not None:
            raise KeyError(f'type={kind!r} is a {registry.name}; check_module checks modules of models only: '
                           f'docs/contracts/{page}.md shows how to test it')


class Case:
    """A module and what it is given.

    Args:
        config: of the module.
        kind: for messages.
        streams: names of the streams that a backbone, an embedding or an estimator reads; None: those that it names.
        masks: streams that say what is not there, in all checks, e.g. ``('valid', 'detected')``; that of masks adds
            ``valid`` and the masks that the streams declare by itself.
        targets: fields of the labels.
        outputs: fields that a loss, or a fusion of outputs, is given as outputs; what is not declared as a field comes
            with its shape: ``dict(heatmaps=('B', 'T', 'J', 'h', 'w'))``.
        sizes: sizes by letter where they are not those of ``SIZES``, e.g. ``dict(F=16, N=1)``; of one field:
            ``dict(body_pose=dict(J=15))``.
        idle: pattern of the parameters that need no gradient, e.g. because a softmax over one key hides them.
        tolerance: relative error in bfloat16.
        min_frames: frames that a loss of changes in time needs at least.
    """

    def __init__(self, config: dict, kind: str, *, streams: tuple | None = None, masks: tuple = (),
                 targets: tuple = TARGETS, outputs: tuple | dict = ('joints',), sizes: dict | None = None,
                 idle: str = '', tolerance: float = 0.03, min_frames: int = 1):
        self.config, self.kind, self.streams, self.masks, self.outputs = config, kind, streams, masks, outputs
        self.idle, self.tolerance, self.min_frames = idle, tolerance, min_frames
        module = self.build()
        unused = idle and not any(re.search(idle, key) for key, _ in module.named_parameters())
        self.require(not unused, f'idle={idle!r} matches none of its parameters, which are '
                                 f'{", ".join(key for key, _ in module.named_parameters())}')
        self.fixed = any(getattr(part, 'any_length', True) is False for part in module.modules())
        channels = config.get('embed_dim', SIZES['C'])
        self.sizes = SIZES | dict(C=channels) | (sizes or {})
        self.given = self.make(module) | dict(targets=make_targets(targets, self.sizes))

    def build(self) -> nn.Module:
        """The module, the same each time."""
        torch.manual_seed(0)
        return MODELS.build(copy.deepcopy(self.config))

    def shaken(self) -> nn.Module:
        """The module with random parameters: what starts at zero hides gradients and differences."""
        module = self.build()
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.2)
        return module

    def make(self, module: nn.Module) -> dict:
        """What the module is given: tensors ``(B,T,...)`` by name, or dicts of them."""
        raise NotImplementedError

    def run(self, module: nn.Module, given: dict) -> dict[str, Tensor]:
        """What comes out, by name."""
        raise NotImplementedError

    def objective(self, module: nn.Module) -> Tensor:
        """A scalar whose gradient should reach every parameter: all that comes out, weighed at random."""
        generator = torch.Generator().manual_seed(2)
        return sum((value * torch.randn(value.shape, generator=generator)).sum()
                   for value in self.run(module, self.given).values() if value.is_floating_point())

    def values(self, module: nn.Module, given: dict | None = None) -> dict[str, Tensor]:
        """What comes out, without gradients and with the same random numbers each time."""
        torch.manual_seed(1)
        with torch.no_grad():
            return self.run(module, self.given if given is None else given)

    def require(self, promise, text: str) -> None:
        """Raise an ``AssertionError`` that names the module, unless the promise is kept."""
        if not promise:
            kind = self.config['type']
            raise AssertionError(f'{self.kind} {kind if isinstance(kind, str) else kind.__name__}: {text}')

    def require_shape(self, name: str, value: Tensor, size: int, num_frames: int) -> None:
        """Outputs have a row per sample, and one per frame or one for the last frame."""
        self.require(value.isfinite().all(), f'{name!r} is not finite for {size} windows of {num_frames} frames')
        self.require(value.ndim > 1 and value.shape[0] == size and value.shape[1] in (1, num_frames),
                     f'{name!r} is {tuple(value.shape)} for {size} windows of {num_frames} frames')


class StreamsCase(Case):
    """A backbone or an embedding: streams to tokens."""

    def make(self, module):
        names = self.streams or streams_of(module)
        if not names:
            self.require(False, "does not say what it reads, in an attribute streams; the check takes streams=('...',)")
        return dict(inputs=make_streams((*names, *self.masks), self.sizes))

    def run(self, module, given):
        return dict(tokens=module(given['inputs']))

    def require_shape(self, name, value, size, num_frames):
        super().require_shape(name, value, size, num_frames)
        self.require(value.ndim == 4 and value.shape[1] == num_frames,
                     f'{name!r} is {tuple(value.shape)}, not (B,T,N,C)')


class NeckCase(StreamsCase):
    """Tokens to tokens."""

    def make(self, module):
        if self.fixed:
            self.sizes['T'] = getattr(module, 'num_frames', self.sizes['T'])
        given = dict(tokens=make_tokens(self.sizes))
        if accepts(module, 'mask'):
            given['mask'] = make_streams(('detected',), self.sizes | dict(J=self.sizes['N']))['detected']
        return given

    def run(self, module, given):
        return dict(tokens=module(given['tokens'], **{key: given[key] for key in ('mask',) if key in given}))


class FusionCase(Case):
    """Tokens of branches, or their outputs too, to one."""

    def make(self, module):
        given = dict(tokens={name: make_tokens(self.sizes, seed) for seed, name in enumerate(module.names)})
        if module.level == 'outputs':
            given['outputs'] = {name: dict(make_targets(self.outputs, self.sizes, seed).items())
                                for seed, name in enumerate(module.names)}
        if accepts(module, 'there'):
            given['there'] = {name: self._there(seed) for seed, name in enumerate(module.names)}
        return given

    def _there(self, seed: int) -> Tensor:
        """Where a branch is there, ``(B,T)``: the first one everywhere, the others nowhere in the last window."""
        there = make_streams(('valid',), self.sizes, seed)['valid']
        there[-1] = False
        return there | (seed == 0)

    def run(self, module, given):
        there = {name: given[name] for name in ('there',) if name in given}
        if module.level == 'tokens':
            return dict(tokens=module(given['tokens'], **there))
        return module(given['tokens'], given['outputs'], **there)


class HeadCase(Case):
    """Tokens to outputs, with a loss of its own or without."""

    def make(self, module):
        given = dict(tokens=make_tokens(self.sizes))
        names = self.streams or streams_of(module) or ()
        return given | dict(inputs=make_streams(names, self.sizes)) if accepts(module, 'inputs') else given

    def run(self, module, given):
        predicted = module.predict(given['tokens']) if hasattr(module, 'predict') else {}
        streams = {name: given[name] for name in ('inputs',) if name in given}
        return module(given['tokens'], **streams) | {f'predicted {name}': value for name, value in predicted.items()}

    def objective(self, module):
        if not hasattr(module, 'loss'):
            return super().objective(module)
        loss = module.loss(self.given['tokens'], self.given['targets'])
        return sum(loss.values()) if isinstance(loss, dict) else loss


class LossCase(Case):
    """Outputs and targets to a scalar, or a dict of scalars."""

    def make(self, module):
        outputs = dict(make_targets(self.outputs, self.sizes, seed=3).items())
        given = dict(outputs={name: value.requires_grad_() for name, value in outputs.items()})
        return given | dict(inputs=make_streams(self.streams or (), self.sizes)) if accepts(module, 'inputs') else given

    def run(self, module, given):
        try:
            loss = module(given['outputs'], given['targets'], **{k: given[k] for k in ('inputs',) if k in given})
        except (KeyError, AttributeError) as error:
            option, name = _option_for(error, given)
            if option is None:
                raise
            raise KeyError(f'the loss reads {name!r}, which it is not given: check_module(..., {option}=({name!r}, '
                           '...)) names all that it reads') from error
        return loss if isinstance(loss, dict) else dict(loss=loss)

    def require_shape(self, name, value, size, num_frames):
        self.require(value.ndim == 0 and value.isfinite(),
                     f'{name!r} is {value} for {size} windows of {num_frames} frames')


def _option_for(error: KeyError | AttributeError, given: dict) -> tuple:
    """The option of a case that gives a loss what it did not find, and its name; None twice: there is none."""
    if isinstance(error, AttributeError):
        return ('targets', error.name) if error.obj is given['targets'] and error.name in FIELDS else (None, None)
    name = error.args[0] if error.args else None
    known = dict(streams=(STREAMS.module_dict, 'inputs'), outputs=(FIELDS, 'outputs'))
    return next(((option, name) for option, (names, place) in known.items()
                 if name in names and place in given and name not in given[place]), (None, None))


class EstimatorCase(StreamsCase):
    """Streams and targets to losses and predictions."""

    def run(self, module, given):
        sample = module(given['inputs'], given['targets'], mode='predict')[0]
        return {name: value for name, value in sample.items() if name.startswith('pred_')}

    def objective(self, module):
        return module.parse_losses(module(self.given['inputs'], self.given['targets'], mode='loss'))[0]

    def require_shape(self, name, value, size, num_frames):
        Case.require_shape(self, name, value, size, num_frames)
