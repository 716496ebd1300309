"""Base of the metrics that score each pose on its own."""
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .gathering import GatheredMetric


class PoseWiseMetric(GatheredMetric):
    """Scores each pose on its own and keeps a row of numbers per pose.

    Data samples are batched: tensors ``(B,...)`` or, of windows, ``(B,T,...)``, of which with a field ``scored (B,T)``
    only these frames count. With a field ``index (B,)``, the number of the sample in the data set, a sample that
    arrives twice (as where a sampler pads by repetition) counts once. A pose without any visible joint does not count,
    nor does a frame that a sample names in ``skipped``, because it could not be read; these are counted and reported.

    Attributes:
        visualization_hook: type of the hook that draws the predictions; None: they cannot be drawn.
        greater, baselines: see :class:`.SequenceMetric`.

    Args:
        fields: truth by prediction, e.g. ``{'pred_joints': 'joints'}``, each ``(B,P,D)``.
        mask: field that tells the visible joints ``(B,J)``; all are, if a sample does not have it.
        prefix: prefix of the names of the results; ``default_prefix`` without it.
    """

    visualization_hook: ClassVar[str | None] = 'MeshVisualizationHook'
    greater: ClassVar[tuple[str, ...]] = ()
    baselines: ClassVar[Callable | None] = None

    def __init__(self, fields: dict[str, str], mask: str, prefix: str | None = None):
        super().__init__(prefix)
        self.fields = fields
        self.mask = mask

    @abstractmethod
    def score(self, poses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Columns ``(n,...)`` of the fields of n poses, numbers in float64, ``poses['visible']`` bool."""

    def table_columns(self) -> dict[str, str]:
        """Names of results by the heading, with unit, of a column in a table that compares models; may be empty.

        Called when ``dataset_meta`` is known.
        """
        return {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Score batched samples.

        Raises:
            KeyError: a sample lacks a field.
            ValueError: truth and prediction differ in shape, or hold numbers that are not finite where they count.
        """
        for sample in data_samples:
            skipped = self.skipped.note(sample)
            if skipped is not None:
                scored = sample.get('scored', torch.ones_like(skipped))
                sample = sample | dict(scored=scored.bool() & ~skipped.to(scored.device))
            if 'scored' in sample and not len(sample['scored']):  # nothing of the batch could be read
                continue
            lacking = [name for pair in self.fields.items() for name in pair if name not in sample]
            if lacking:
                raise KeyError(f'{type(self).__name__} needs the fields {lacking}, but a data sample has only '
                               f'{sorted(sample)}. Let the model predict and the data set provide them, or choose what '
                               'to score by the arguments of the metric')
            poses = self._rows(sample)
            for pred, truth in self.fields.items():
                self._check(pred, poses[pred], truth, poses[truth], poses['visible'])
            columns = self.score(poses)
            if 'index' in poses:
                columns['index'] = poses['index']
            self.results.append({name: value.cpu().numpy() for name, value in columns.items()})

    def _rows(self, sample: dict) -> dict[str, Tensor]:
        """The tensors of a sample with one row per pose that counts."""
        first = sample[next(iter(self.fields))]
        lead, device = first.shape[:-2], first.device                        # (B,) or (B,T)
        poses = {name: value.detach().to(device).reshape(lead.numel(), *value.shape[len(lead):])
                 for name, value in sample.items()
                 if isinstance(value, Tensor) and value.shape[:len(lead)] == lead}
        poses = {name: value.double() if value.is_floating_point() else value for name, value in poses.items()}
        wrong = [name for name in (*self.fields, *self.fields.values(), self.mask, 'scored')
                 if name in sample and name not in poses]
        if wrong:
            raise ValueError(f'{wrong[0]} should begin with the batch shape {tuple(lead)} of '
                             f'{next(iter(self.fields))}, got the shape {tuple(sample[wrong[0]].shape)}')
        if self.mask in poses:
            poses['visible'] = poses[self.mask] > 0.5  # a mask, or a confidence
        else:
            poses['visible'] = torch.ones(lead.numel(), first.shape[-2], dtype=torch.bool, device=device)
        if 'index' in sample:
            row, num_frames = torch.arange(lead.numel(), device=device), max(1, lead[1:].numel())
            poses['index'] = torch.stack([sample['index'].to(device)[row // num_frames], row % num_frames], -1)
        kept = poses['visible'].any(-1)
        if 'scored' in poses:
            kept &= poses['scored'].bool()
        return {name: value[kept] for name, value in poses.items()}

    @staticmethod
    def _check(pred_name: str, pred: Tensor, name: str, truth: Tensor, visible: Tensor):
        if pred.shape != truth.shape:
            raise ValueError(f'{pred_name} and {name} should have one shape per pose, got {tuple(pred.shape[1:])} and '
                             f'{tuple(truth.shape[1:])}')
        for label, points in ((pred_name, pred), (name, truth)):
            broken = ~points.isfinite().all(-1)                              # (n,P)
            if visible.shape == broken.shape:
                broken &= visible
            broken = broken.any(-1)
            if broken.any():
                raise ValueError(f'{label} is not finite in {int(broken.sum())} of {len(points)} poses of a batch (the '
                                 f'first is pose {int(broken.nonzero()[0])}); has the model diverged, or should these '
                                 'joints be invisible?')

    def _join(self, parts: list[tuple[list, set]]) -> dict[str, np.ndarray]:
        """Columns of all poses, each once. Raises ``ValueError`` if there are none."""
        results = super()._join(parts)
        columns = {name: np.concatenate([result[name] for result in results]) for name in results[0]} if results else {}
        if not columns or not len(next(iter(columns.values()))):
            raise ValueError(f'{type(self).__name__} has no poses to score: the data loader was empty, or the data has '
                             'no labels (no joint is visible)')
        if 'index' in columns:
            first = np.unique(columns.pop('index'), axis=0, return_index=True)[1]
            columns = {name: value[first] for name, value in columns.items()}
        return columns
