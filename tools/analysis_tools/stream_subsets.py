"""Test a model with every subset of its streams, and print a table.

    python tools/analysis_tools/stream_subsets.py configs/ego_body/body_all_streams.py iter_2000.pth \\
        --cfg-options data_root=DIR
    python tools/analysis_tools/stream_subsets.py CONFIG CKPT --shuffle view --reference head_only.json --out subsets

The streams that are always there (the head track) are in every row. Streams that the data never has are told and left
out. --shuffle adds a row in which a stream comes from another time of the same sequence. --reference takes the metrics
of another model (mmegopose test --out), with which all rows are compared; without it that is the first row.
"""
import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmengine.model import is_model_wrapper

from mmegopose.engine.checkpoint import require_checkpoint
from mmegopose.engine.config import check_config, choose_work_dir, load_config, user_errors
from mmegopose.engine.options import Options
from mmegopose.evaluation.stream_subsets import changed_streams, subset_table, subsets
from mmegopose.files import atomic_write, finite_values, read_json, require_writable_file
from mmegopose.registry import RUNNERS
from mmegopose.structures import mask_name

WRISTS = 'wrists (cm)'


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--streams', nargs='+', metavar='NAME', help='subsets of these only; the others are always on')
    parser.add_argument('--shuffle', nargs='+', default=[], metavar='NAME', help='streams to shuffle, a row each')
    parser.add_argument('--reference', metavar='METRICS.json', help='metrics of the model to compare with')
    parser.add_argument('--out', metavar='STEM', help='write the table to STEM.md and the metrics to STEM.json')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as for test.py')
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors():
        require_checkpoint(args.checkpoint)
        reference = with_wrists(read_json(args.reference)) if args.reference else None
        if args.out:
            for ending in ('md', 'json'):
                require_writable_file(f'{args.out}.{ending}', 'name another place with --out')
        cfg = load_config(args.config, Options.of(args.cfg_options))
        check_config(cfg, args.config, 'test')
        cfg.launcher, cfg.load_from, cfg.resume = 'none', args.checkpoint, False
        cfg.work_dir = choose_work_dir(cfg.get('work_dir'), args.config)
        runner = RUNNERS.build(cfg)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        known = [name for name in model.streams or () if mask_name(name)]
        chosen = known if args.streams is None else args.streams
        if strange := [name for name in (*chosen, *args.shuffle) if name not in known]:
            raise ValueError(f'{args.config}: the model reads no stream {strange[0]!r} that can be absent, but {known}')

        def test(lost=(), shuffled=()):
            with changed_streams(model, lost, shuffled) as seen:
                return with_wrists(dict(runner.test())), seen

        everything, seen = test()
        never = [name for name in chosen if not seen.get(name)]
        there = [name for name in chosen if name not in never]
        always = ' + '.join(name for name in model.streams if name not in there and name not in never)
        rows = {' + '.join([always, *kept]): everything if len(kept) == len(there) else
                test([name for name in there if name not in kept])[0] for kept in subsets(tuple(there))}
        for name in args.shuffle:
            rows[f'all, {name} shuffled'] = test(shuffled=[name])[0]
            if rows[f'all, {name} shuffled'] == everything:
                print(f'shuffling {name} changes nothing: batches of one window, or a model that does not use it',
                      file=sys.stderr)
        metric = runner.test_evaluator.metrics[0]
        columns = metric.table_columns() | ({WRISTS: WRISTS} if WRISTS in everything else {})
        text = subset_table(rows, columns, reference)
        if never:
            text += f'\n\nNever there in the data, and in no row: {", ".join(never)}.'
        print(text)
        if args.out:
            with atomic_write(f'{args.out}.md') as file:
                file.write(text + '\n')
            with atomic_write(f'{args.out}.json') as file:
                json.dump(finite_values(rows), file, indent=1)


def with_wrists(metrics: dict) -> dict:
    """Metrics with the mean error of both wrists, where both are scored."""
    wrists = [value for name, value in metrics.items() if name.endswith(('left-wrist/MPJPE', 'right-wrist/MPJPE'))]
    return metrics | ({WRISTS: sum(wrists) / 2} if len(wrists) == 2 else {})


if __name__ == '__main__':
    main()
