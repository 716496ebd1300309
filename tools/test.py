"""Evaluate a checkpoint; optionally save the metrics, the predictions, pictures, or a submission file.

The same as ``mmegopose test``.
"""
import sys
from pathlib import Path

<<<<<<< HEAD
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # spinning threads are slow on shared cores; read when torch loads
sys.path.insert(0, osp.dirname(osp.dirname(osp.abspath(__file__))))  # a checkout runs its own package

from mmengine.dist import is_main_process

from mmegopose.engine.checkpoint import require_checkpoint
from mmegopose.engine.config import DictAction, check_config, load_config, user_errors
from mmegopose.engine.runner import leave_process_group
from mmegopose.evaluation.metric_facts import as_list, draw_predictions
from mmegopose.files import atomic_write
from mmegopose.registry import RUNNERS


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder of the logs; default: ./work_dirs/<name of the config>')
    parser.add_argument('--out', metavar='METRICS.json', help='write the metrics here')
    parser.add_argument('--dump', metavar='PREDICTIONS.npz', help='write the predictions here')
    parser.add_argument('--show-dir', metavar='DIR', help='write pictures of the predictions here')
    parser.add_argument('--submit', metavar='FILE',
                        help='write a submission file instead of evaluating; uses submit_evaluator and '
                             'submit_dataloader of the config')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override the config: test_dataloader.batch_size=8')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def add_outputs(cfg, args):
    """Put what ``--dump``, ``--submit`` and ``--show-dir`` ask for in the config."""
    evaluators = as_list(cfg.get('test_evaluator'))
    if args.submit:
        if cfg.get('submit_evaluator') is None:
            raise KeyError('--submit needs submit_evaluator in the config, the metric that writes the file: '
                           "dict(type='BodySubmission') or dict(type='HandSubmission', challenge='freihand')")
        if cfg.get('submit_dataloader') is not None:
            cfg.merge_from_dict(dict(test_dataloader=cfg.submit_dataloader))
        evaluators = [dict(cfg.submit_evaluator, out_file=args.submit)]
    if args.dump:
        evaluators.append(dict(type='DumpPredictions', out_file=args.dump))
    cfg.test_evaluator = evaluators
    if args.show_dir:
        draw_predictions(cfg, evaluators, args.show_dir)


def main():
    args = parse_args()
    with user_errors():
        if '://' not in args.checkpoint:
            require_checkpoint(args.checkpoint)
        cfg = load_config(args.config, args.cfg_options)
        add_outputs(cfg, args)
        check_config(cfg, args.config, 'test')
        cfg.launcher, cfg.load_from, cfg.resume = args.launcher, args.checkpoint, False
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
        metrics = RUNNERS.build(cfg).test()
        if args.out and is_main_process():
            with atomic_write(args.out) as file:
                json.dump(metrics, file, indent=2, default=float)
        leave_process_group()
=======
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout runs its own package
>>>>>>> c819adb (One command, mmegopose train, test, submit and doctor, from any folder)

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['test', *sys.argv[1:]]))
