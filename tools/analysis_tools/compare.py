"""One table of trained models and simple baselines on one split, with curves and pictures.

    python tools/analysis_tools/compare.py --out DIR "Level-wise ViT=configs/levelwise_vit.py=work_dirs/levelwise_vit"

The third part is a checkpoint, or a work dir whose newest checkpoint counts. Data and metrics are those of the first
config; the metrics say which of their results are columns, what baselines they have and how predictions are drawn.
"""
import argparse
import json
import os
import os.path as osp
import sys

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.engine.config import DictAction, check_config, load_config, user_errors


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='LABEL=CONFIG=CHECKPOINT')
    parser.add_argument('--out', required=True, help='folder of the results')
    parser.add_argument('--split', help='split to score, with labels; default: that of the test_dataloader')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='as for train.py')
    args = parser.parse_args()
    args.models = [entry.split('=') for entry in args.models]
    if any(len(entry) != 3 for entry in args.models):
        parser.error('each model needs the form LABEL=CONFIG=CHECKPOINT')
    return args


def load(config: str, args):
    """A config with the chosen split."""
    cfg = load_config(config, args.cfg_options)
    check_config(cfg, config, 'test')
    if args.split:
        cfg.test_dataloader.dataset.split = args.split
    return cfg


def test(config: str, checkpoint: str, args, show_dir: str) -> dict:
    """Metrics of a trained model."""
    from mmegopose.engine.checkpoint import newest_checkpoint
    from mmegopose.evaluation.metric_facts import draw_predictions
    from mmegopose.registry import RUNNERS
    cfg = load(config, args)
    cfg.load_from = newest_checkpoint(checkpoint) if osp.isdir(checkpoint) else checkpoint
    if cfg.load_from is None:
        raise FileNotFoundError(f'no checkpoint in {checkpoint}')
    cfg.work_dir, cfg.log_level = osp.join(args.out, 'logs'), 'WARNING'
    draw_predictions(cfg, cfg.test_evaluator, show_dir)
    return RUNNERS.build(cfg).test()


def main():
    args = parse_args()
    with user_errors():
        from mmengine.logging import MMLogger

        from mmegopose.evaluation.metric_facts import build_metrics, markdown_table, score_baselines, table_columns
        from mmegopose.files import atomic_path, atomic_write
        from mmegopose.registry import DATASETS
        from mmegopose.visualization import plot_training
        MMLogger.get_instance('compare', log_level='WARNING')
        cfg = load(args.models[0][1], args)
        meta = DATASETS.build(cfg.test_dataloader.dataset).metainfo
        metrics = build_metrics(cfg.test_evaluator, meta)
        columns = table_columns(metrics)
        results = score_baselines(metrics, cfg.test_evaluator, cfg.train_dataloader.dataset,
                                  cfg.test_dataloader.dataset)
        for label, config, checkpoint in args.models:
            results[label] = test(config, checkpoint, args, osp.join(args.out, 'poses', label.replace(' ', '_')))
        runs = {label: path for label, _, path in args.models if osp.isdir(path)}
        if runs:
            heading, name = next(iter(columns.items()))
            with atomic_path(osp.join(args.out, 'training.png')) as unfinished:
                plot_training(runs, name, heading).savefig(unfinished, dpi=110)
        with atomic_write(osp.join(args.out, 'results.json')) as file:
            json.dump(results, file, indent=1)
        table = markdown_table(args.split or meta.get('split') or '', results, columns)
        with atomic_write(osp.join(args.out, 'table.md')) as file:
            file.write(table + '\n')
        print(table)


if __name__ == '__main__':
    main()
