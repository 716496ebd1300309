"""The command ``mmegopose``, which is ``python -m mmegopose``, too; :mod:`.commands` holds what it can do."""
import argparse
import difflib
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import command_names, command_of

INTRODUCTION = """\
Egocentric 3D human pose estimation: train, test and use models of body and hands.

A config is a file of yours, or the name of one that comes with the package, e.g. mmegopose::levelwise_vit.py"""

EXAMPLES = """\
Examples:
    mmegopose doctor                                # is everything there?
    mmegopose train mmegopose::levelwise_vit.py     # on the embedded sample of real motion
    mmegopose test mmegopose::levelwise_vit.py work_dirs/levelwise_vit/iter_500.pth

mmegopose COMMAND --help explains a command. A mistake ends in one line; MMEGOPOSE_TRACEBACK=1 shows where it came from.
Completion in bash: pip install "mmegopose[completion]"; eval "$(register-python-argcomplete mmegopose)" """


def make_parser() -> argparse.ArgumentParser:
    """Parser of all commands, whose function is ``args.run``."""
    form = dict(formatter_class=argparse.RawDescriptionHelpFormatter)
    parser = argparse.ArgumentParser('mmegopose', description=INTRODUCTION, epilog=EXAMPLES, **form)
    parser.add_argument('--version', action='version', version=f'mmegopose {__version__}')
    commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
    for name in command_names():
        page, add_arguments, run = command_of(name)
        description, _, examples = page.partition('Examples:')
        command = commands.add_parser(name, help=page.split('\n')[0].rstrip('.'), description=description,
                                      epilog=f'Examples:{examples}' if examples else None, **form)
        add_arguments(command)
        command.set_defaults(run=run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status: 0 success, 2 a mistake of the user; others are the command's."""
    argv = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # spinning threads are slow on shared cores; read by torch
    parser = make_parser()
    if '_ARGCOMPLETE' in os.environ:
        import argcomplete
        argcomplete.autocomplete(parser)
    if not argv:
        parser.print_help()
        return 2
    if not argv[0].startswith('-') and argv[0] not in command_names():
        near = difflib.get_close_matches(argv[0], command_names(), 2, 0.5)
        parser.error(f'there is no command {argv[0]!r}; '
                     + (f'nearest: {", ".join(near)}' if near else f'there are {", ".join(command_names())}'))
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        _refuse(unknown[0], argv[0], parser)
    try:
        return args.run(args) or 0
    except KeyboardInterrupt:  # while a command still loads torch
        if os.environ.get('MMEGOPOSE_TRACEBACK', '0') not in ('', '0'):
            raise
        sys.stderr.write('stopped\n')
        return 130


def _refuse(argument: str, name: str, parser: argparse.ArgumentParser) -> None:
    """End with the usage of the command and the options that are near an argument that it does not have."""
    command = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction)).choices[name]
    options = [option for action in command._actions for option in action.option_strings]
    near = difflib.get_close_matches(argument.split('=')[0], options, 2, 0.6)
    command.error(f'{argument!r} is not known' + (f'; nearest: {", ".join(near)}' if near else ''))


if __name__ == '__main__':
    sys.exit(main())
