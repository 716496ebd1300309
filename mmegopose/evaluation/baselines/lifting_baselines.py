"""What simple rules reach at lifting: mean pose, linear regression, constant velocity."""
from collections import ChainMap
from collections.abc import Callable
from itertools import chain

import torch
from scipy.signal import savgol_filter

from ...registry import DATASETS, METRICS
from .ridge import Ridge

CONSTANT_VELOCITY_FRAMES = 9


def lifting_rules(dataset) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """Rules learned from a training set: by name, a function from keypoints ``(B,T,J*D)`` to joints ``(B,T,J,3)``.

    Mean pose: that of training, in the camera frame. Linear: ridge regression from the keypoints of one frame.
    Constant velocity: those outputs, fitted by motion at constant velocity over the 9 frames around each. Linear
    over the window: ridge regression from all keypoints of a window to all its poses.
    """
    keypoints, joints = _collect(dataset)  # (N,T,J*D), (N,T,J,3)
    frame_keypoints, frame_joints = keypoints.flatten(0, 1), joints.flatten(0, 1)
    mean = frame_joints.mean(0)
    linear = _Linear(frame_keypoints, frame_joints)
    window = _Linear(keypoints.flatten(1), joints.flatten(1, 2))

    def constant_velocity(x):
        frames = min(CONSTANT_VELOCITY_FRAMES, (x.shape[1] - 1) // 2 * 2 + 1)
        return torch.from_numpy(savgol_filter(linear(x).numpy(), frames, min(1, frames - 1), axis=1))

    return {
        'mean pose': lambda x: mean.expand(*x.shape[:2], -1, -1), 'linear': linear,
        'constant velocity': constant_velocity,
        'linear over the window': lambda x: window(x.flatten(1)).reshape(*x.shape[:2], -1, 3)}


def evaluate_lifting_baselines(train_config: dict, val_config: dict, metric_configs: list | dict) -> dict:
    """Score the rules of :func:`lifting_rules` with the metrics, windows and protocol of a config.

    Args:
        train_config, val_config: configs of lifting data sets with windows of as many frames.
        metric_configs: configs of the metrics, or of the one.

    Returns:
        ``{baseline: metrics}``.
    """
    train, val_set = DATASETS.build(dict(train_config, mirror=False)), DATASETS.build(dict(val_config, test_mode=True))
    rules = lifting_rules(train)
    metric_configs = [metric_configs] if isinstance(metric_configs, dict) else metric_configs
    metrics = {name: [METRICS.build(config) for config in metric_configs] for name in rules}
    for metric in chain.from_iterable(metrics.values()):
        metric.dataset_meta = val_set.metainfo
    for begin in range(0, len(val_set), 512):
        batch = val_set.__getitems__(range(begin, min(begin + 512, len(val_set))))
        x = batch['inputs']['keypoints'].flatten(2).double()
        for name, rule in rules.items():
            sample = batch['data_samples'].clone()
            sample.pred_joints = rule(x)
            for metric in metrics[name]:
                metric.process(None, [sample.to_dict()])
    return {name: dict(ChainMap(*(metric.evaluate(len(val_set)) for metric in group)))
            for name, group in metrics.items()}


class _Linear:
    """Ridge regression ``(..., features) -> (..., J, 3)``."""

    def __init__(self, features, joints):
        self.ridge = Ridge(features, joints, torch.ones(joints.shape[:-1], dtype=torch.bool))

    def __call__(self, features):
        return self.ridge(features.flatten(0, -2)).unflatten(0, features.shape[:-1])


def _collect(dataset) -> tuple:
    """Keypoints ``(N,T,J*D)`` and joints ``(N,T,J,3)`` of all windows."""
    batches = [dataset.__getitems__(range(begin, min(begin + 512, len(dataset))))
               for begin in range(0, len(dataset), 512)]
    return (torch.cat([batch['inputs']['keypoints'].flatten(2).double() for batch in batches]),
            torch.cat([batch['data_samples'].joints.double() for batch in batches]))
