"""The official scores of a task, and the errors behind them, joint by joint."""
from dataclasses import dataclass

import numpy as np
import torch

from ...datasets import WindowDataset
from ...evaluation import BodyPoseMetric, MeshMetric
from ...evaluation.benchmarks.egoexo4d_body_benchmark import (
    clip_mask,
    pool_sequences,
    scenario_groups,
    score_sequence,
)
from ...evaluation.functional import joint_errors
from ...evaluation.units import CM_PER_M, MM_PER_M
from ...structures.egoexo4d_scenarios import PHYSICAL, PROCEDURAL, SCENARIOS, scenario_of

NUM_WORST, BATCH_SIZE = 6, 64


@dataclass
class TaskScores:
    """What the page shows of a task.

    Attributes:
        groups: ``{group: {measure: value}}``, ``'all'`` first, then scenarios; ``poses``: how many there are.
        unit: of the first measure.
        skeleton: its name.
        errors: ``(n,J)`` of all poses that count, in ``unit``; NaN: not visible.
        curves: ``{name: (n,) bool}`` of which poses a curve is.
        worst: of each of the worst sequences its worst pose: dicts of ``uid, name, frame, error``, ``pred`` and ``truth
            (J,3)`` in the world (bodies) or the camera from the wrist (hands), and of hands ``side``.
        notes: what a reader of the table should know.
    """
    groups: dict
    unit: str
    skeleton: str
    errors: np.ndarray
    curves: dict
    worst: list
    notes: list


def body_scores(data: WindowDataset, model) -> TaskScores:
    """Bodies as the official evaluator scores them: pooled over joints, runs of less than four seconds left out.

    Where these are all that there is, every frame counts, and a note tells it.
    """
    metric = _Bodies()
    found = _evaluated(data, model, metric)
    official = any(score.error_count.sum() for score, *_ in found)
    scores = [part[0] if official else part[1] for part in found]
    poses = [part[2] for part in found]
    notes = [] if official else ['No sequence has four seconds of labels without a hole, which the official score asks '
                                 'for, so all labelled frames count here.']
    kept = [pose['kept'] if official else np.ones(len(pose['errors']), bool) for pose in poses]
    errors = np.concatenate([pose['errors'][mask] for pose, mask in zip(poses, kept)])
    scenario = np.concatenate([[scenario_of(pose['name'])] * int(mask.sum()) for pose, mask in zip(poses, kept)])
    groups = {name: dict(**pool_sequences(members), poses=sum(score.num_frames for score in members))
              for name, members in dict(all=scores, **scenario_groups(scores)).items()}
    curves = {'all': np.ones(len(errors), bool), 'physical': np.isin(scenario, list(PHYSICAL)),
              'procedural': np.isin(scenario, list(PROCEDURAL))}
    shown = [pose['worst'] for pose in poses if pose['worst'] is not None]
    return TaskScores(groups, 'cm', data.skeleton, errors, curves, _worst(shown), notes)


def hand_scores(data: WindowDataset, model) -> TaskScores:
    """Hands as the official evaluator scores them: over the visible joints of a hand, then over hands."""
    columns = _evaluated(data, model, _Hands())
    sequence = data.windows.sequence[columns['window']]
    facts = [data.store.sequences[number] for number in sequence]
    scenario = np.array([scenario_of(fact['name']) for fact in facts])
    right = np.array([fact['side'] == 'right' for fact in facts])
    errors = np.where(columns['visible'], columns['errors'] * MM_PER_M, np.nan)
    members = {'all': np.ones(len(errors), bool), 'right': right, 'left': ~right} | {
        name: scenario == name for name in SCENARIOS}
    groups = {name: dict({key: float(np.nanmean(columns[key][mask])) * MM_PER_M for key in ('MPJPE', 'PA-MPJPE')},
                         poses=int(mask.sum())) for name, mask in members.items() if mask.any()}
    shown, order = {}, np.argsort(-columns['MPJPE'])
    for row in order:
        fact = facts[row]
        shown.setdefault(fact['uid'], dict(
            uid=fact['take_uid'], name=fact['name'], side=fact['side'], frame=int(columns['frame'][row]),
            error=float(columns['MPJPE'][row] * MM_PER_M), pred=columns['pred'][row],
            truth=np.where(columns['visible'][row][:, None], columns['truth'][row], np.nan)))
    curves = {name: members[name] for name in ('all', 'right', 'left')}
    return TaskScores(groups, 'mm', 'hand21', errors, curves, _worst(list(shown.values())), [])


class _Bodies(BodyPoseMetric):
    """Of each sequence the official score, that of all frames, and its errors."""

    def __init__(self):
        super().__init__(clip_filter=False)

    def score(self, sequence, pred, gt, visible, frame_ids):
        official, every = (score_sequence(sequence['name'], pred, gt, visible, frame_ids, strict)
                           for strict in (True, False))
        errors = torch.where(visible, joint_errors(pred, gt), torch.nan) * CM_PER_M
        means, worst = errors.nanmean(-1), None
        if means.isfinite().any():
            row = int(means.nan_to_num(-1).argmax())
            worst = dict(uid=sequence['uid'], name=sequence['name'], frame=int(frame_ids[row]), error=float(means[row]),
                         pred=pred[row].numpy(), truth=torch.where(visible[row, :, None], gt[row], torch.nan).numpy())
        return official, every, dict(name=sequence['name'], errors=errors.numpy(), worst=worst,
                                     kept=clip_mask(frame_ids).numpy())

    def compute_metrics(self, results):
        return dict(found=results)


class _Hands(MeshMetric):
    """Of each hand its scores and errors, unmirrored."""

    def __init__(self):
        super().__init__(protocol='egoexo4d_hand', vertices=False)

    def score(self, poses):
        mirror = torch.where(poses['crop_mirrored'].bool()[:, None, None], poses['joints'].new_tensor([1, -1, 1]), 1.0)
        return dict(super().score(poses), errors=joint_errors(poses['pred_joints'], poses['joints']),
                    visible=poses['visible'], pred=poses['pred_joints'] * mirror, truth=poses['joints'] * mirror,
                    window=poses['index'][:, 0], frame=poses['frame_ids'])

    def compute_metrics(self, results):
        return dict(found=results)


def evaluate_metric(data: WindowDataset, model, metric) -> dict:
    """Predict all windows of a data set and evaluate a metric."""
    metric.dataset_meta = data.metainfo
    for begin in range(0, len(data), BATCH_SIZE):
        batch = data.__getitems__(range(begin, min(begin + BATCH_SIZE, len(data))))
        with torch.inference_mode():
            samples = model.test_step(batch)
        metric.process(batch, [sample.to_dict() for sample in samples])
    return metric.evaluate(len(data))


def _evaluated(data: WindowDataset, model, metric):
    return next(iter(evaluate_metric(data, model, metric).values()))


def _worst(shown: list) -> list:
    return sorted(shown, key=lambda pose: -pose['error'])[:NUM_WORST]
