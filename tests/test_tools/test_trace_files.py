"""How many files of the package a sample crosses from its reader to a number, in each family."""
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import image_fixture, lifting_fixture
from helpers.body_fixtures import mano_arrays

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'tools/analysis_tools'))

import trace_files  # noqa: E402

FREIHAND = """
_base_ = '{root}/configs/mesh/extpose-tiny_synthetic-hand.py'
model = dict(head=dict(body_model=dict(source='{data}/mano.npz')))
val_dataloader = dict(dataset=dict(
    _delete_=True, type='ImageMeshDataset', test_mode=True, crop=dict(size=96, width=96),
    data_root='{data}', reader=dict(type='freihand'), split='evaluation'))
val_evaluator = dict(_delete_=True, type='MeshMetric', protocol='freihand')
"""


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path / 'cache'))


def test_head_pose(cache, egoexo):
    files = trace_files.trace(str(ROOT / 'configs/head_pose/levelwise_vit_coarse_only.py'), dict(data_root=str(egoexo)))
    assert {'datasets/readers/head_pose/egoexo4d_body.py', 'datasets/window_dataset.py',
            'evaluation/metrics/body_pose_metric.py', 'geometry/rotations.py'} <= set(files)
    assert len(files) <= 23 and not any(file.startswith('models/') for file in files)


def test_lifting(cache, tmp_path):
    lifting_fixture.write_h36m(tmp_path, *lifting_fixture.h36m(tmp_path))
    files = trace_files.trace(str(ROOT / 'configs/lifting/stcformer_27_h36m.py'), {
        'data_root': str(tmp_path), 'test_dataloader.dataset.keypoints': 'gt', 'model.neck.depth': 1,
        **{f'model.{part}.embed_dim': 16 for part in ('backbone', 'neck', 'head')}})
    assert {'datasets/readers/lifting/h36m.py', 'evaluation/metrics/lifting_metric.py'} <= set(files)
    assert len(files) <= 27 and not any(file.startswith('models/') for file in files)


def test_image_mesh(cache, tmp_path):
    image_fixture.write_freihand(tmp_path)
    np.savez(tmp_path / 'mano.npz', **mano_arrays()[0])
    (tmp_path / 'config.py').write_text(FREIHAND.format(root=ROOT, data=tmp_path))
    files = trace_files.trace(str(tmp_path / 'config.py'))
    assert {'datasets/readers/images/freihand.py', 'evaluation/metrics/mesh_metric.py'} <= set(files)
    assert len(files) <= 32 and not any(file.startswith('models/') for file in files)


def test_the_command_prints_a_table_with_the_files(cache, egoexo, capsys):
    trace_files.main([str(ROOT / 'configs/head_pose/levelwise_vit_coarse_only.py'), '--list',
                      '--cfg-options', f'data_root={egoexo}'])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('|')]
    assert lines[2].startswith('| configs/head_pose/levelwise_vit_coarse_only.py |')
    assert int(lines[2].split('|')[2]) == len(lines) - 3
