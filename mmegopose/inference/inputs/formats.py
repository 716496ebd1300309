"""Which reader a recording gets."""
from collections.abc import Callable
from pathlib import Path


def choose_format(path: str | Path, format: str, formats: dict, detect: Callable) -> tuple[Path, str]:
    """The path of a recording, and the key of its reader in ``formats``: ``format``, or what ``detect(path)`` finds if
    that is ``'auto'``.

    Raises ``FileNotFoundError`` if there is no such path, ``KeyError`` for an unknown format.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f'there is no {path}')
    name = detect(path) if format == 'auto' else format
    if name not in formats:
        raise KeyError(f'unknown format {name!r}; known: {sorted(formats)}')
    return path, name
