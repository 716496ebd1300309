"""A tiny model, dataset and metric, and the text of a config that trains them."""
import os
import signal
from pathlib import Path

import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from torch import nn

from mmegopose.engine import load_config
from mmegopose.registry import DATASETS, HOOKS, METRICS, MODELS, RUNNERS
from mmegopose.structures import PoseDataSample

CONFIG = """
custom_imports = dict(imports=['helpers.engine_toy'])
data_root = 'data/toy'
model = dict(type='EngineToy', width=8)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-2))
param_scheduler = dict(type='LinearLR', start_factor=0.1, end=10, by_epoch=False)
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='EndlessSampler'), dataset=dict(type='EngineToyDataset'))
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='EngineToyDataset'))
test_dataloader = val_dataloader
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
val_evaluator = dict(type='EngineToyMetric')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
                     logger=dict(type='LoggerHook', interval=1))
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
randomness = dict(seed=3)
"""


@MODELS.register_module(force=True)
class EngineToy(BaseModel):
    """A perceptron with dropout over ``x (B,3)``; records its losses."""

    def __init__(self, width=8, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.first, self.drop, self.last = nn.Linear(3, width), nn.Dropout(0.5), nn.Linear(width, 3)
        self.losses = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        x = self.last(self.drop(torch.relu(self.first(inputs['x']))))
        if mode != 'loss':
            torch.rand(1)  # validation that draws must not disturb training
            return [PoseDataSample(pred_joints=x[:, None, None])]
        loss = (x - data_samples.joints[:, 0, 0]).square().mean()
        self.losses.append(loss.item())
        return dict(loss=loss)

    def compile_networks(self, **options):
        self.compiled_with = options


@MODELS.register_module(force=True)
class EngineOther(EngineToy):
    """Another model."""

    def __init__(self, data_preprocessor=None):
        super().__init__(16, data_preprocessor)
        self.extra = nn.Linear(2, 2)


@DATASETS.register_module(force=True)
class EngineToyDataset(torch.utils.data.Dataset):
    """Ten samples that are a function of the key; counts the batches that it loads."""
    metainfo = dict(dataset_name='toy')

    def __init__(self, data_root='', size=10):
        self.data_root, self.size, self.loaded = data_root, size, 0

    def __len__(self):
        return self.size

    def __getitems__(self, keys):
        self.loaded += 1
        x = torch.stack([torch.randn(3, generator=torch.Generator().manual_seed(key)) for key in keys])
        return dict(inputs=dict(x=x), data_samples=PoseDataSample(joints=x[:, None, None].flip(-1)))


@METRICS.register_module(force=True)
class EngineToyMetric(BaseMetric):
    """Mean of the predictions."""

    def process(self, data_batch, data_samples):
        self.results += [sample['pred_joints'].mean().item() for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results))


@HOOKS.register_module(force=True)
class EngineKillHook(Hook):
    """Kills the process, as a machine that goes down does, after this iteration."""
    priority = 'LOWEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


def write_config(folder: Path, text: str = '', name: str = 'toy.py') -> str:
    """Write the toy config and ``text`` below it; returns the path."""
    path = Path(folder, name)
    path.write_text(CONFIG + text)
    return str(path)


def toy_runner(folder: Path, work_dir='work', **options):
    """Runner of the toy config with dotted options."""
    cfg = load_config(write_config(folder), {key.replace('__', '.'): value for key, value in options.items()})
    cfg.work_dir = str(Path(folder, work_dir))
    cfg.experiment_name = f'{work_dir}_{len(os.listdir(folder))}_{os.urandom(4).hex()}'
    return RUNNERS.build(cfg)
