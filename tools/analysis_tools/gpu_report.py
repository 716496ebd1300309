"""What the package does on a GPU, in minutes: peak, launcher, training steps, frames per second, trainings.

    python tools/analysis_tools/gpu_report.py --out report --budget 470
    python tools/analysis_tools/gpu_report.py --out report --scale tiny --device cpu        # on any machine

Stages run one after another in order of value, each in a process of its own. What a stage finds is written at once, to
``report.json`` and ``report.md``. One that fails or takes too long leaves what it has found, and the next goes on; one
that does not fit into the rest of the budget is skipped. docs/gpu.md says more.
"""
import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from gpu_stages import STAGES, run_report, run_stage


def parse_args(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, default=Path('gpu_report'), metavar='DIR', help='folder of the report')
    parser.add_argument('--stages', nargs='+', metavar='STAGE', default=['1', '2', '3', '4'],
                        help=f'numbers of groups, or names of {", ".join(STAGES)}')
    parser.add_argument('--budget', type=float, default=470, metavar='SECONDS', help='of all stages; default: 470')
    parser.add_argument('--scale', choices=('tiny', 'full'), default='full')
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cuda')
    parser.add_argument('--data', type=Path, metavar='CLIPS.npz',
                        help='motion to train on, of tools/dataset_converters/mocap.py; default: the embedded sample')
    parser.add_argument('--train-seconds', type=float, default=60, metavar='SECONDS', help='of each training, at most')
    parser.add_argument('--workers', type=int, default=max(1, (os.cpu_count() or 2) - 2), metavar='N',
                        help='processes that prepare windows')
    parser.add_argument('--max-weights', type=float, default=1000, metavar='MIB', help='larger weights are not written')
    parser.add_argument('--child', nargs=3, metavar=('STAGE', 'SECONDS', 'FOLDER'), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv=None) -> int:
    args = parse_args(argv)
    if args.child:
        return run_stage(args, *args.child)
    return run_report(args, [sys.executable, __file__, *(sys.argv[1:] if argv is None else argv)])


if __name__ == '__main__':
    sys.exit(main())
