"""Results of rows as files, each written at once and whole, found again by what they depend on."""
import hashlib
import json
import re
import warnings
from pathlib import Path

from ..files import BadFile, atomic_write, finite_values, read_json


class StoredResults:
    """Results in a folder, by their identity: checksums of checkpoint, config and data.

    Args:
        folder: made when the first result is written.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def path(self, identity: dict) -> Path:
        """File of a result."""
        words = re.sub('[^a-z0-9]+', '-', f'{identity["task"]} {identity["split"]}'.lower())
        return self.folder / f'{words}-{_digest(identity)[:16]}.json'

    def find(self, identity: dict) -> dict | None:
        """A result, None if there is none. A damaged file counts as none, which a warning tells."""
        path = self.path(identity)
        if not path.is_file():
            return None
        try:
            content = read_json(path)
        except (BadFile, OSError) as error:
            warnings.warn(f'{error}; it is made anew', stacklevel=2)
            return None
        if content.get('digest') != _digest(content.get('result')) or content.get('identity') != _plain(identity):
            warnings.warn(f'{path} is not as it was written and is made anew', stacklevel=2)
            return None
        return content['result']

    def write(self, identity: dict, result: dict) -> dict:
        """Keep a result; returns it as :meth:`find` would."""
        result = _plain(finite_values(result))
        with atomic_write(self.path(identity)) as file:
            json.dump(dict(identity=identity, digest=_digest(result), result=result), file, allow_nan=False)
        return result


def _plain(value):
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def _digest(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
