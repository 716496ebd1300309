"""The embedded sample of real motion, and other motion capture, in the official Ego-Exo4D layout."""
import hashlib
import shutil
from pathlib import Path

from mmengine.logging import MMLogger

from .cache import cache_home, sweep_cache, unwritable
from .mocap_sequences import MocapSequences
from .writers.egoexo4d_body import write_egoexo4d

ASSET = Path(__file__).parents[1] / 'assets' / 'mocap_sample.npz'
WRITER_VERSION = 1  # raise it when the files that the writer makes of the same clips change


def sample_root() -> Path:
    """Folder of the sample, written to the cache on first use. Processes may call it at the same time."""
    return converted_root(ASSET, test_from_val=True)


def converted_root(npz: Path, **options) -> Path:
    """Folder that :func:`write_egoexo4d` makes of an npz of motion capture, in the cache, written on first use.

    Args:
        npz: see :meth:`.MocapSequences.load`.
        options: of :func:`write_egoexo4d`, always the same ones for a file.
    """
    version = hashlib.sha256(npz.read_bytes() + bytes([WRITER_VERSION])).hexdigest()[:12]
    root = cache_home() / f'{npz.stem}-{version}'
    if not (root / 'takes.json').is_file():
        sweep_cache(root.parent)
        if root.is_dir():  # it appears complete or not at all
            MMLogger.get_current_instance().warning(f'made anew, because takes.json is missing: {root}')
            shutil.rmtree(root, ignore_errors=True)
        try:
            write_egoexo4d(MocapSequences.load(npz), root, **options)
        except FileExistsError:
            if not (root / 'takes.json').is_file():  # otherwise another process was first
                raise
        except OSError as error:
            raise unwritable(f'the sample {root}', error) from error
    return root
