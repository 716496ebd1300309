"""Where everything goes that can be made again."""
import os
from pathlib import Path


def cache_home() -> Path:
    """``$MMEGOPOSE_CACHE`` or ``~/.cache/mmegopose``."""
    return Path(os.environ.get('MMEGOPOSE_CACHE') or Path.home() / '.cache' / 'mmegopose')
