"""The guard around every reader of 2D poses."""
import functools
import inspect
from collections.abc import Callable
from pathlib import Path

from ....files import DAMAGE, BadFile
from ....structures import get_skeleton
from .collector import Collector


def guarded(reader: Callable) -> Callable:
    """A reader of 2D poses whose options are checked first, and after that whatever cannot be read is ``BadFile``.

    Numbers where text should be, lists where one thing should be: a file can be wrong in more ways than a reader knows.
    What begins with the name of the file is said already.
    """
    @functools.wraps(reader)
    def read(path, *args, **options):
        check_reader_options(reader, options)
        try:
            return reader(path, *args, **options)
        except (BadFile, FileNotFoundError):
            raise
        except (IsADirectoryError, *DAMAGE) as error:
            source = path if isinstance(path, (str, Path)) else 'landmarks'
            if type(error) is ValueError and str(error).startswith(str(source)):
                raise
            raise BadFile(f'{source}: something else than 2D poses is in it ({type(error).__name__}: '
                          f'{str(error)[:200]})') from error
    return read


def check_reader_options(reader: Callable, options: dict) -> None:
    """Raise ``TypeError``, ``ValueError`` or ``KeyError`` for an option that no reader of 2D poses could take."""
    common, own = (inspect.signature(each).parameters for each in (Collector, reader))
    if unknown := sorted(set(options) - set(common) - set(own)):
        known = sorted({*common, *own} - {'path', 'source', 'name', 'options'})
        raise TypeError(f'{reader.__name__} has no options {unknown}, but {known}')
    Collector('', '', **{key: value for key, value in options.items() if key in common})
    if options.get('skeleton') is not None:
        get_skeleton(options['skeleton'])
