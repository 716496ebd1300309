"""Distributed training through the launcher: 20 steps, then a resume."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2]
SMALL = ['model.branches.fine.backbone.depth=1', 'train_dataloader.batch_size=8', 'train_dataloader.num_workers=0']


def launch(found, args) -> None:
    """``tools/dist_train.sh configs/levelwise_vit.py 1 --amp``: ``steps`` of training, then as many by ``--resume``."""
    steps, folder = 20 if args.scale == 'full' else 2, found.folder / 'launched'
    for name, until, further in (('start', steps, []), ('resume', 2 * steps, ['--resume'])):
        found.row(name, lambda until=until, further=further: _train(until, further, folder, args, found.seconds_left))
    for row in found.rows:
        if row.get('note', '').startswith('failed'):
            raise RuntimeError(row['note'])


def _train(until: int, further: list, folder: Path, args, seconds: float) -> dict:
    options = ['default_hooks.logger.interval=1', f'train_cfg.max_iters={until}',
               f'default_hooks.checkpoint.interval={until}', *(SMALL if args.scale == 'tiny' else [])]
    command = ['bash', str(TOOLS / 'dist_train.sh'), str(TOOLS.parent / 'configs/levelwise_vit.py'), '1', '--amp',
               '--no-validate', '--work-dir', str(folder), *further, '--cfg-options', *options]
    environment = dict(os.environ, PYTHON=sys.executable, NCCL_DEBUG='VERSION',
                       OMP_NUM_THREADS=os.environ.get('OMP_NUM_THREADS', '4'))
    if args.device == 'cpu':
        environment['CUDA_VISIBLE_DEVICES'] = ''
    start = time.monotonic()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=max(1.0, seconds))
    print(done.stdout, flush=True)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)} ended with {done.returncode}: {done.stdout.strip()[-600:]}')
    losses = re.findall(r'Iter\(train\) \[ *(\d+)/.*? loss: ([\d.]+)', done.stdout)
    last = max(folder.glob('iter_*.pth'), key=lambda path: path.stat().st_mtime)
    nccl = re.search(r'NCCL version \S+', done.stdout)
    if last.name != f'iter_{until}.pth':
        raise RuntimeError(f'the last checkpoint is {last.name}, not iter_{until}.pth')
    return dict(seconds=time.monotonic() - start, steps=f'{losses[0][0]} to {losses[-1][0]}',
                first_loss=float(losses[0][1]), last_loss=float(losses[-1][1]), checkpoint=last.name,
                note=nccl[0] if nccl else 'gloo' if args.device == 'cpu' else 'NCCL tells no version')
