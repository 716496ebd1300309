"""Metrics of 2D-to-3D lifting: Human3.6M and HumanEva, MPI-INF-3DHP."""
from dataclasses import replace
from typing import Any, ClassVar

import torch
from mmengine.logging import print_log
from torch import Tensor

from ...registry import METRICS
from ...structures import Skeleton, get_skeleton
from ...structures.protocols import LiftingProtocol, check_rules, get_protocol
from ..baselines.lifting_baselines import evaluate_lifting_baselines
from ..benchmarks.lifting_benchmark import (
    ActionScore,
    apply_root,
    count_frames,
    describe_protocol,
    format_lifting_table,
    score_lifting_sequence,
    summarize_lifting,
)
from ..benchmarks.mpi_inf_3dhp_benchmark import FrameErrors, format_table_3dhp, frame_errors, summarize_3dhp
from .sequence_metric import SequenceMetric


class ProtocolMetric(SequenceMetric):
    """Base of the metrics of lifting: what counts is decided by the protocol of the data set,
    ``dataset_meta['protocol']``, which the printed table names: numbers of different protocols are not comparable.

    Args:
        root: ``'keep'``, ``'zero'`` or ``'subtract'`` the predicted root instead of what the protocol does.
        frames: count frames ``'twice'`` or ``'once'`` instead of as the protocol does.
        prefix: see :class:`SequenceMetric`.

    Raises:
        KeyError: unknown ``root`` or ``frames``.
    """

    baselines: ClassVar = staticmethod(evaluate_lifting_baselines)

    def __init__(self, root: str | None = None, frames: str | None = None, prefix: str | None = None):
        super().__init__(prefix)
        check_rules(root, frames)
        changes: dict[str, Any] = dict(root=root, frames=frames)
        self.changes = {key: value for key, value in changes.items() if value is not None}

    @property
    def dataset_meta(self) -> Any:
        """What the data set says of itself.

        Raises:
            ValueError: when it is set, which is before training: the protocol needs a root, the skeleton has none.
        """
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: dict) -> None:
        self._dataset_meta = meta
        if {'protocol', 'skeleton'} <= set(meta) and self.needs_root and self.skeleton.root is None:
            raise ValueError(f'{type(self).__name__} by the protocol {self.protocol.name!r} (root='
                             f'{self.protocol.root!r}) needs a root joint, which the skeleton {self.skeleton.name!r} '
                             "does not have: name it, Skeleton(root=...), or take a protocol with root='keep'")

    @property
    def needs_root(self) -> bool:
        """Whether scores are about the root joint of the skeleton."""
        return self.protocol.root != 'keep'

    @property
    def protocol(self) -> LiftingProtocol:
        """The protocol of the data set, with the changes of this metric; its name tells whether they changed it.

        Raises:
            KeyError: the data set names no protocol, or an unknown one.
        """
        if 'protocol' not in (self.dataset_meta or {}):
            raise KeyError(f"{type(self).__name__} needs dataset_meta['protocol']: evaluate on a lifting data set with "
                           'test_mode=True')
        protocol = get_protocol(self.dataset_meta['protocol'])
        changed = replace(protocol, **self.changes)
        return changed if changed == protocol else replace(changed, name=f'{protocol.name}, changed')

    @property
    def skeleton(self) -> Skeleton:
        return get_skeleton(self.dataset_meta['skeleton'])

    def count(self, sequence: dict, pred: Tensor, gt: Tensor, frame_ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What counts of the slots of a sequence, under the protocol.

        Poses of a store with ``scale`` become metres.

        Returns:
            ``(pred (m,J,3), gt (m,J,3), slots (m,))``: the poses, and the slot that each stands for.
        """
        pred, gt = apply_root(pred, gt, self.protocol.root, self.skeleton.root)
        if 'scale' in sequence:  # the model and its targets are in screen units
            scale = torch.as_tensor(sequence['scale'])[:, None, None]
            pred, gt = pred * scale, gt * scale
        weights = torch.as_tensor(sequence['weights'])
        pred, slots = count_frames(pred, frame_ids, weights, self.protocol.frames)
        return pred, gt[slots], slots


@METRICS.register_module()
class LiftingMetric(ProtocolMetric):
    """Errors in millimetres (per frame, per frame squared) of root-relative poses in the camera frame.

    Names of the results (what no visible joint counts for is left out). All but ``MPJPE_frames`` are means over the
    actions of the mean over the frames of an action:

    - ``MPJPE`` (protocol 1), ``PA-MPJPE`` (protocol 2), ``N-MPJPE`` (scale aligned);
    - ``MPJVE``: velocity, from each prediction to the next in the order of the windows, jumps between windows included,
      as published; ``MPJVE_sequence``: only between consecutive frames; ``ACCEL``: acceleration, likewise;
    - ``MPJPE_frames``: mean over all frames;
    - ``action/<name>/<any of the first six>`` and ``joint/<name>/MPJPE``.

    Args: see :class:`ProtocolMetric`.
    """

    default_prefix = 'lifting'

    def table_columns(self) -> dict[str, str]:
        columns = {'MPJPE (mm)': 'MPJPE', 'PA-MPJPE (mm)': 'PA-MPJPE', 'N-MPJPE (mm)': 'N-MPJPE',
                   'MPJVE (mm/frame)': 'MPJVE', 'acceleration (mm/frame²)': 'ACCEL'}
        return {heading: f'{self.prefix}/{name}' for heading, name in columns.items()}

    def score(self, sequence, pred, gt, visible, frame_ids) -> ActionScore | FrameErrors | None:
        if self.protocol.excludes(sequence):
            return None
        pred, gt, slots = self.count(sequence, pred, gt, frame_ids)
        return score_lifting_sequence(sequence['action'], pred, gt, visible[slots], frame_ids[slots])

    def compute_metrics(self, results: list) -> dict[str, float]:
        scores = [score for score in results if score is not None]
        metrics = summarize_lifting(scores, self.skeleton)
        print_log(f'Lifting (mm), {describe_protocol(self.protocol)}\n{format_lifting_table(scores)}', logger='current')
        return metrics


@METRICS.register_module()
class MPIINF3DHPMetric(ProtocolMetric):
    """PCK and AUC (per cent) and MPJPE (mm) of MPI-INF-3DHP (Mehta et al., 3DV 2017), as its official test script.

    PCK counts errors strictly below 150 mm in 14 joints (not pelvis, spine and head), AUC is its mean over the
    thresholds 0, 5, ..., 150 mm, MPJPE is over all 17 joints; every frame weighs the same.

    Names of the results: ``PCK``, ``AUC``, ``MPJPE``; the same by ``sequence/<name>/`` and, if the sequences carry
    ``activity (n,)``, one number from 1 to 7 per slot, by ``activity/<name>/``; ``group/<name>/PCK``, ``.../AUC``;
    ``joint/<name>/MPJPE``.

    Args: see :class:`ProtocolMetric`.
    """

    default_prefix = '3dhp'
    greater = ('PCK', 'AUC')
    needs_root = True  # poses are relative to it

    def table_columns(self) -> dict[str, str]:
        units = dict(PCK='%', AUC='%', MPJPE='mm')
        return {f'{name} ({unit})': f'{self.prefix}/{name}' for name, unit in units.items()}

    def score(self, sequence, pred, gt, visible, frame_ids) -> FrameErrors:
        pred, gt, slots = self.count(sequence, pred, gt, frame_ids)
        activity = torch.as_tensor(sequence['activity'])[slots] if 'activity' in sequence else None
        return frame_errors(sequence['name'], pred, gt, visible[slots], self.skeleton.root, activity)

    def compute_metrics(self, results: list) -> dict[str, float]:
        metrics = summarize_3dhp(results, self.skeleton)
        print_log(f'MPI-INF-3DHP (PCK %, AUC %, MPJPE mm), {describe_protocol(self.protocol)}\n'
                  f'{format_table_3dhp(results)}', logger='current')
        return metrics
