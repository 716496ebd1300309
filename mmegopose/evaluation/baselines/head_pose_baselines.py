"""What simple rules reach: mean pose, mean pose at head height, ridge regression."""
from collections.abc import Callable

import torch

from ...registry import DATASETS, METRICS
from .ridge import Ridge

STREAMS_OF_RULES = ('head_pose', 'wrists', 'wrists_detected')


def arrays_of_batch(batch: dict) -> dict:
    """The windows of a batch as arrays, see :func:`collect`, without ``skipped``."""
    inputs, sample = batch['inputs'], batch['data_samples']
    features = [inputs[name].flatten(1).double() for name in STREAMS_OF_RULES if name in inputs]
    return dict(features=torch.cat(features, 1), joints=sample.joints[:, -1].double(), visible=sample.visible[:, -1],
                pose=sample.T_world_target[:, -1].double(), frame_ids=sample.frame_ids[:, -1], sequence=sample.sequence)


def collect(dataset, batch_size: int = 1024) -> dict:
    """All windows of a data set as arrays.

    Returns:
        ``features (N,T*F)`` of the head and, where there are any, of the wrists; ``joints (N,J,3)`` and
        ``pose (N,4,4)`` (target frame to world) of the last frames, ``visible (N,J)``, ``frame_ids (N,)`` and
        ``sequence (N,)``; ``skipped``, the frames that could not be read.
    """
    parts, skipped = [], []
    for begin in range(0, len(dataset), batch_size):
        batch = dataset.__getitems__(range(begin, min(begin + batch_size, len(dataset))))
        parts.append(arrays_of_batch(batch))
        skipped += batch['data_samples'].get('skipped', [])
    return dict({key: torch.cat([part[key] for part in parts]) for key in parts[0]}, skipped=skipped)


def masked_mean_pose(joints: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """Mean of the visible observations of each joint, ``(N,J,3) -> (J,3)``."""
    return (joints * visible[..., None]).sum(0) / visible.sum(0).clamp(min=1)[:, None]


def head_pose_rules(train: dict) -> dict[str, Callable[[dict], torch.Tensor]]:
    """Rules learned from the arrays of training windows: by name, a function from such arrays to joints ``(N,J,3)``.

    Mean pose: the mean training pose relative to the heading, at its mean height in the world. Mean pose at head
    height: the same, hung at the headset. Ridge: from the window's features to the pose in the target frame.
    """
    mean = masked_mean_pose(train['joints'], train['visible'])
    ridge = Ridge(train['features'], train['joints'], train['visible'])
    mean_height = train['pose'][:, 2, 3].mean()

    def at_mean_height(arrays: dict) -> torch.Tensor:
        world_height = mean_height - arrays['pose'][:, 2, 3]  # (N,)
        lifted = mean.expand(len(world_height), -1, -1).clone()
        lifted[..., 2] += world_height[:, None]
        return lifted

    return {'mean pose': at_mean_height,
            'mean pose at head height': lambda arrays: mean.expand(len(arrays['pose']), -1, -1),
            'ridge regression': lambda arrays: ridge(arrays['features'])}


def plain_train_config(train_config: dict, val_config: dict) -> dict:
    """The training data of rules: windows and features as in the test, without augmentation."""
    return dict(train_config, pipeline=val_config['pipeline'], windows=val_config['windows'])


def evaluate_head_pose_baselines(train_config: dict, val_config: dict, metric_configs: list | dict) -> dict:
    """Score the rules of :func:`head_pose_rules` with the metrics, windows and features of a config.

    Args:
        train_config, val_config: data-set configs whose target frame is ``'heading'``.
        metric_configs: configs of the metrics, or of the one.

    Returns:
        ``{baseline: metrics}``.
    """
    train = collect(DATASETS.build(plain_train_config(train_config, val_config)))
    val_set = DATASETS.build(dict(val_config, test_mode=True))
    val = collect(val_set)
    metric_configs = [metric_configs] if isinstance(metric_configs, dict) else metric_configs
    results = {}
    for name, rule in head_pose_rules(train).items():
        pred = rule(val)
        sample = dict(
            pred_joints=pred[:, None], joints=val['joints'][:, None], visible=val['visible'][:, None],
            T_world_target=val['pose'][:, None], frame_ids=val['frame_ids'][:, None], sequence=val['sequence'],
            scored=torch.ones(len(pred), 1, dtype=torch.bool), skipped=val['skipped'])
        results[name] = {}
        for metric in map(METRICS.build, metric_configs):
            metric.dataset_meta = val_set.metainfo
            metric.process(None, [sample])
            results[name] |= metric.evaluate(len(pred))
    return results
