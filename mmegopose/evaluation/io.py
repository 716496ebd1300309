"""Files that are either complete or absent, and JSON errors that name the file."""
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | Path, mode: str = 'w') -> Iterator:
    """Open a file that appears at ``path`` only once it is written completely; makes the folder if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with open(unfinished, mode) as file:
            yield file
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_json(path: str | Path):
    """Contents of a JSON file. Raises ``ValueError`` that names the file if it is not JSON or was cut off."""
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)
    except ValueError as error:
        raise ValueError(f'{path} is not a complete JSON file: {error}') from error
