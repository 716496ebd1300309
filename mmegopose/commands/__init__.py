"""The subcommands of ``mmegopose``: one file each, and nothing else to edit.

A file ``NAME.py`` has a docstring, which is the page that ``mmegopose NAME --help`` shows (its first line stands in the
list of commands, what follows ``Examples:`` after the arguments), and two functions:

- ``NAME_arguments(parser)`` adds its arguments.
- ``NAME_command(args)`` does the work and returns the exit status, None for success.

What several of them share lies in ``_shared``. A file imports torch and what builds on it inside of these functions:
help and completion come at once.
"""
import importlib
import pkgutil


def command_names() -> list:
    """Names of the commands."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith('_'))


def command_of(name: str) -> tuple:
    """Docstring, function that adds the arguments, and function that does the work, of a command."""
    module = importlib.import_module(f'{__name__}.{name}')
    return module.__doc__, getattr(module, f'{name}_arguments'), getattr(module, f'{name}_command')
