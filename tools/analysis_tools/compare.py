"""One table of trained models and simple baselines on the validation split, with curves and pictures.

    python tools/analysis_tools/compare.py --out DIR "Level-wise ViT=configs/levelwise_vit.py=work_dirs/levelwise_vit"

The third part is a checkpoint, or a work dir whose newest checkpoint counts. Data, baselines and metrics are those of
the first config: body pose from the head's track, or lifting of 2D keypoints.
"""
import argparse
import json
import os
import os.path as osp
import sys

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import DictAction, check_config, load_config, user_errors

COLUMNS = dict(
    body={'MPJPE, 17 joints (cm)': 'body/MPJPE', 'MPJPE, 12 body joints (cm)': 'body/MPJPE_body12',
          'MPJVE (m/s)': 'body/MPJVE'},
    lifting={'MPJPE (mm)': 'lifting/MPJPE', 'PA-MPJPE (mm)': 'lifting/PA-MPJPE', 'N-MPJPE (mm)': 'lifting/N-MPJPE',
             'MPJVE (mm/frame)': 'lifting/MPJVE', 'acceleration (mm/frame²)': 'lifting/ACCEL'})


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='LABEL=CONFIG=CHECKPOINT')
    parser.add_argument('--out', required=True, help='folder of the results')
    parser.add_argument('--split', default='val', help='split to score, with labels')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='as for train.py')
    args = parser.parse_args()
    args.models = [entry.split('=') for entry in args.models]
    if any(len(entry) != 3 for entry in args.models):
        parser.error('each model needs the form LABEL=CONFIG=CHECKPOINT')
    return args


def test(config: str, checkpoint: str, args, show_dir: str) -> dict:
    """Metrics of a trained model."""
    from mmegopose.engine.checkpoint import newest_checkpoint
    from mmegopose.registry import RUNNERS
    cfg = load_config(config, args.cfg_options)
    check_config(cfg, config, 'test')
    cfg.load_from = newest_checkpoint(checkpoint) if osp.isdir(checkpoint) else checkpoint
    if cfg.load_from is None:
        raise FileNotFoundError(f'no checkpoint in {checkpoint}')
    cfg.work_dir, cfg.log_level = osp.join(args.out, 'logs'), 'WARNING'
    cfg.test_dataloader.dataset.split = args.split
    cfg.default_hooks.visualization = dict(type='PoseVisualizationHook', out_dir=show_dir)
    return RUNNERS.build(cfg).test()


def main():
    args = parse_args()
    with user_errors():
        from mmengine.logging import MMLogger

        from mmegopose.evaluation.baselines.head_pose_baselines import evaluate_baselines
        from mmegopose.evaluation.baselines.lifting_baselines import evaluate_lifting_baselines
        from mmegopose.visualization import plot_training
        MMLogger.get_instance('compare', log_level='WARNING')
        cfg = load_config(args.models[0][1], args.cfg_options)
        os.makedirs(args.out, exist_ok=True)
        kind, unit, baselines = ('lifting', 'mm', evaluate_lifting_baselines) \
            if cfg.test_evaluator.type == 'LiftingMetric' else ('body', 'cm', evaluate_baselines)
        results = baselines(cfg.train_dataloader.dataset, dict(cfg.test_dataloader.dataset, split=args.split),
                            cfg.test_evaluator)
        for label, config, checkpoint in args.models:
            results[label] = test(config, checkpoint, args, osp.join(args.out, 'poses', label.replace(' ', '_')))
        runs = {label: path for label, _, path in args.models if osp.isdir(path)}
        if runs:
            plot_training(runs, f'{kind}/MPJPE', unit).savefig(osp.join(args.out, 'training.png'), dpi=110)
        with open(osp.join(args.out, 'results.json'), 'w') as file:
            json.dump(results, file, indent=1)
        columns = COLUMNS[kind]
        lines = [f'| {args.split} | ' + ' | '.join(columns) + ' |', '|---|' + '---:|' * len(columns)]
        lines += [f'| {label} | ' + ' | '.join(f'{metrics[key]:.2f}' for key in columns.values()) + ' |'
                  for label, metrics in results.items()]
        with open(osp.join(args.out, 'table.md'), 'w') as file:
            file.write('\n'.join(lines) + '\n')
        print('\n'.join(lines))


if __name__ == '__main__':
    main()
