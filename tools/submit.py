"""Check a body pose submission against the challenge's template, and score it where the truth is at hand.

The same as ``mmegopose submit``.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a checkout runs its own package

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['submit', *sys.argv[1:]]))
