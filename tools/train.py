"""Train a model from a config; ``--resume`` goes on from the newest good checkpoint of the work dir."""
import argparse
import os
import os.path as osp
import sys

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # spinning threads are slow on shared cores; read when torch loads
sys.path.insert(0, osp.dirname(osp.dirname(osp.abspath(__file__))))  # a checkout runs its own package

from mmegopose.engine.config import DictAction, check_config, load_config, user_errors
from mmegopose.engine.runner import leave_process_group
from mmegopose.registry import RUNNERS


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; default: ./work_dirs/<name of the config>')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='go on from this checkpoint; without a value from the newest in the work dir')
    parser.add_argument('--amp', action='store_true', help='mixed precision, bfloat16 if the config names no dtype')
    parser.add_argument('--no-validate', action='store_true', help='do not validate while training')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help="override the config: optim_wrapper.optimizer.lr=1e-4 custom_hooks=\"[dict(type='X')]\"")
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def use_amp(cfg):
    """Put mixed precision in the config."""
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp replaces OptimWrapper, but optim_wrapper.type is {kind!r}')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'


def main():
    args = parse_args()
    with user_errors():
        cfg = load_config(args.config, args.cfg_options)
        check_config(cfg, args.config, 'train')
        cfg.launcher = args.launcher
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
        if args.amp:
            use_amp(cfg)
        if args.no_validate:
            cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        if args.resume:
            cfg.resume = True
            cfg.load_from = None if args.resume == 'auto' else args.resume
        RUNNERS.build(cfg).train()
        leave_process_group()


if __name__ == '__main__':
    main()
