"""Train a model from a config; ``--resume`` goes on from the newest good checkpoint of the work dir.

The same as ``mmegopose train``.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout runs its own package

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['train', *sys.argv[1:]]))
