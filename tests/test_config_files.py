"""Configs by name, metafiles, and what comes with the package."""
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from mmengine.hub import get_config

from mmegopose.config_files import find_config, nearest_configs, shipped_root
from mmegopose.engine.config import load_config

ROOT = Path(__file__).parents[1]


def test_a_checkout_has_its_configs_beside_the_package():
    assert shipped_root() == ROOT
    assert find_config('mmegopose::levelwise_vit.py') == str(ROOT / 'configs/levelwise_vit.py')
    assert find_config('mmegopose::levelwise_vit') == find_config('mmegopose::levelwise_vit.py')
    assert find_config('some/where.py') == 'some/where.py'


@pytest.mark.parametrize('name', ['levelwise_vit.py', 'head_pose/egoexo4d_baseline.py', '_base_/runtime/default.py'])
def test_a_name_is_a_config_everywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = Config.fromfile(ROOT / 'configs' / name)
    assert Config.fromfile(f'mmegopose::{name}')._cfg_dict == expected._cfg_dict
    assert get_config(f'mmegopose::{name}')._cfg_dict == expected._cfg_dict
    assert load_config(f'mmegopose::{name}')._cfg_dict == load_config(ROOT / 'configs' / name)._cfg_dict


def test_a_named_base_equals_the_file(tmp_path):
    (tmp_path / 'named.py').write_text(
        "_base_ = 'mmegopose::levelwise_vit.py'\nval_dataloader = dict(dataset=dict(pipeline=[*_base_.target]))\n")
    named = load_config(tmp_path / 'named.py')
    assert named._cfg_dict == load_config('mmegopose::levelwise_vit.py')._cfg_dict
    assert '_scope_' not in named.pretty_text


@pytest.mark.parametrize('wrong, right', [
    ('mmegopose::levelwse_vit.py', 'mmegopose::levelwise_vit.py'),
    ('mmegopose::stcformer_27_sample', 'mmegopose::lifting/stcformer_27_sample.py'),
    ('configs/levelwise_vit.py', 'mmegopose::levelwise_vit.py')])
def test_an_unknown_name_is_answered_with_the_nearest(wrong, right, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f'no config {wrong}; nearest: {right}'):
        load_config(wrong)


def test_a_name_like_no_other_has_no_nearest():
    assert nearest_configs('zzz') == []
    with pytest.raises(FileNotFoundError, match='no config mmegopose::zzz; see the folder .*configs'):
        find_config('mmegopose::zzz')


def test_metafiles_know_every_config_once():
    files = [ROOT / name for name in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']]
    assert sorted(files) == sorted((ROOT / 'configs').rglob('metafile.yml'))
    pages = [yaml.safe_load(file.read_text()) for file in files]
    models = [model for page in pages for model in page['Models']]
    assert sorted(model['Config'] for model in models) == sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts)
    assert [model['Name'] for model in models] == [Path(model['Config']).stem for model in models]
    assert len({model['Name'] for model in models}) == len(models)
    assert all(model['In Collection'] in [c['Name'] for c in page['Collections']]
               for page in pages for model in page['Models'])
    assert all((ROOT / c['README']).is_file() for page in pages for c in page['Collections'])
