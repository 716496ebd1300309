"""Train and test several configs with several seeds; one table and one plot.

    python tools/analysis_tools/ablate.py image=configs/mesh/image-tiny_synthetic-hand.py \
        ExtPose=configs/mesh/extpose-tiny_synthetic-hand.py --out DIR --seeds 0 1 \
        --first configs/mesh/vit-tiny_synthetic-hand-2d.py

What is done is not done again: an interrupted ablation goes on where it stopped.
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine.checkpoint import newest_checkpoint
from mmegopose.engine.config import user_errors
from mmegopose.evaluation.intervals import mean_and_deviation
from mmegopose.files import atomic_path, atomic_write
from mmegopose.open_benchmark.training import run_logged

TOOLS = Path(__file__).resolve().parents[1]
METRICS = ('mesh/PA-MPJPE', 'mesh/MPJPE', 'mesh/PA-MPVPE', 'mesh/PA-F@5', 'mesh/PA-F@15', 'keypoints/PCK@0.1')


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='LABEL=CONFIG')
    parser.add_argument('--out', required=True, type=Path, help='folder of the runs and results')
    parser.add_argument('--first', metavar='CONFIG',
                        help='trained once before the others, in its default work dir, where they find its checkpoint')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--metrics', nargs='+', default=METRICS, help='columns; the first is plotted')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as for train.py, for all')
    args = parser.parse_args()
    args.configs = dict(entry.split('=', 1) if '=' in entry else (Path(entry).stem, entry) for entry in args.configs)
    return args


def train_and_test(config: str, folder: Path, options: list) -> dict:
    """Metrics of a config, from ``folder`` if they are there."""
    result = folder / 'metrics.json'
    if not result.exists():
        options = ['--cfg-options', *options] if options else []
        start = time.monotonic()
        run_logged(folder / 'train.log', TOOLS / 'train.py', config, '--work-dir', folder, '--resume', *options)
        seconds = time.monotonic() - start
        run_logged(folder / 'test.log', TOOLS / 'test.py', config, newest_checkpoint(str(folder)), '--out',
            folder / 'tested.json', '--show-dir', folder / 'pictures', *options)
        metrics = json.loads((folder / 'tested.json').read_text())
        with atomic_write(result, 'w') as file:
            json.dump(dict(metrics, train_seconds=seconds), file, indent=1)
    return json.loads(result.read_text())


def table(results: dict, metrics: tuple) -> str:
    """Markdown table of the means over seeds, with the standard deviations where there are several."""
    lines = ['| | ' + ' | '.join(metrics) + ' | seeds |', '|---|' + '---:|' * (len(metrics) + 1)]
    for label, runs in results.items():
        cells = []
        for name in metrics:
            mean, spread = mean_and_deviation([run[name] for run in runs])
            cells.append(f'{mean:.2f}' if spread is None else f'{mean:.2f} ± {spread:.2f}')
        lines.append(f'| {label} | ' + ' | '.join(cells) + f' | {len(runs)} |')
    return '\n'.join(lines)


def plot(results: dict, metric: str, path: Path) -> None:
    """One row per config: a dot per seed, a line at the mean."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(6, 0.8 + 0.45 * len(results)), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for row, runs in enumerate(results.values()):
        values = [run[metric] for run in runs]
        axes.plot(values, [row] * len(values), 'o', color='#1f77b4', alpha=0.7)
        axes.plot([sum(values) / len(values)] * 2, [row - 0.25, row + 0.25], color='#333333')
    axes.set_yticks(range(len(results)), results)
    axes.invert_yaxis()
    axes.set_xlabel(f'{metric} (mm), lower is better' if metric.endswith(('MPJPE', 'MPVPE')) else metric)
    axes.grid(axis='x', alpha=0.3)
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished, dpi=110)


def main():
    args = parse_args()
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    with user_errors():
        if args.first:
            print(f'Training {args.first}', flush=True)
            run_logged(args.out / 'first.log', TOOLS / 'train.py', args.first, '--resume')
        results = {label: [] for label in args.configs}
        for seed in args.seeds:
            for label, config in args.configs.items():
                print(f'{label}, seed {seed}', flush=True)
                folder = args.out / label.replace(' ', '_') / f'seed_{seed}'
                results[label].append(train_and_test(config, folder, [f'randomness.seed={seed}', *args.cfg_options]))
        lacking = [name for name in args.metrics if any(name not in run for runs in results.values() for run in runs)]
        if lacking:
            known = sorted(set.intersection(*(set(run) for runs in results.values() for run in runs)))
            raise ValueError(f'not every result has {lacking}; --metrics can be {known}')
        text = table(results, args.metrics)
        for name, content in (('table.md', text + '\n'), ('results.json', json.dumps(results, indent=1))):
            with atomic_write(args.out / name) as file:
                file.write(content)
        plot(results, args.metrics[0], args.out / 'ablation.png')
        print(text)


if __name__ == '__main__':
    main()
