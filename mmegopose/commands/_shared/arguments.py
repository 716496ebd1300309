"""Arguments that several commands have."""
import argparse
import os

from ...config_files import PREFIX, shipped_root


def add_config(parser: argparse.ArgumentParser, *names: str, **options) -> None:
    """The argument for a config, whose completion knows the shipped ones."""
    text = 'config file, or the name of a shipped one: mmegopose::levelwise_vit.py'
    parser.add_argument(*(names or ['config']), help=text, **options).completer = _complete


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """What training and testing have in common: changes of the config, and processes."""
    parser.add_argument('--cfg-options', nargs='+', action='extend', metavar='KEY=VALUE',
                        help='change the config: data_root=/data/egoexo4d optim_wrapper.optimizer.lr=1e-4 '
                             "custom_hooks=\"[dict(type='EMAHook')]\"")
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='what started the processes (tools/dist_train.sh and the like say it)')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def set_local_rank(args) -> None:
    """Where mmengine looks for it."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))


def _complete(prefix: str, **_) -> list:
    from argcomplete.completers import FilesCompleter
    root = shipped_root() / 'configs'
    shipped = [PREFIX + path.relative_to(root).as_posix() for path in root.rglob('*.py') if '_base_' not in path.parts]
    return [name for name in shipped if name.startswith(prefix)] + FilesCompleter(['py'])(prefix)
