"""The one model class: branches, fusion, neck, head."""
from collections.abc import Callable

import torch
from mmengine.model import BaseModel, ModuleDict
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from ..registry import BACKBONES, EMBEDDINGS, FUSIONS, LOSSES, MODELS
from ..structures import PoseDataSample
from .branch import Branch, NeckAndHead, accepts, build_part, comparing, fusing, reading
from .flip import FlipAverage
from .layers import any_stream, frame_mask, streams_of


@MODELS.register_module()
class PoseEstimator(NeckAndHead, BaseModel):
    """Streams to 3D pose.

    ``streams -> backbone -> tokens (B,T,N,C) -> [fusion] -> [neck] -> head -> outputs``. A method with one branch
    names ``backbone``, ``neck`` and ``head``; one with several names ``branches`` and a ``fusion``. A fusion of tokens
    stands before the estimator's own neck and head; a fusion of outputs stands after the branches' heads.
    What the streams say is not there (``valid``, ``detected``, ..., see ``structures.streams``) becomes the ``mask`` of
    the necks; without such streams necks get none.

    A head may own ``loss(tokens, data_samples)``, a scalar or a dict of scalars, for training that needs the targets
    (diffusion, autoregression), and ``predict(tokens)``, for what a user wants to see where that is not what
    ``forward`` returns.

    Args:
        backbone, neck, head: configs of a single branch, or of what follows a fusion of tokens.
        branches: ``{name: dict(backbone=..., neck=..., head=...)}``.
        fusion: config of the fusion of the branches.
        embed: config of an embedding that all branches share; their backbones then have none.
        losses: ``{name: config}``, of the final outputs; a loss is a scalar or a dict of scalars, and sees the inputs
            if its ``forward`` has an argument ``inputs``.
        branch_loss_weight: factor of the losses of each branch's own outputs (deep supervision).
        train_cfg: free for subclasses.
        test_cfg: ``dict(flip='h36m17')``: predict the mean of the batch and its mirror image, see ``FlipAverage``; the
            rest is free for subclasses.
        data_preprocessor, init_cfg: see mmengine's ``BaseModel``.

    Raises:
        ValueError: parts that do not go together, or that nothing would train.
    """

    def __init__(self, backbone: dict | None = None, neck: dict | None = None, head: dict | None = None,
                 branches: dict | None = None, fusion: dict | None = None, embed: dict | None = None,
                 losses: dict | None = None, branch_loss_weight: float = 0.0, train_cfg: dict | None = None,
                 test_cfg: dict | None = None, data_preprocessor: dict | None = None, init_cfg: dict | None = None):
        super().__init__(data_preprocessor, init_cfg)
        if bool(branches) == bool(backbone) or bool(branches) != bool(fusion):
            raise ValueError('PoseEstimator needs either backbone and head, or branches and fusion')
        # Parameters are listed in this order, on which the last bit of sums over all of them depends.
        self.embed = build_part(embed, EMBEDDINGS)
        self.set_neck(neck)
        self.set_head(head)
        self.fusion = build_part(fusion, FUSIONS)
        self.fusion_knows_there = accepts(self.fusion, 'there')
        self.backbone = build_part(backbone, BACKBONES)
        branches, shared = branches or {}, streams_of(self.embed)
        self.branches = ModuleDict({name: _branch(name, config, shared) for name, config in branches.items()})
        self.losses = LossDict({name: build_part(config, LOSSES) for name, config in (losses or {}).items()})
        self.branch_loss_weight = branch_loss_weight
        self.train_cfg, self.test_cfg = train_cfg or {}, test_cfg or {}
        self.streams = streams_of(self.backbone) or shared if backbone else _union(self.branches.values())
        self.flip = FlipAverage(self.test_cfg['flip'], self.streams or ()) if self.test_cfg.get('flip') else None
        self.engine: Callable[[dict], dict] | None = None  # in the place of outputs(), see use_engine
        self._check_parts()

    def _check_parts(self) -> None:
        level = None if self.fusion is None else self.fusion.level
        if level not in (None, 'tokens', 'outputs'):
            raise ValueError(f"{type(self.fusion).__name__}.level={level!r} should be 'tokens' or 'outputs'")
        late = level == 'outputs'
        if late and (self.head or not all(branch.head for branch in self.branches.values())):
            raise ValueError('a fusion of outputs needs a head in every branch and none of its own')
        if not late and self.head is None:
            raise ValueError('PoseEstimator needs a head')
        if 'head' in self.losses and hasattr(self.head, 'loss'):
            raise ValueError("the head owns a loss, whose name is 'head': give the other loss of this name another one")
        if self.branch_loss_weight and not any(branch.head for branch in self.branches.values()):
            raise ValueError(f'branch_loss_weight={self.branch_loss_weight} weighs the losses of heads in branches, '
                             'of which there is none')
        names = getattr(self.fusion, 'names', tuple(self.branches))
        unknown = [name for name in names if name not in self.branches]
        if unknown:
            raise ValueError(f'{type(self.fusion).__name__} names the branches {unknown}, the model has '
                             f'{list(self.branches)}')
        for name, branch in self.branches.items():
            supervised = branch.head is not None and self.branch_loss_weight
            if not supervised and (name not in names or (branch.head is not None and not late)):
                raise ValueError(f'nothing would train the {"head of the " if name in names else ""}branch {name!r}: '
                                 'the fusion does not read it. Set branch_loss_weight for a loss on the outputs of the '
                                 'branches, or leave it out')
            if hasattr(branch.head, 'loss') and not supervised:
                raise ValueError(f'the head of the branch {name!r} owns its loss, which counts by branch_loss_weight')

    def init_weights(self) -> None:
        """Initialise all parts by their ``init_cfg``; initialisers are looked up in this package too."""
        if DefaultScope.get_current_instance() is not None:
            return super().init_weights()
        with DefaultScope.overwrite_default_scope('mmegopose'):
            super().init_weights()

    def forward(self, inputs: dict, data_samples: PoseDataSample | None = None, mode: str = 'tensor'):
        """Streams ``{name: (B,T,...)}`` to outputs, losses or predictions.

        Args:
            inputs: the streams.
            data_samples: targets of the batch.
            mode: ``'tensor'``: the outputs, a dict of ``(B,T',...)``, e.g. ``joints (B,T',J,3)``; ``'loss'``: a dict of
                scalars; ``'predict'``: a list with the batch's one data sample, cut to the predicted frames, with a
                field ``pred_...`` for each output, e.g. ``pred_joints``. With flip there are only joints.
        """
        if mode == 'loss':
            return self._losses(inputs, data_samples)
        empty = mode == 'predict' and not len(next(iter(inputs.values())))
        if empty:  # nothing of a test batch could be read: a window of zeros stands in, so that no module need know
            inputs = {name: stream.new_zeros(1, *stream.shape[1:]) for name, stream in inputs.items()}
        outputs = self.predicted(inputs) if mode == 'predict' else self._outputs(inputs)
        if mode == 'tensor':
            return outputs
        if empty:
            outputs = {name: value[:0] for name, value in outputs.items()}
        outputs, samples = _same_frames(outputs, data_samples)
        samples.set_data({f'pred_{key}': value for key, value in outputs.items()})
        return [samples]

    def predicted(self, inputs: dict) -> dict:
        """Streams ``{name: (B,T,...)}`` to the outputs ``{name: (B,T',...)}`` that a user wants, see ``test_cfg``."""
        run = self.outputs if self.engine is None or torch.compiler.is_compiling() else self.engine
        if self.flip is None:
            return run(inputs)
        outputs = run(self.flip.double(inputs))
        if 'joints' not in outputs:
            raise ValueError(f'test_cfg=dict(flip=...) averages joints, the head returns {sorted(outputs)}')
        return dict(joints=self.flip.average(outputs['joints']))

    def outputs(self, inputs: dict) -> dict:
        """As :meth:`predicted`, of one forward pass, in PyTorch."""
        return self._outputs(inputs, predict=True)

    def compile_networks(self, **options) -> None:
        """Compile the networks in place, leaving the training step, which changes from call to call, alone."""
        for part in (self, *self.branches.values()):
            for name in ('embed', 'backbone', 'neck', 'head', 'fusion'):
                if getattr(part, name, None) is not None:
                    getattr(part, name).compile(**options)

    def _tokens(self, inputs: dict) -> tuple[Tensor | None, dict]:
        """Tokens ``(B,T,N,C)`` of the own head, None if there is none, and ``{branch: tokens}``."""
        if self.embed is not None:
            inputs = dict(inputs, tokens=self.embed(inputs))
        branches = {name: self.branches[name](inputs) for name in self._run(inputs)}
        if self.head is None:
            return None, branches
        if self.backbone is not None:
            with reading(self.backbone, inputs.get('tokens')):
                tokens = self.backbone(inputs)
        else:
            with fusing(self.fusion, branches):
                tokens = self.fusion(branches, **self._there(inputs, branches))
        return self.apply_neck(tokens, inputs, self.streams), branches

    def _run(self, inputs: dict) -> list:
        """Names of the branches to run: in evaluation not those whose streams the data lacks, save the first one, if
        the fusion of tokens knows what is there."""
        if self.head is None or not self.fusion_knows_there or self.training:
            return list(self.branches)
        return [name for name, branch in self.branches.items() if name == self.fusion.names[0] or not branch.streams
                or any(stream in inputs for stream in branch.streams)]

    def _there(self, inputs: dict, branches: dict) -> dict:
        """The argument ``there`` of a fusion that has it, where some branch may see nothing."""
        if not self.fusion_knows_there:
            return {}
        mask_of = any_stream if self.head is None else frame_mask  # outputs of a frame that is not valid count nowhere
        there = {name: mask_of(inputs, self.branches[name].streams) for name in branches}
        return dict(there=there) if any(mask is not None for mask in there.values()) else {}

    def _outputs(self, inputs: dict, predict: bool = False) -> dict:
        """Outputs ``{name: (B,T',...)}``."""
        tokens, branches = self._tokens(inputs)
        if self.head is not None:
            return self.run_head(tokens, inputs, predict)
        return self._fused(inputs, branches, {name: self.branches[name].run_head(value, inputs, predict)
                                              for name, value in branches.items()})

    def _fused(self, inputs: dict, tokens: dict, outputs: dict) -> dict:
        """Outputs of all branches to one; a fusion with an argument ``there`` knows which branches see nothing."""
        with fusing(self.fusion, outputs):
            return self.fusion(tokens, outputs, **self._there(inputs, tokens))

    def _losses(self, inputs: dict, samples: PoseDataSample) -> dict[str, Tensor]:
        """Scalars by name, those of a branch with its name in front."""
        tokens, branches = self._tokens(inputs)
        outputs = {}  # of the branches with a head; under a fusion of tokens, of those that are supervised
        for name, value in branches.items():
            branch = self.branches[name]
            if branch.head is not None and (self.losses or not hasattr(branch.head, 'loss')):
                outputs[name] = branch.run_head(value, inputs)
        if self.head is None:
            losses = self.losses(self._fused(inputs, branches, outputs), samples, inputs) if self.losses else {}
        else:
            losses = self._head_losses(self, tokens, None, samples, inputs)
        if self.branch_loss_weight:
            for name, branch in self.branches.items():
                if branch.head is not None:
                    part = self._head_losses(branch, branches[name], outputs.get(name), samples, inputs)
                    losses |= {f'{name}.{key}': self.branch_loss_weight * value for key, value in part.items()}
        return losses

    def _head_losses(self, part: NeckAndHead, tokens: Tensor, outputs: dict | None, samples: PoseDataSample,
                     inputs: dict) -> dict[str, Tensor]:
        """The loss that the head of a part owns, and the losses of its outputs."""
        losses = {}
        if hasattr(part.head, 'loss'):
            with reading(part.head, tokens):
                losses = _named('head', part.head.loss(tokens, samples))
        if self.losses:
            losses |= self.losses(part.run_head(tokens, inputs) if outputs is None else outputs, samples, inputs)
        return losses


class LossDict(nn.ModuleDict):
    """Losses by name; those whose ``forward`` has an argument ``inputs`` see the streams."""

    def __init__(self, losses: dict):
        super().__init__(losses)
        self.see_inputs = {name for name, loss in losses.items() if accepts(loss, 'inputs')}

    def forward(self, outputs: dict, samples: PoseDataSample, inputs: dict) -> dict[str, Tensor]:
        """Outputs ``{name: (B,T',...)}`` and targets to scalars by name.

        Both are cut to the last frames that both have; ``inputs`` are whole windows.
        """
        outputs, samples = _same_frames(outputs, samples)
        losses = {}
        for name, loss in self.items():
            with comparing(loss, outputs, samples):
                value = loss(outputs, samples, **dict(inputs=inputs) if name in self.see_inputs else {})
            losses |= _named(name, value)
        return losses


def _branch(name: str, config: dict, streams: tuple | None) -> Branch:
    unknown = [key for key in config if key not in ('backbone', 'neck', 'head')]
    if unknown or not config.get('backbone'):
        raise ValueError(f'the branch {name!r} has {sorted(config)}; it takes a backbone, perhaps a neck and a head')
    return Branch(**config, streams=streams)


def _union(branches) -> tuple | None:
    """Streams of all branches; None if one of them does not say."""
    streams = [branch.streams for branch in branches]
    return None if None in streams else tuple(dict.fromkeys(name for each in streams for name in each))


def _named(name: str, value: Tensor | dict) -> dict[str, Tensor]:
    """``loss_<name>``, or ``loss_<name>.<part>`` of several."""
    parts = {f'.{part}': each for part, each in value.items()} if isinstance(value, dict) else {'': value}
    return {f'loss_{name}{part}': each for part, each in parts.items()}


def _same_frames(outputs: dict, samples: PoseDataSample) -> tuple[dict, PoseDataSample]:
    """Outputs and targets, both cut to the last frames that the shorter one has."""
    frames = min(next(iter(outputs.values())).shape[1], samples.num_frames)
    return {key: value[:, -frames:] for key, value in outputs.items()}, samples.last_frames(frames)
