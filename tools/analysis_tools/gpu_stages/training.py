"""Trainings of shipped configs for as long as the time allows, scored on validation data."""
import copy
import math
import os
import re
import time
import warnings
from pathlib import Path

import torch

import mmegopose.datasets
import mmegopose.models  # noqa: F401
from mmegopose.datasets.mocap_sequences import MocapSequences
from mmegopose.datasets.writers.egoexo4d_body import write_egoexo4d
from mmegopose.engine.config import load_config
from mmegopose.engine.loops import EndlessBatches
from mmegopose.files import atomic_write
from mmegopose.registry import RUNNERS

from .graphed import TrainingStep

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
TRAININGS = dict(  # config, and the factor of its learning rate for the larger batch
    head_body=('head_pose/head_body.py', 2.0),
    head_wrists_body=('head_pose/head_wrists_body.py', 2.0),
    lifter=('lifting/lifter.py', 1.5),
    coarse_only=('head_pose/levelwise_vit_coarse_only.py', 2.0),
    fine_only=('head_pose/levelwise_vit_fine_only.py', 1.0),
    levelwise=('levelwise_vit.py', 1.0))
SMALL = {'fine_only': {'model.backbone.depth': 2}, 'levelwise': {'model.branches.fine.backbone.depth': 2}}
SHOWN = r'\w+/(PA-)?(MPJPE|MPJVE|ACCEL|PCK@0.1)(_body12|_macro)?'  # metrics of the table
AFTER = 12  # seconds for the score and the weights
EVERY = 8  # steps between two steps of the moving average of the weights


def train(found, args, name: str) -> None:
    """Train a config in batches of 512 windows, score it, and write its weights."""
    start = time.monotonic()
    config, factor = TRAININGS[name]
    options = {} if args.scale == 'full' else SMALL.get(name, {})
    cfg = load_config(CONFIGS / config, dict(options, **_data(found, args, name)))
    batch_size = 512 if args.scale == 'full' else 8
    prepare(cfg, args, found.folder, batch_size)
    runner = RUNNERS.build(cfg)
    runner._init_model_weights()
    batches = EndlessBatches(runner.build_dataloader(cfg.train_dataloader, seed=0))
    prepared = time.monotonic() - start
    seconds = min(args.train_seconds, found.seconds_left - (AFTER if args.scale == 'full' else 0))
    if args.scale == 'tiny':
        seconds = min(seconds, 1.0)
    row = run(runner.model, cfg, batches, seconds, factor, args.device)
    score(runner, row)
    row['note'] = '; '.join(filter(None, [row['note'], _save(runner, row['steps'], args, name)]))
    found.add(name=name, batch=batch_size, prepare_s=prepared, **row)


def prepare(cfg, args, folder: Path, batch_size: int) -> None:
    """Put batch, workers and device in a config; what it logs stays in ``folder``."""
    cfg.train_dataloader.update(batch_size=batch_size)
    if args.scale == 'full':
        cfg.train_dataloader.update(num_workers=args.workers, prefetch_factor=4, pin_memory=args.device == 'cuda')
    else:
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            loader.update(num_workers=0)
    cfg.work_dir, cfg.launcher, cfg.log_level = str(folder / 'runs'), 'none', 'WARNING'
    cfg.default_hooks.checkpoint = None  # the weights are written once, at the end


def run(model, cfg, batches, seconds: float, factor: float, device: str) -> dict:
    """Train for as long as the seconds allow: a warm-up, then a cosine, both in time."""
    options = {key: value for key, value in cfg.optim_wrapper.optimizer.items() if key not in ('type', 'fused')}
    peak = factor * options['lr']
    model.train()
    batch = next(batches)
    start = time.monotonic()
    step = TrainingStep(model, batch, options, (cfg.optim_wrapper.get('clip_grad') or {}).get('max_norm'), device)
    average, first, losses, count, waiting = Average(model, cfg), None, [], 0, 0.0
    while count < 2 or time.monotonic() - start < seconds:
        done = (time.monotonic() - start) / seconds
        step(batch, peak * min(1.0, done / 0.03 + 0.01) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
        count += 1
        if count % EVERY == 0:
            average.update(count)
        if count % 100 == 1:
            losses.append(step.loss.clone())  # the host looks at them when all is over
        before = time.monotonic()
        batch = next(batches)
        waiting += time.monotonic() - before
    if device == 'cuda':
        torch.cuda.synchronize()
    spent = time.monotonic() - start
    average.put(model)
    first, last = losses[0].item(), step.loss.item()
    if not math.isfinite(last):
        raise RuntimeError(f'the loss became {last} after {count} steps')
    return dict(steps=count, seconds=spent, ms=spent / count * 1e3,
                windows_per_s=count * len(next(iter(batch['inputs'].values()))) / spent, waiting=waiting / spent,
                first_loss=first, last_loss=last, note=step.note)


class Average:
    """A moving average of the weights, of a config with ``EMAHook``: that of ``MomentumAnnealingEMA``."""

    def __init__(self, model, cfg):
        hook = next((hook for hook in cfg.get('custom_hooks') or [] if hook['type'] == 'EMAHook'), None)
        self.own = [value for value in model.state_dict().values() if value.is_floating_point()]
        self.kept = None if hook is None else [value.detach().clone() for value in self.own]
        self.momentum, self.gamma = (hook or {}).get('momentum', 0.0), (hook or {}).get('gamma', 1)

    @torch.no_grad()
    def update(self, count: int) -> None:
        if self.kept is not None:
            momentum = max(self.momentum, self.gamma / (self.gamma + count))
            torch._foreach_lerp_(self.kept, self.own, 1 - (1 - momentum) ** EVERY)

    @torch.no_grad()
    def put(self, model) -> None:
        """Give the model the average, if there is one that has seen any step."""
        if self.kept is not None:
            self.update(EVERY)
            torch._foreach_copy_(self.own, self.kept)


def score(runner, row: dict) -> None:
    """Add the metrics of the validation data to a row."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        metrics = runner.val()
    row |= {key: value for key, value in metrics.items() if re.fullmatch(SHOWN, key)}


def _data(found, args, name: str) -> dict:
    """``data_root``, of clips in an npz; converted once, to what the readers of the head track read."""
    os.environ.setdefault('MMEGOPOSE_CACHE', str(found.folder / 'cache'))
    if args.data is None:
        return {}
    if name == 'lifter':
        return dict(data_root=str(args.data.resolve()))
    root = found.folder / 'ego'
    if not (root / 'takes.json').is_file():
        write_egoexo4d(MocapSequences.load(args.data), root)
    return dict(data_root=str(root))


def _save(runner, steps: int, args, name: str) -> str:
    """Write the weights as training leaves them when it ends; what it says of it."""
    state = {key: value.detach().cpu() for key, value in runner.model.state_dict().items()}
    size = sum(value.nbytes for value in state.values()) / 2 ** 20
    if size > args.max_weights:
        return f'weights of {size:.0f} MiB are not written, --max-weights is {args.max_weights:g}'
    folder = args.out / 'weights'
    folder.mkdir(parents=True, exist_ok=True)
    meta = dict(cfg=runner.cfg.pretty_text, seed=0, iter=steps, epoch=0, experiment_name=runner.experiment_name,
                dataset_meta=copy.deepcopy(runner.val_dataloader.dataset.metainfo))
    meta['dataset_meta'].pop('sequences', None)
    with atomic_write(folder / f'{name}.pth', 'wb') as file:
        torch.save(dict(meta=meta, state_dict=state), file)
    return f'weights/{name}.pth'
