"""Evaluate a checkpoint; optionally save the metrics, the predictions, pictures, or a submission file.

The same as ``mmegopose test``.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout runs its own package

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['test', *sys.argv[1:]]))
