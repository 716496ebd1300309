"""Values of --cfg-options take the type of what they replace, and data roots reach every data set or say why not."""
import argparse
import warnings
from pathlib import Path

import pytest
from helpers.engine_toy import write_config

from mmegopose.engine import DictAction, load_config

CONFIG = """
model['width'] = 8
rate, size, names, flag, labels, nothing = 0.5, (96, 96), ['a'], True, 'both', None
"""


def typed(*pairs):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *pairs]).cfg_options


@pytest.mark.parametrize('pair, value', [
    ('data_root=/a,b', '/a,b'), ('data_root=2024', '2024'), ('data_root="2024"', '2024'), ('data_root=1e3', '1e3'),
    ('data_root=dict', 'dict'), ('data_root=a b', 'a b'), ('train_dataloader.dataset.data_root=1,2', '1,2'),
    ('labels=7', '7'), ('labels=a,b', 'a,b'), ('labels=None', None), ('labels=False', False), ('labels="7"', '7'),
    ('labels=[1, 2]', [1, 2]), ('labels=(1, 2)', (1, 2)),
    ('model.width=1e1', 10), ('model.width=2.5', 2.5), ('rate=2', 2.0), ('rate=inf', float('inf')), ('rate=a', 'a'),
    ('size=128,64', (128, 64)), ('size=[1,2]', (1, 2)), ('names=b,c', ['b', 'c']), ('flag=0', False),
    ('flag=2', 2), ('nothing=2024', 2024), ('model.data_preprocessor=5', 5), ('param_scheduler.start_factor=1', 1.0)])
def test_options_take_the_type_of_what_they_replace(tmp_path, pair, value):
    cfg = load_config(write_config(tmp_path, CONFIG), typed(pair))
    for part in pair.partition('=')[0].split('.'):
        cfg = cfg[part]
    assert cfg == value and type(cfg) is type(value)


def test_the_default_of_an_argument_tells_the_type_too(tmp_path):
    cfg = load_config(write_config(tmp_path), typed('train_dataloader.dataset.size=2e1',
                                                    'default_hooks.logger.keep_local=0'))
    assert type(cfg.train_dataloader.dataset.size) is int and cfg.default_hooks.logger.keep_local is False


def test_values_of_python_code_stay_as_they_are(tmp_path):
    cfg = load_config(write_config(tmp_path, CONFIG), {'labels': 7, 'size': [1, 2], 'data_root': Path('a/b')})
    assert (cfg.labels, cfg.size, cfg.data_root) == (7, [1, 2], 'a/b')


def told(path, **options):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        cfg = load_config(path, options)
    return cfg, [str(warning.message) for warning in found]


def test_a_data_set_that_ignores_the_data_root_says_so(tmp_path):
    path = write_config(tmp_path, "train_dataloader['dataset']['data_root'] = 'own'")
    cfg, messages = told(path, data_root='mine')
    assert cfg.train_dataloader.dataset.data_root == 'own' and cfg.val_dataloader.dataset.data_root == 'mine'
    assert messages == ["data_root='mine' does not reach EngineToyDataset, which names its own: set "
                        "train_dataloader.dataset.data_root (now 'own')"]
    text = "train_dataloader['dataset'] = val_dataloader['dataset'] = dict(type='SyntheticMeshDataset')"
    _, messages = told(write_config(tmp_path, text, 'synthetic.py'), data_root='mine')
    assert messages == ["data_root='mine' does not reach SyntheticMeshDataset, which takes no argument 'data_root'"]
    read = dict(type='HeadPoseDataset', store=dict(type='egoexo4d_body', split='train'), windows={}, pipeline=[])
    cfg, messages = told(write_config(tmp_path, f"train_dataloader['dataset'] = {read}", 'reader.py'), data_root='mine')
    assert cfg.train_dataloader.dataset.store.data_root == 'mine' and not messages
    reader = dict(type='freihand', data_root='own')
    text = f"train_dataloader['dataset'] = dict(type='ImageMeshDataset', reader={reader})"
    cfg, messages = told(write_config(tmp_path, text, 'images.py'), data_root='mine')
    assert 'data_root' not in cfg.train_dataloader.dataset and len(messages) == 1
    assert messages[0].endswith("names its own: set train_dataloader.dataset.reader.data_root (now 'own')")
    assert told(path)[1] == told(path, **{'train_dataloader.dataset.data_root': 'x'})[1] == []
