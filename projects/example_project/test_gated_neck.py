import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmegopose.engine.config import load_config
from mmegopose.registry import NECKS
from mmegopose.testing import check_module
from projects.example_project import GatedNeck

ROOT = Path(__file__).parents[2]


def test_the_contract_of_necks():
    check_module(dict(type='GatedNeck', embed_dim=16))


def test_neck_keeps_shapes_and_mixes_neighbours_only():
    neck = NECKS.build(dict(type='GatedNeck', embed_dim=8, kernel_size=3))
    tokens = torch.randn(2, 9, 4, 8)
    changed = tokens.clone()
    changed[:, 0] += 1
    difference = (neck(tokens) - neck(changed)).abs().amax((0, 2, 3))
    assert (difference[:2] > 1e-3).all() and (difference[2:] == 0).all()


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match='kernel_size=4 should be odd'):
        GatedNeck(8, 4)


def test_project_trains_from_any_directory(tmp_path):
    """The real command, for three steps."""
    run = subprocess.run(
        [sys.executable, ROOT / 'tools/train.py', ROOT / 'projects/example_project/gated_vit.py', '--work-dir',
         tmp_path, '--cfg-options', 'train_cfg.max_iters=3', 'train_cfg.val_interval=3',
         'train_dataloader.batch_size=4',
         'train_dataloader.num_workers=0', 'val_dataloader.num_workers=0', 'default_hooks.checkpoint.interval=3'],
        cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert (tmp_path / 'iter_3.pth').is_file()
    assert 'body/MPJPE' in run.stdout + run.stderr


def test_two_projects_load_at_once(tmp_path):
    """Another folder named projects, outside this repository, with a config that uses both."""
    other = tmp_path / 'projects/other_project'
    other.mkdir(parents=True)
    (other / '__init__.py').write_text(
        'from torch import nn\nfrom mmegopose.registry import NECKS\n\n\n'
        '@NECKS.register_module()\nclass OtherNeck(nn.Identity):\n    pass\n')
    (other / 'config.py').write_text(
        "custom_imports = dict(imports=['projects.example_project', 'projects.other_project'])\n")
    config = load_config(other / 'config.py')
    assert config.default_scope == 'mmegopose'
    assert NECKS.get('GatedNeck') is GatedNeck and NECKS.get('OtherNeck') is not None
