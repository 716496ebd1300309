"""The hand-pose data of Ego-Exo4D, prepared as by the official tool: mmegopose prepare egoexo4d-hand."""
import os.path as osp
import sys

sys.path.insert(0, osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))))  # a checkout runs its own package

from mmegopose.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'egoexo4d-hand', *sys.argv[1:]]))
