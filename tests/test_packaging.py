import json
import os
import runpy
import shutil
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import setuptools
from helpers import track_files
from helpers.built_package import build_both, call, install
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def setup_arguments(monkeypatch):
    found = {}
    monkeypatch.setattr(setuptools, 'setup', found.update)
    runpy.run_path(str(ROOT / 'setup.py'))
    return found


@pytest.mark.parametrize('installed, wanted', [([], True), (['mmcv-2.2.0.dist-info'], False),
                                               (['mmcv_lite-2.2.0.dist-info'], True)])
def test_a_full_mmcv_is_not_overwritten(tmp_path, monkeypatch, installed, wanted):
    for name in installed:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(tmp_path))
    required = setup_arguments(monkeypatch)['install_requires']
    assert any(r.startswith('mmcv-lite') for r in required) == wanted


@pytest.mark.parametrize('python', ['3.10', '3.11', '3.12', '3.13'])
def test_constraints_hold_one_allowed_version_for_every_python(monkeypatch, python):
    wanted = map(Requirement, setup_arguments(monkeypatch)['install_requires'])
    wanted = {r.name: r.specifier for r in wanted if r.name not in ('rich', 'pyyaml')}
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    pins = [pin for pin in map(Requirement, (line for line in lines if not line.startswith('#')))
            if pin.marker is None or pin.marker.evaluate({'python_version': python})]
    names = [pin.name for pin in pins]
    assert len(names) == len(set(names)) and set(wanted) <= set(names)
    for pin in pins:
        (version,) = pin.specifier
        assert version.operator == '==' and wanted.get(pin.name, pin.specifier).contains(version.version)


def test_the_version_is_said_once_and_types_are_shipped(monkeypatch):
    found = setup_arguments(monkeypatch)
    assert f"version: {found['version']}\n" in (ROOT / 'CITATION.cff').read_text()
    assert 'py.typed' in found['package_data']['mmegopose'] and (ROOT / 'mmegopose/py.typed').exists()


def test_every_recorded_file_has_an_origin():
    told = (ROOT / 'tests/data/README.md').read_text()
    assert [p.name for p in sorted((ROOT / 'tests/data').iterdir()) if f'`{p.name}`' not in told] == ['README.md']


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """``(sdist, wheel, folder of the commands of an environment that has the wheel)``"""
    folder = tmp_path_factory.mktemp('built')
    sdist, wheel = build_both(folder)
    return sdist, wheel, install(folder / 'environment', wheel)


@pytest.mark.slow
def test_sdist_is_the_repository(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    for name in ('configs/levelwise_vit.py', 'tools/train.py', 'tests/test_packaging.py', 'docs/concepts.md',
                 'projects/example_project/README.md', 'model-index.yml', 'constraints.txt', 'LICENSE', '.ci/run'):
        assert name in names


@pytest.mark.slow
def test_wheel_has_all_that_the_package_needs(built):
    names = zipfile.ZipFile(built[1]).namelist()
    for folder in ('configs', 'tools'):
        files = [path for path in (ROOT / folder).rglob('*') if path.is_file() and '__pycache__' not in path.parts]
        assert {f'mmegopose/.mim/{path.relative_to(ROOT).as_posix()}' for path in files} <= set(names)
    assets = [path for path in (ROOT / 'mmegopose/assets').rglob('*') if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in assets} <= set(names)
    assert {'mmegopose/py.typed', 'mmegopose/.mim/model-index.yml'} <= set(names)
    assert [name for name in names if name.startswith(('tests/', 'projects/', 'docs/')) or '.pyc' in name] == []


NAMED = """
from mmengine.config import Config
from mmegopose.engine import load_config
from mmengine.hub import get_config
import mmegopose
for name in ('mmegopose::levelwise_vit.py', 'mmegopose::head_pose/egoexo4d_baseline.py'):
    for found in (Config.fromfile(name), load_config(name), get_config(name)):
        assert found.filename.startswith(mmegopose.__path__[0]) and '.mim' in found.filename and found.model, found
assert load_config('mine.py').model.branch_loss_weight == 0.25
"""


@pytest.mark.slow
def test_configs_of_a_wheel_have_names(built, tmp_path):
    (tmp_path / 'mine.py').write_text("_base_ = 'mmegopose::levelwise_vit.py'\nmodel = dict(branch_loss_weight=0.25)\n")
    call(built[2] / 'python', '-c', NAMED, cwd=tmp_path)


TINY = ['model.backbone.depth=1', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2', 'train_dataloader.batch_size=4',
        'default_hooks.checkpoint.interval=2', 'param_scheduler=[]', *(
            f'{stage}_dataloader.{option}' for stage in ('train', 'val', 'test')
            for option in ('num_workers=0', 'persistent_workers=False'))]


@pytest.mark.slow
def test_commands_of_a_wheel_work_in_any_folder(built, tmp_path):
    command, config = built[2] / 'mmegopose', 'mmegopose::head_pose/levelwise_vit_coarse_only.py'
    report = call(command, 'doctor', cwd=tmp_path)
    assert 'installed from a wheel' in report and 'Ready: nothing is missing.' in report
    call(command, 'train', config, '--cfg-options', *TINY, cwd=tmp_path)
    checkpoint = 'work_dirs/levelwise_vit_coarse_only/iter_2.pth'
    call(command, 'test', config, checkpoint, '--out', 'metrics.json', '--cfg-options', *TINY, cwd=tmp_path)
    assert json.loads((tmp_path / 'metrics.json').read_text())['body/MPJPE'] > 5
    call(built[2] / 'python', '-m', 'mmegopose', 'test', config, checkpoint, '--submit', 'body.json', '--cfg-options',
         *TINY, cwd=tmp_path)
    (sample,) = Path(os.environ['MMEGOPOSE_CACHE']).glob('mocap_sample-*')
    report = call(command, 'submit', 'body.json', '--template', sample / 'dummy_test.json', cwd=tmp_path)
    assert 'fit to be submitted' in report
    (tmp_path / 'mine.py').write_text(f"_base_ = '{config}'\nmodel = dict(backbone=dict(depth=1))\n")
    time, poses = track_files.walk()
    track_files.write_csv(tmp_path / 'walk.csv', time, track_files.in_preset(poses, 'unity'))
    report = call(command, 'predict', 'walk.csv', '--preset', 'unity', '--config', 'mine.py', '--checkpoint',
                  checkpoint, cwd=tmp_path)
    assert report.startswith('Read walk.csv: 1 person') and (tmp_path / 'predictions/walk.npz').is_file()
    tool = shipped(built[2]) / 'tools/train.py'
    call(built[2] / 'python', tool, 'mine.py', '--no-validate', '--cfg-options', *TINY, cwd=tmp_path)
    assert (tmp_path / 'work_dirs/mine/iter_2.pth').is_file()


@pytest.mark.slow
def test_a_project_that_is_copied_works_with_a_wheel(built, tmp_path):
    """The wheel has no projects; a copy of one finds the configs that it is based on in the wheel."""
    shutil.copytree(ROOT / 'projects/example_project', tmp_path / 'projects/example_project')
    config = tmp_path / 'projects/example_project/gated_vit.py'
    call(built[2] / 'mmegopose', 'train', config, '--no-validate', '--cfg-options', *TINY, cwd=tmp_path)
    assert (tmp_path / 'work_dirs/gated_vit/iter_2.pth').is_file()


def shipped(commands: Path) -> Path:
    (inside,) = commands.parent.glob('lib/python*/site-packages/mmegopose/.mim')
    return inside
