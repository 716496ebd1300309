"""The one model class: branches, fusion, neck, head."""
import inspect

from mmengine.model import BaseModel, ModuleDict
from torch import Tensor, nn

from ..registry import MODELS
from ..structures import PoseDataSample
from .flip import FlipAverage
from .layers import token_mask


@MODELS.register_module()
class PoseEstimator(BaseModel):
    """Streams to 3D pose.

    ``stream -> backbone -> tokens (B,T,N,C) -> [fusion] -> [neck] -> head -> estimate``. A method with one branch
    names ``backbone``, ``neck`` and ``head``; one with several names ``branches`` and a ``fusion``. A fusion of tokens
    stands before the estimator's own neck and head; a fusion of estimates stands after the branches' heads.
    The streams ``valid (B,T)`` and ``detected (B,T,J)``, False where there is no frame or no detection, become the
    ``mask`` of the necks; without them necks get none.

    Args:
        backbone, neck, head: configs of a single branch, or of what follows a fusion of tokens.
        branches: ``{name: dict(backbone=..., neck=..., head=...)}``.
        fusion: config of the fusion of the branches.
        embed: config of an embedding that all branches share; their backbones then have none.
        losses: ``{name: config}``, applied to the final estimate; a loss is a scalar or a dict of scalars.
        branch_loss_weight: factor of the same losses on each branch's own estimate (deep supervision).
        train_cfg: free for subclasses.
        test_cfg: ``dict(flip='h36m17')``: predict the mean of the batch and its mirror image, see ``FlipAverage``; the
            rest is free for subclasses.
        data_preprocessor, init_cfg: see mmengine's ``BaseModel``.
    """

    def __init__(self, backbone: dict | None = None, neck: dict | None = None, head: dict | None = None,
                 branches: dict | None = None, fusion: dict | None = None, embed: dict | None = None,
                 losses: dict | None = None, branch_loss_weight: float = 0.0, train_cfg: dict | None = None,
                 test_cfg: dict | None = None, data_preprocessor: dict | None = None, init_cfg: dict | None = None):
        super().__init__(data_preprocessor, init_cfg)
        if bool(branches) == bool(backbone) or bool(branches) != bool(fusion):
            raise ValueError('PoseEstimator needs either backbone and head, or branches and fusion')

        def build(config):
            return MODELS.build(config) if config else None

        self.embed, self.neck, self.head, self.fusion = build(embed), build(neck), build(head), build(fusion)
        self.branches = ModuleDict({  # mmengine's, which passes init_weights on
            name: ModuleDict({part: build(config) for part, config in branch.items()})
            for name, branch in (branches or dict(main=dict(backbone=backbone))).items()})
        self.losses = nn.ModuleDict({name: build(config) for name, config in (losses or {}).items()})
        self.branch_loss_weight = branch_loss_weight
        self.train_cfg, self.test_cfg = train_cfg or {}, test_cfg or {}
        self.flip = FlipAverage(self.test_cfg['flip']) if self.test_cfg.get('flip') else None
        late = fusion is not None and self.fusion.level == 'estimates'
        if late and (self.head or not all('head' in branch for branch in self.branches.values())):
            raise ValueError('a fusion of estimates needs a head in every branch and none of its own')
        if not late and self.head is None:
            raise ValueError('PoseEstimator needs a head')

    def forward(self, inputs: dict, data_samples: PoseDataSample | None = None, mode: str = 'tensor'):
        """Streams ``{name: (B,T,...)}`` to an estimate, losses or predictions.

        Args:
            inputs: the streams.
            data_samples: targets of the batch.
            mode: ``'tensor'``: the estimate, a dict of ``(B,T,...)``, e.g. ``joints (B,T,J,3)``; ``'loss'``: a dict of
                scalars; ``'predict'``: a list with the batch's one data sample, cut to the predicted frames, with a
                field ``pred_...`` for each key of the estimate, e.g. ``pred_joints``; of a head with a method
                ``predict``, of what that makes of the estimate. With flip there are only joints.
        """
        if mode == 'predict' and self.flip is not None:
            doubled, _ = self._estimate(self.flip.double(inputs))
            estimate = dict(joints=self.flip.average(doubled['joints']))
        else:
            estimate, branch_estimates = self._estimate(inputs)
        if mode == 'tensor':
            return estimate
        frames = min(next(iter(estimate.values())).shape[1], data_samples.visible.shape[1])
        samples, estimate = data_samples.last_frames(frames), _last_frames(estimate, frames)
        if mode == 'predict':
            if hasattr(self.head, 'predict'):
                estimate = self.head.predict(estimate)
            samples.set_data({f'pred_{key}': value for key, value in estimate.items()})
            return [samples]
        losses = self._losses(estimate, samples)
        if self.branch_loss_weight:
            for name, branch in branch_estimates.items():
                part = self._losses(_last_frames(branch, frames), samples)
                losses.update({f'{name}.{key}': self.branch_loss_weight * value for key, value in part.items()})
        return losses

    def compile_networks(self, **options) -> None:
        """Compile the networks in place, leaving the training step, which changes from call to call, alone."""
        for network in (self.embed, self.neck, self.head, self.fusion, *(
                part for branch in self.branches.values() for part in branch.values())):
            if network is not None:
                network.compile(**options)

    def _estimate(self, inputs: dict):
        if self.embed is not None:
            inputs = dict(inputs, tokens=self.embed(inputs))
        tokens, estimates = {}, {}
        for name, branch in self.branches.items():
            tokens[name] = branch['backbone'](inputs)
            if 'neck' in branch:
                tokens[name] = _apply_neck(branch['neck'], tokens[name], inputs)
            if 'head' in branch:
                estimates[name] = branch['head'](tokens[name])
        if self.head is None:
            return self.fusion(tokens, estimates), estimates
        joined = self.fusion(tokens) if self.fusion is not None else tokens['main']
        return self.head(_apply_neck(self.neck, joined, inputs) if self.neck is not None else joined), {}

    def _losses(self, estimate: dict, samples: PoseDataSample) -> dict[str, Tensor]:
        losses = {}
        for name, loss in self.losses.items():
            value = loss(estimate, samples)
            parts = {f'.{part}': v for part, v in value.items()} if isinstance(value, dict) else {'': value}
            losses |= {f'loss_{name}{part}': v for part, v in parts.items()}
        return losses


def _apply_neck(neck: nn.Module, tokens: Tensor, inputs: dict) -> Tensor:
    """Tokens ``(B,T,N,C)`` through a neck, with a mask if the streams tell of one."""
    mask = token_mask(inputs, tokens.shape[2])
    if mask is None:
        return neck(tokens)
    if 'mask' not in inspect.signature(neck.forward).parameters:
        name = type(neck).__name__
        raise TypeError(f'the data has frames or joints that are not there, which the neck {name} cannot leave out: '
                        f'give {name}.forward an argument mask, or leave the streams valid and detected out')
    return neck(tokens, mask=mask)


def _last_frames(estimate: dict, frames: int) -> dict:
    return {key: value[:, -frames:] for key, value in estimate.items()}
