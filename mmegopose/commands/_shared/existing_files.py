"""Files that are there already: who may write over them."""
from collections.abc import Callable
from pathlib import Path


def require_free(file: Path, source: str, source_of: Callable[[Path], str | None], kind: str, overwrite: bool) -> None:
    """``ValueError`` if a file is there that has another source, and it should not be written over.

    Args:
        source: of what will be written.
        source_of: that of a file, None if it is no such file.
        kind: of the file, e.g. ``'prediction'``.
        overwrite: whatever is there.
    """
    if overwrite or not file.exists():
        return
    found = source_of(file)
    if found != source:
        told = f'no {kind}' if found is None else f'the {kind} of {found}'
        raise ValueError(f'{file} is there already, and is {told}: name another place with --out, or write over it '
                         'with --overwrite')
