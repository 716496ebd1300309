"""What simple rules reach: mean pose, mean pose at head height, ridge regression."""
import torch

from ...registry import DATASETS, METRICS
from .ridge import Ridge


def collect(dataset, batch_size: int = 1024) -> dict:
    """All windows of a data set as arrays.

    Returns:
        ``features (N,T*F)``, ``joints (N,J,3)`` and ``pose (N,4,4)`` (target frame to world) of the last frames,
        ``visible (N,J)``, ``frame_ids (N,)`` and ``sequence (N,)``; ``skipped``, the frames that could not be read.
    """
    parts, skipped = [], []
    for begin in range(0, len(dataset), batch_size):
        batch = dataset.__getitems__(range(begin, min(begin + batch_size, len(dataset))))
        sample = batch['data_samples']
        parts.append(dict(features=batch['inputs']['head_pose'].flatten(1).double(),
                          joints=sample.joints[:, -1].double(), visible=sample.visible[:, -1],
                          pose=sample.T_world_target[:, -1].double(), frame_ids=sample.frame_ids[:, -1],
                          sequence=sample.sequence))
        skipped += sample.get('skipped', [])
    return dict({key: torch.cat([part[key] for part in parts]) for key in parts[0]}, skipped=skipped)


def masked_mean_pose(joints: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """Mean of the visible observations of each joint, ``(N,J,3) -> (J,3)``."""
    return (joints * visible[..., None]).sum(0) / visible.sum(0).clamp(min=1)[:, None]


def evaluate_head_pose_baselines(train_config: dict, val_config: dict, metric_configs: list | dict) -> dict:
    """Score the baselines with the metrics, windows and features of a config.

    Mean pose: the mean training pose relative to the heading, at its mean height in the world. Mean pose at head
    height: the same, hung at the headset. Ridge: from the window's features to the pose in the target frame.

    Args:
        train_config, val_config: data-set configs whose target frame is ``'heading'``.
        metric_configs: configs of the metrics, or of the one.

    Returns:
        ``{baseline: metrics}``.
    """
    plain = dict(train_config, pipeline=val_config['pipeline'], windows=val_config['windows'])
    train, val_set = collect(DATASETS.build(plain)), DATASETS.build(dict(val_config, test_mode=True))
    val = collect(val_set)
    mean = masked_mean_pose(train['joints'], train['visible'])
    world_height = (train['pose'][:, 2, 3]).mean() - val['pose'][:, 2, 3]  # (N,)
    lifted = mean.expand(len(world_height), -1, -1).clone()
    lifted[..., 2] += world_height[:, None]
    predictions = {'mean pose': lifted, 'mean pose at head height': mean.expand_as(lifted),
                   'ridge regression': Ridge(train['features'], train['joints'], train['visible'])(val['features'])}
    metric_configs = [metric_configs] if isinstance(metric_configs, dict) else metric_configs
    results = {}
    for name, pred in predictions.items():
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
