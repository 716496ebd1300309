"""The embedded sample of real motion, in the official Ego-Exo4D layout."""
import hashlib
from pathlib import Path

from .cache import cache_home
from .mocap_sequences import MocapSequences
from .writers.egoexo4d_body import write_egoexo4d

ASSET = Path(__file__).parents[1] / 'assets' / 'mocap_sample.npz'
WRITER_VERSION = 1  # raise it when the files that the writer makes of the same clips change


def sample_root() -> Path:
    """Folder of the sample, written to the cache on first use. Processes may call it at the same time."""
    version = hashlib.sha256(ASSET.read_bytes() + bytes([WRITER_VERSION])).hexdigest()[:12]
    root = cache_home() / f'mocap_sample-{version}'
    if not (root / 'takes.json').is_file():
        try:
            write_egoexo4d(MocapSequences.load(ASSET), root, test_from_val=True)
        except FileExistsError:
            if not (root / 'takes.json').is_file():  # otherwise another process was first
                raise
    return root
