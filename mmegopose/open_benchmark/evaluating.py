"""One row: its data, its predictions, the errors of each sequence."""
import copy
import json
import math
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from mmengine.device import get_device
from rich.progress import track

from ..datasets import WindowDataset
from ..engine.config import load_config
from ..evaluation.baselines import head_pose_rules, lifting_rules
from ..evaluation.baselines.head_pose_baselines import arrays_of_batch, collect, plain_train_config
from ..inference.loading import load_model
from ..registry import DATASETS
from .branch_errors import BranchErrors
from .motions import OpenMotions, checksum_of
from .rows import BenchmarkRow, data_of
from .tasks import TASKS, OpenTask

VERSION = 1        # raise it when the same row, checkpoint and data give another result
BATCH_SIZE = 256
NUM_WORST = 6      # sequences of which poses are kept


def identity_of(row: BenchmarkRow, checkpoint: Path | None, motions: OpenMotions, split: str) -> dict:
    """What a result depends on: two rows with the same identity have the same result."""
    cfg = config_of(row)
    parts = dict(val=data_of(cfg), **dict(train=cfg.train_dataloader.dataset) if row.rule else
                 dict(model=cfg.model))
    text = json.dumps({name: _without_root(part) for name, part in parts.items()}, sort_keys=True, default=str)
    return dict(version=VERSION, task=row.task, rule=row.rule, split=split, data=motions.checksum, config=text,
                conditions=TASKS[row.task].conditions,
                checkpoint=None if checkpoint is None else checksum_of([checkpoint]))


def config_of(row: BenchmarkRow):
    """The loaded config of a row."""
    return load_config(row.find()[0], row.options)


def evaluate_row(row: BenchmarkRow, checkpoint: Path | None, motions: OpenMotions, split: str) -> dict:
    """Errors of a row under each condition of its task, plain values for JSON.

    Returns:
        ``{condition: dict(sequences=[...], sums={measure: [S]}, counts={measure: [S]}, num_frames=[S], worst=[...],
        skeleton=..., branches=...)}``: ``branches`` of a model whose branches have outputs of their own.

    Raises:
        ValueError: the row reads other data than those of its task, or the data has nothing for it.
    """
    task, cfg = TASKS[row.task], config_of(row)
    model = None if row.rule else load_model(cfg, str(checkpoint))
    results = {}
    for condition, changes in task.conditions.items():
        config = data_config(data_of(cfg), task, motions, split, changes)
        data = DATASETS.build(dict(config, test_mode=True))
        branches = None
        if row.rule:
            train = data_config(cfg.train_dataloader.dataset, task, motions, 'train', changes)
            predict = _rule(row.rule, task.name, _text(train), _text(config))
        else:
            predict, branches = model.test_step, BranchErrors.of(model, data)
        title = f'{row.name}, {condition}' if len(task.conditions) > 1 else row.name
        found = collect_errors(data, predict, task, motions, title, branches)
        results[condition] = dict(found, skeleton=data.skeleton, branches=branches and branches.results())
    return results


def data_config(dataset: dict, task: OpenTask, motions: OpenMotions, split: str, changes: dict) -> dict:
    """Data of a config over the benchmark's motions, with the changes of a condition."""
    config = copy.deepcopy(dict(dataset))
    if task.name == 'lifting' and motions.npz is None:
        raise ValueError(f'{motions.given} is the converted folder, from which nobody can lift: give --data the npz of '
                         'motion capture, of which the folder was made')
    if task.name == 'head_wrists' and not any(step['type'] == 'WristPlaces' for step in config.get('pipeline', ())):
        raise ValueError('the task head_wrists is for models that read wrists, whose pipeline has WristPlaces; this '
                         'one is a row of the task head')
    config.update(data_root=motions.npz if task.name == 'lifting' else motions.folder, split=split)
    config['pipeline'] = [dict(step, **changes) if step['type'] == 'WristPlaces' else step
                          for step in config.get('pipeline', ())]
    return config


def collect_errors(data: WindowDataset, predict: Callable, task: OpenTask, motions: OpenMotions, title: str,
                   branches: BranchErrors | None = None) -> dict:
    """Errors of each sequence of a data set, see :func:`evaluate_row`.

    Args:
        predict: from a batch to a list of samples with ``pred_joints``.
    """
    metric = task.collector()
    metric.dataset_meta = data.metainfo
    for begin in track(range(0, len(data), BATCH_SIZE), title, transient=True,
                       disable=not sys.stdout.isatty()):
        batch = data.__getitems__(range(begin, min(begin + BATCH_SIZE, len(data))))
        with torch.inference_mode():
            samples = predict(batch)
        metric.process(None, [sample.to_dict() for sample in samples])
        if branches is not None:
            branches.add(samples[0])
    errors = next(iter(metric.evaluate(len(data)).values()))
    names = list(errors[0].sums)
    if task.main not in names:
        raise ValueError(f'{title}: the data has the measures {names}, the task {task.name} needs {task.main!r}: is it '
                         'a config of this task?')
    if lost := [one.sequence['name'] for one in errors if not all(map(math.isfinite, one.sums.values()))]:
        raise ValueError(f'{title}: what is predicted is not finite (NaN) in {len(lost)} of {len(errors)} sequences, '
                         f'e.g. {lost[0]}, so that it has no score')
    means = [one.sums[task.main] / max(one.counts[task.main], 1) for one in errors]
    worst = sorted(range(len(errors)), key=means.__getitem__, reverse=True)[:NUM_WORST]
    return dict(sequences=[motions.describe(one.sequence) for one in errors],
                num_frames=[one.num_frames for one in errors],
                sums={name: [one.sums[name] for one in errors] for name in names},
                counts={name: [one.counts[name] for one in errors] for name in names},
                worst=[dict(motions.describe(errors[index].sequence), error=means[index], shown=errors[index].shown)
                       for index in worst])


@cache
def _rules(task: str, train: str, config: str) -> dict:
    """Rules of a task that are learned from data configs, which are JSON."""
    train_config, val_config = json.loads(train), json.loads(config)
    if task == 'lifting':
        return lifting_rules(DATASETS.build(dict(train_config, mirror=False)))
    return head_pose_rules(collect(DATASETS.build(plain_train_config(train_config, val_config))))


def _rule(name: str, task: str, train: str, config: str) -> Callable:
    rule = _rules(task, train, config)[name]

    def predict(batch: dict) -> list:
        sample = batch['data_samples'].clone()
        if task == 'lifting':
            sample.pred_joints = rule(batch['inputs']['keypoints'].flatten(2).double())
        else:
            sample = sample.last_frames(1)
            sample.pred_joints = rule(arrays_of_batch(batch))[:, None]
        return [sample]

    return predict


def _text(config: dict) -> str:
    return json.dumps(config, sort_keys=True)


def _without_root(config: dict) -> dict:
    return {key: value for key, value in dict(config).items() if key != 'data_root'}


def device_in_words() -> str:
    """Where models run."""
    return torch.cuda.get_device_name() if get_device() == 'cuda' else 'CPU'
