"""How the official test script of MPI-INF-3DHP scores lifting (Mehta et al., 3DV 2017): PCK, AUC and MPJPE.

Metres go in; errors come out in millimetres, PCK and AUC in per cent.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry.alignment import root_align
from ...structures import Skeleton, get_skeleton
from ..functional.joint_errors import auc, joint_errors, masked_mean, pck
from ..units import MM_PER_M, PERCENT

ACTIVITIES = ('Standing/Walking', 'Exercising', 'Sitting', 'Reaching/Crouching', 'On The Floor', 'Sports',
              'Miscellaneous')
PCK_THRESHOLD_MM = 150
AUC_THRESHOLDS_MM = tuple(range(0, 151, 5))
_GROUPS = dict(Head='head-top', Neck='neck', Shou='right-shoulder left-shoulder', Elbow='right-elbow left-elbow',
               Wrist='right-wrist left-wrist', Hip='right-hip left-hip', Knee='right-knee left-knee',
               Ankle='right-ankle left-ankle')
JOINT_GROUPS = {group: tuple(get_skeleton('mpi_inf_3dhp17').index(joint) for joint in joints.split())
                for group, joints in _GROUPS.items()}


@dataclass(frozen=True)
class FrameErrors:
    """Errors of the frames of one sequence of MPI-INF-3DHP.

    Attributes:
        name: name of the sequence.
        errors: ``(n,17)`` millimetres.
        visible: ``(n,17)`` bool.
        activity: ``(n,)`` number of the activity, 1 to 7; 0 where unknown.
    """
    name: str
    errors: Tensor
    visible: Tensor
    activity: Tensor


def frame_errors(name: str, pred: Tensor, gt: Tensor, visible: Tensor, root: int | None,
                 activity: Tensor | None = None) -> FrameErrors:
    """Errors of one sequence of MPI-INF-3DHP: the truth is made relative to its root, the prediction stays as it is.

    Args:
        name: name of the sequence.
        pred: ``(n,17,3)`` metres, relative to the root.
        gt: ``(n,17,3)``.
        visible: ``(n,17)`` bool.
        root: index of the root joint.
        activity: ``(n,)`` int, 1 to 7.

    Raises:
        ValueError: the skeleton has no root joint.
    """
    if root is None:
        raise ValueError(f'{name}: errors relative to the root need a skeleton with a root joint')
    if activity is None:
        activity = torch.zeros(len(pred), dtype=torch.long)
    return FrameErrors(name, MM_PER_M * joint_errors(pred, root_align(gt, root)), visible, activity)


def error_rows(errors: Tensor, visible: Tensor) -> dict[str, Tensor]:
    """One row of each table of the official test script.

    Args:
        errors: ``(n,17)`` millimetres.
        visible: ``(n,17)`` bool.

    Returns:
        ``mpjpe (18,)``: of each joint, then of all joints, the root included. ``pck (9,)``: per cent of errors below
        150 mm in each of :data:`JOINT_GROUPS`, then in the 14 joints of all groups. ``auc (9,)``: mean of the same over
        the thresholds 0, 5, ..., 150 mm. NaN where nothing is visible.
    """
    every = range(errors.shape[1])
    groups = [*JOINT_GROUPS.values(), sum(JOINT_GROUPS.values(), ())]
    thresholds = torch.tensor(AUC_THRESHOLDS_MM, dtype=errors.dtype)
    return dict(
        mpjpe=torch.stack([masked_mean(errors[:, j], visible[:, j]) for j in [*([j] for j in every), list(every)]]),
        pck=PERCENT * torch.stack([pck(errors[:, g], PCK_THRESHOLD_MM, visible[:, g]) for g in groups]),
        auc=PERCENT * torch.stack([auc(errors[:, g], thresholds, visible[:, g]) for g in groups]))


def rows_3dhp(sequences: Sequence[FrameErrors]) -> dict[str, dict[str, Tensor]]:
    """:func:`error_rows` of ``'all'`` frames, of each ``'sequence/<name>'`` and of each known ``'activity/<name>'``.

    Raises:
        ValueError: nothing is visible.
    """
    errors, visible, activity = (torch.cat([getattr(s, key) for s in sequences])
                                 for key in ('errors', 'visible', 'activity'))
    if not visible.any():
        raise ValueError(f'none of the {len(sequences)} sequences has a visible joint, so there is nothing to score')
    masks = {f'activity/{name}': activity == number for number, name in enumerate(ACTIVITIES, 1)}
    rows = {'all': error_rows(errors, visible)}
    rows.update({f'sequence/{s.name}': error_rows(s.errors, s.visible) for s in sequences if s.visible.any()})
    rows.update({name: error_rows(errors[m], visible[m]) for name, m in masks.items() if visible[m].any()})
    return rows


def summarize_3dhp(sequences: Sequence[FrameErrors], skeleton: Skeleton) -> dict[str, float]:
    """All results on MPI-INF-3DHP; the keys are those of :class:`MPIINF3DHPMetric`."""
    metrics = {}
    for name, row in rows_3dhp(sequences).items():
        where = '' if name == 'all' else f'{name}/'
        metrics.update({f'{where}{key.upper()}': row[key][-1] for key in ('pck', 'auc', 'mpjpe')})
        if name == 'all':
            metrics.update({f'group/{group}/{key.upper()}': value for key in ('pck', 'auc')
                            for group, value in zip(JOINT_GROUPS, row[key])})
            metrics.update({f'joint/{joint}/MPJPE': value for joint, value in zip(skeleton.joints, row['mpjpe'])})
    return {key: float(value) for key, value in metrics.items()}


def format_table_3dhp(sequences: Sequence[FrameErrors]) -> str:
    """The results by sequence and activity as lines of text, all frames last."""
    rows = rows_3dhp(sequences)
    rows['all'] = rows.pop('all')
    return '\n'.join([f'{"":30}{"PCK":>10}{"AUC":>10}{"MPJPE":>10}', *(
        f'{name:30}' + ''.join(f'{row[key][-1]:10.2f}' for key in ('pck', 'auc', 'mpjpe'))
        for name, row in rows.items())])
