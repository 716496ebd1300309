"""ExtPose against what leaves a modality out or joins the two otherwise, at the size of ViT-S."""
from pathlib import Path

from mmegopose.engine.config import load_config
from mmegopose.engine.loops import EndlessBatches
from mmegopose.registry import RUNNERS

from .timing import free
from .training import prepare, run, score

MESH = Path(__file__).resolve().parents[3] / 'configs/mesh'
ROWS = ('extpose', 'image', 'pose', 'late', 'concat', 'controlnet')
SMALL_ARCH = {'model.backbone.arch': 'small', 'model.head.embed_dim': 384, 'model.head.decoder_dim': 384,
              'model.head.num_heads': 8, 'model.head.head_dim': 48, 'model.head.mlp_dim': 1024,
              'optim_wrapper.optimizer.lr': 3e-4}
AFTER = 6  # seconds to prepare and to score a row


def ablation(found, args) -> None:
    """Train each row as long as the others, from nothing, and score it on rendered hands."""
    full = args.scale == 'full'
    seconds = min(args.train_seconds, found.seconds_left / len(ROWS) - AFTER) if full else 0.5
    for name in ROWS if full else ROWS[-1:]:
        found.row(name, lambda name=name: _row(name, seconds, found, args), needs=seconds + AFTER if full else 0)
        free(args.device)


def _row(name: str, seconds: float, found, args) -> dict:
    full = args.scale == 'full'
    cfg = load_config(MESH / f'{name}-tiny_synthetic-hand.py', SMALL_ARCH if full else {})
    cfg.model.backbone.pop('init_cfg', None)  # the 2D pre-training is not at hand
    prepare(cfg, args, found.folder, 64 if full else 2)
    cfg.val_dataloader.dataset.num_samples = 600 if full else 20
    runner = RUNNERS.build(cfg)
    runner._init_model_weights()
    row = run(runner.model, cfg, EndlessBatches(runner.build_dataloader(cfg.train_dataloader, seed=0)),
              max(seconds, 0.5), 1.0, args.device)
    score(runner, row)
    return dict(parameters=f'{sum(weight.numel() for weight in runner.model.parameters()) / 1e6:.1f} M', **row)
