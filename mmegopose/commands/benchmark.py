"""Score models and simple rules on open data; one table and one page for all of them.

The open benchmark has three tasks: body from the track of the head, body from head and wrists, 3D from 2D poses. Its
data is motion capture: an npz, which is converted, the converted folder, or the embedded sample. Rows are the simple
rules and all models that come with the package, the models that you name, or those of a file (docs/benchmark.md).
Each result is kept at once in the folder of --out; a second call only does what is new. Exit status: 0 done, 2 a
mistake, 130 stopped, and nothing is lost.

The benchmark egoexo4d scores one model of bodies, one of hands, or both, on the validation split of Ego-Exo4D: official
numbers, in all and by scenario, both submission files, and one page.

Examples:
    mmegopose benchmark egoexo4d --root data/egoexo4d --body work_dirs/body --hand work_dirs/hand --out benchmark
    mmegopose benchmark open --data sample --out benchmark
    mmegopose benchmark open --data cmu_ego.npz --out benchmark --models work_dirs/mine work_dirs/other
    mmegopose benchmark open --data cmu_ego.npz --out benchmark --rows rows.py --train
    mmegopose benchmark open --data cmu_ego.npz --out benchmark --rows rows.py --only "coarse only" --tasks head
"""
import os
import shlex

TASKS = ('head', 'head_wrists', 'lifting')


def benchmark_arguments(parser) -> None:
    parser.add_argument('which', choices=['open', 'egoexo4d'], help='the benchmark')
    parser.add_argument('--data', metavar='NPZ_OR_FOLDER',
                        help="npz of motion capture, the folder that tools/dataset_converters/mocap.py made of one, or "
                             "'sample'")
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of results, tables and page')
    official = parser.add_argument_group('egoexo4d')
    official.add_argument('--root', metavar='DIR', help='the download, or what mmegopose synthesize wrote')
    official.add_argument('--hand-root', metavar='DIR', help='folder of the prepared hands; default: --root')
    for task in ('body', 'hand'):
        official.add_argument(f'--{task}', nargs='+', metavar='MODEL',
                              help=f'model of {task} pose: name, folder, checkpoint, or config and checkpoint')
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--rows', metavar='FILE', help='file of Python or JSON that declares the rows')
    what.add_argument('--models', nargs='+', metavar='MODEL',
                      help='shipped models or folders of trainings, beside the simple rules; default: all shipped ones')
    parser.add_argument('--only', nargs='+', metavar='ROW', help='these rows')
    parser.add_argument('--tasks', nargs='+', choices=TASKS, help='these tasks')
    parser.add_argument('--split', choices=['val', 'test'], default='val', help='test: look at it once per row')
    parser.add_argument('--train', action='store_true', help='train rows with a config and no checkpoint')


def benchmark_command(args) -> None:
    lacking = [name for name in (('data',) if args.which == 'open' else ('root',)) if getattr(args, name) is None]
    if lacking:
        raise SystemExit(f'mmegopose benchmark {args.which} needs --{lacking[0]}')
    if args.which == 'egoexo4d':
        _egoexo4d(args)
        return
    from mmengine.logging import MMLogger

    from ..errors import user_errors
    from ..open_benchmark import default_rows, read_rows, run_open_benchmark
    from ..open_benchmark.rows import chosen
    with user_errors():
        _check_out(args.out)
        MMLogger.get_instance('open benchmark', log_level='WARNING')
        rows = chosen(read_rows(args.rows) if args.rows else default_rows(args.models), args.only, args.tasks)
        if args.split == 'test':
            print('The test split is to be looked at once per row, after everything was decided on val.', flush=True)
        told = ['mmegopose', 'benchmark', 'open', '--data', args.data, '--out', args.out]
        told += ['--rows', args.rows] if args.rows else ['--models', *args.models] if args.models else []
        told += ['--split', 'test'] if args.split == 'test' else []
        run_open_benchmark(rows, args.data, args.out, split=args.split, train=args.train, command=shlex.join(told))
        with open(f'{args.out}/table.md', encoding='utf-8') as file:
            print(f'\n{file.read()}')
        print(f'Tables and page: {args.out}/table.md, .csv, .json, report.html')


def _egoexo4d(args) -> None:
    from ..errors import user_errors
    from ..open_benchmark.egoexo4d import run_egoexo4d_benchmark
    with user_errors():
        _check_out(args.out)
        for option, folder in (('--root', args.root), ('--hand-root', args.hand_root)):
            if folder is not None and not os.path.isdir(folder):
                raise FileNotFoundError(f'{option} {folder} is no folder: name the download, or what mmegopose '
                                        'synthesize wrote')
        told = ['mmegopose', 'benchmark', 'egoexo4d', '--root', args.root, '--out', args.out]
        for option, given in (('--hand-root', args.hand_root and [args.hand_root]), ('--body', args.body),
                              ('--hand', args.hand)):
            told += [option, *given] if given else []
        run_egoexo4d_benchmark(args.root, args.out, args.body, args.hand, args.hand_root, shlex.join(told))
        with open(f'{args.out}/table.md', encoding='utf-8') as file:
            print(f'\n{file.read()}')
        print(f'Tables, page and submissions: {args.out}')


def _check_out(out: str) -> None:
    if not out or os.path.exists(out) and not os.path.isdir(out):
        raise ValueError(f'--out {out!r} is no folder: name one, which is made if it is not there')
