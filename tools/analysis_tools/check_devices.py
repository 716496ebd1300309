"""Put configs on a GPU that is not there, and tell what would fail or wait on one that is.

    python tools/analysis_tools/check_devices.py configs/levelwise_vit.py configs/lifting/lifter.py

The model and the data of each config go through forward, losses, gradients and predictions with tensors that have a
device but no values. Exit status: 1 if an operation mixes devices.
"""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout runs its own package

from mmegopose.engine.config import DictAction, user_errors
from mmegopose.testing.device_check import check_devices


def parse_args(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--windows', type=int, default=2, help='batch size')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='for all configs')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    args, mixed = parse_args(argv), False
    with user_errors():
        for config in args.configs:
            try:
                found = check_devices(config, args.cfg_options, args.windows)
            except FileNotFoundError as error:
                if not Path(config).is_file() and '::' not in config:
                    raise
                print(f'{config}: left out, it needs files: {str(error).splitlines()[0]}', flush=True)
                continue
            mixed |= any(one.kind == 'mixes' for each in found.values() for one in each)
            print(f'{config}: ' + ('every tensor is where it should be' if not any(found.values()) else ''), flush=True)
            for step, findings in found.items():
                for one in findings:
                    print(f'  {step:8} {one}', flush=True)
    return int(mixed)


if __name__ == '__main__':
    sys.exit(main())
