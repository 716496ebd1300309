"""The configs, tools and metafiles that come with the package: beside it in a checkout, inside it in a wheel."""
import difflib
from pathlib import Path

PREFIX = 'mmegopose::'


def shipped_root() -> Path:
    """Folder that holds ``configs``, ``tools`` and ``model-index.yml``.

    A wheel has them in ``mmegopose/.mim``, where mmengine looks for the configs of a package.
    """
    package = Path(__file__).resolve().parent
    inside = package / '.mim'
    return inside if inside.is_dir() else package.parent


def find_config(name: str) -> str:
    """Path of a config that is named ``mmegopose::head_pose/egoexo4d_baseline.py``; any other path stays what it is.

    Raises ``FileNotFoundError`` with the nearest names.
    """
    if not name.startswith(PREFIX):
        return name
    inner = name.removeprefix(PREFIX)
    root = shipped_root() / 'configs'
    path = root / (inner if inner.endswith('.py') else f'{inner}.py')
    if not path.is_file():
        near = nearest_configs(inner)
        raise FileNotFoundError(f'there is no config {name}; '
                                + (f'nearest: {", ".join(near)}' if near else f'see the folder {root}'))
    return str(path)


def nearest_configs(name: str, count: int = 3) -> list:
    """Names ``mmegopose::...`` of the shipped configs whose path, or whose file name, is like ``name``."""
    root = shipped_root() / 'configs'
    known = sorted(path.relative_to(root).as_posix() for path in root.rglob('*.py'))
    wanted = name.removeprefix('configs/').removesuffix('.py')

    def likeness(path: str) -> float:
        path = path.removesuffix('.py')
        return max(difflib.SequenceMatcher(None, *pair).ratio() for pair in (
            (wanted, path), (wanted.rpartition('/')[2], path.rpartition('/')[2])))

    found = sorted(known, key=likeness, reverse=True)[:count]
    return [PREFIX + path for path in found if likeness(path) >= 0.6]
