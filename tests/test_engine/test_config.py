"""Configs: options, plugins, data root, and mistakes told with file and key."""
import argparse
import importlib.metadata
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from helpers.engine_toy import write_config

from mmegopose.engine import DictAction, check_config, load_config, load_plugins, user_errors
from mmegopose.engine.options import parse_value
from mmegopose.registry import BACKBONES, MODELS, NECKS
from mmegopose.structures import find_stream, get_skeleton


@pytest.mark.parametrize('text,value', [
    ('1', 1), ('-1', -1), ('1e-3', 1e-3), ('inf', float('inf')), ('-inf', -float('inf')), ('True', True),
    ('false', False), ('None', None), ('none', 'none'), ('"1"', '1'), ('a b  c', 'a b  c'), ("'a, b'", 'a, b'),
    ('/data/my files/x.json', '/data/my files/x.json'), ('2021-01-01', '2021-01-01'), ('a-b', 'a-b'), ('', ''),
    ('1,2,3', [1, 2, 3]), ('a,b', ['a', 'b']), ('left-eye,right-eye', ['left-eye', 'right-eye']), ('(1,2)', (1, 2)),
    ('(1,2),(3,4)', [(1, 2), (3, 4)]), ('[a, b]', ['a', 'b']), ('[/x/a b, c-d]', ['/x/a b', 'c-d']), ('[]', []),
    ('{b:1}', {'b': 1}), ("{'b': [1, {'c': 2}]}", {'b': [1, {'c': 2}]}), ('dict(a=1, b=dict(c=x))',
                                                                           {'a': 1, 'b': {'c': 'x'}}),
    ("[dict(type='X', names=['a b', 'c']), dict(type=Y)]", [dict(type='X', names=['a b', 'c']), dict(type='Y')]),
    ('open("x")', 'open("x")'), ('[1, 2', '[1, 2'), ('ViT', 'ViT'), ('mmpretrain.ViT', 'mmpretrain.ViT'),
    ('a=b', 'a=b'), ('auto', 'auto')])
def test_option_values(text, value):
    parsed = parse_value(text)
    assert parsed == value and type(parsed) is type(value)


def test_dict_action(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--o', nargs='+', action=DictAction)
    assert parser.parse_args(['--o', 'a.b=1', "c=d=e f", '--o', 'a.b=2']).o == {'a.b': 2, 'c': 'd=e f'}
    with pytest.raises(SystemExit):
        parser.parse_args(['--o', 'a'])
    assert "--o 'a' is not KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize('key, nearest', [
    ('optim_wraper.optimizer.lr', 'optim_wrapper.optimizer.lr'), ('max_iters', ''), ('data_rot', 'data_root'),
    ('optim_wrapper.optimizer.lrr', 'optim_wrapper.optimizer.lr')])
def test_a_key_that_nobody_knows_is_an_error_with_the_nearest(tmp_path, key, nearest):
    with pytest.raises(KeyError, match=f'{key}: .*toy.py has no such key' + (f'; nearest: {nearest}' * bool(nearest))):
        load_config(write_config(tmp_path), {key: 1})


def test_a_key_of_a_dict_without_a_class_warns(tmp_path):
    with pytest.warns(UserWarning, match='env_cfg.cudnn_benchmrk: .*toy.py has no such key.*it is added') as found:
        cfg = load_config(write_config(tmp_path), {'env_cfg.cudnn_benchmrk': True})
    assert len(found) == 1 and cfg.env_cfg.cudnn_benchmrk


def test_right_new_keys_do_not_warn(tmp_path):
    options = {'optim_wrapper.type': 'AmpOptimWrapper', 'optim_wrapper.dtype': 'bfloat16', 'load_from': 'x.pth',
               'optim_wrapper.optimizer.weight_decay': 0.1, 'compile': True, 'param_scheduler.last_step': 3}
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        cfg = load_config(write_config(tmp_path), options)
    assert cfg.optim_wrapper.optimizer.weight_decay == 0.1


def test_data_root_and_defaults(tmp_path):
    wrapped = dict(type='ConcatDataset', datasets=[dict(type='EngineToyDataset'),
                                                   dict(type='EngineToyDataset', data_root='own')])
    cfg = load_config(write_config(tmp_path), {'data_root': 'my data', 'val_dataloader.dataset': wrapped})
    assert cfg.train_dataloader.dataset.data_root == 'my data'
    assert [d.data_root for d in cfg.val_dataloader.dataset.datasets] == ['my data', 'own']
    assert 'data_root' not in cfg.val_dataloader.dataset
    assert (cfg.default_scope, cfg.runner_type) == ('mmegopose', 'EgoRunner')


def test_a_config_is_tested_as_it_is_validated(tmp_path):
    write_config(tmp_path, 'del test_dataloader, test_evaluator, val_cfg, test_cfg', 'base.py')
    cfg = load_config(write_config(tmp_path, 'test_dataloader = None; test_evaluator = None; test_cfg = None'))
    assert cfg.test_dataloader is cfg.test_evaluator is cfg.test_cfg is None
    (tmp_path / 'mine.py').write_text("_base_ = 'base.py'\nval_dataloader = dict(batch_size=7)")
    cfg = load_config(tmp_path / 'mine.py', {'test_dataloader.num_workers': 3})
    assert cfg.test_dataloader.batch_size == 7 and cfg.test_evaluator == cfg.val_evaluator
    assert (cfg.test_dataloader.num_workers, cfg.val_dataloader.num_workers) == (3, 0)
    assert cfg.val_cfg == cfg.test_cfg == {}
    check_config(cfg, 'mine.py', 'test')


def test_missing_and_broken_config(tmp_path):
    write_config(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'there is no config .*toi.py; nearest: toy.py'):
        load_config(tmp_path / 'toi.py')
    broken = write_config(tmp_path, 'a = dict(b=1', 'broken.py')
    with pytest.raises(ValueError, match='broken.py cannot be read: .*'):
        load_config(broken)
    (tmp_path / 'orphan.py').write_text("_base_ = 'toi.py'")
    with pytest.raises(FileNotFoundError, match=r'no config .*toi.py, which .*orphan.py names as _base_; nearest: toy'):
        load_config(tmp_path / 'orphan.py')
    (tmp_path / 'orphan.py').write_text("_base_ = 'mmegopose::levelwise_vitt.py'")
    with pytest.raises(FileNotFoundError, match='_base_ of .*orphan.py: there is no config .*; nearest: mmegopose'):
        load_config(tmp_path / 'orphan.py')
    with pytest.raises(ValueError, match="name 'undefined_name' is not defined"):
        load_config(write_config(tmp_path, 'a = undefined_name', 'broken.py'))


@pytest.mark.parametrize('text,error,message', [
    ("model = dict(type='EngineToi')", KeyError, "model.type='EngineToi' is not registered; nearest: EngineToy"),
    ('model = dict(widht=3)', TypeError, r"model \(type EngineToy\) has no argument 'widht' \(nearest: width"),
    ('model = dict(_delete_=True, type="EngineToy", init_cfg=[dict(type="x")])', TypeError, "'init_cfg'"),
    ('train_dataloader = dict(num_worker=2)', TypeError,
     "train_dataloader has no argument 'num_worker'; nearest: num_workers"),
    ('train_dataloader = dict(num_cows=2)', TypeError, "no argument 'num_cows'; nearest: [a-z]+"),
    ("train_dataloader = dict(batch_size='abc')", ValueError,
     "train_dataloader.batch_size='abc' should be a whole number, at least 1"),
    ('train_dataloader = dict(batch_size=0)', ValueError, 'train_dataloader.batch_size=0 should be a whole'),
    ('train_dataloader = dict(num_workers=1.5)', ValueError, 'num_workers=1.5 should be a whole number, at least 0'),
    ('train_dataloader = dict(batch_size=None)', ValueError, 'batch_size=None should be a whole number, at least 1'),
    ('train_dataloader = dict(num_workers=-1)', ValueError, 'num_workers=-1 should be a whole number, at least 0'),
    ('optim_wrapper = dict(optimizer=dict(lr=float("nan")))', ValueError, 'optimizer.lr=nan should be a number, 0 or'),
    ('optim_wrapper = dict(optimizer=dict(lr=None))', ValueError, 'optimizer.lr=None should be a number'),
    ('optim_wrapper = dict(optimizer=dict(lr=-1))', ValueError, 'optimizer.lr=-1 should be a number'),
    ('optim_wrapper = dict(clip_grad=3)', ValueError, r'optim_wrapper.clip_grad=3 should be a dict, e.g. dict\('),
    ('optim_wrapper = dict(clip_grad=dict(max_norm=float("nan")))', ValueError, 'clip_grad.max_norm=nan should be a'),
    ('randomness = dict(seed=-1)', ValueError, r'randomness.seed=-1 should be a whole number from 0 to 2\^32 - 1'),
    ("randomness = dict(seed='abc')", ValueError, "randomness.seed='abc' should be a whole number"),
    ('load_from = 5', ValueError, 'load_from=5 should be the path of a checkpoint'),
    ("resume = 'maybe'", ValueError, "resume='maybe' should be True or False"),
    ("log_level = 'FOO'", ValueError, "log_level='FOO' should be one of DEBUG, INFO"),
    ('default_hooks = dict(checkpoint=dict(interval=0))', ValueError, 'checkpoint.interval=0 should be a whole number'),
    ('optim_wrapper = dict', TypeError, "optim_wrapper=<class 'dict'> should be dict"),
    ("model = 'ViT'", TypeError, "model='ViT' should be dict"), ('train_cfg = 5', TypeError, 'train_cfg=5 should be d'),
    ('param_scheduler = [dict]', TypeError, r"param_scheduler.0=<class 'dict'> should be dict"),
    ('train_dataloader = [1]', TypeError, r'train_dataloader=\[1\] should be dict'),
    ("custom_imports = 'os'", ValueError, r"custom_imports='os' should be dict\(imports=\[...\]\)"),
    ("val_dataloader = dict(pin_memory='abc')", ValueError, "val_dataloader.pin_memory='abc' should be True or False"),
    ('model = dict(zzz=3)', TypeError, r"has no argument 'zzz' \(nearest: \w[\w, ]*\)"),
    ("train_dataloader = dict(dataset=dict(type='EngineToyDatasets'))", KeyError,
     "train_dataloader.dataset.type='EngineToyDatasets' .*nearest: EngineToyDataset"),
    ("train_dataloader = dict(sampler=dict(shufle=True))", TypeError, "train_dataloader.sampler .*'shufle'"),
    ("train_dataloader = dict(collate_fn=dict(type='batch_colate'))", KeyError, 'nearest: batch_collate'),
    ("val_evaluator = [dict(type='EngineToyMetrik')]", KeyError, "val_evaluator.0.type='EngineToyMetrik'"),
    ("optim_wrapper = dict(optimizer=dict(type='AdmW'))", KeyError, "optim_wrapper.optimizer.type='AdmW'.*AdamW"),
    ("optim_wrapper = dict(optimizer=dict(weight_decy=1))", TypeError, 'nearest: weight_decay'),
    ("param_scheduler = dict(end_at=3)", TypeError, "param_scheduler .*'end_at'"),
    ("default_hooks = dict(logger=dict(intervall=3))", TypeError, "default_hooks.logger .*'intervall'"),
    ("custom_hooks = [dict(type='EMAHok')]", KeyError, "custom_hooks.0.type='EMAHok' .*EMAHook"),
    ("train_cfg = dict(max_iters='abc')", ValueError, r"train_cfg.max_iters='abc' should be a number \(int\)"),
    ("default_hooks = dict(checkpoint=dict(intervall=3))", TypeError,
     r"default_hooks.checkpoint .*'intervall' \(nearest: interval"),
    ("param_scheduler = dict(begin=5, end=5)", ValueError, 'param_scheduler begins at begin=5 and ends at end=5'),
    ("train_cfg = dict(max_iters=100)\nparam_scheduler = [dict(type='LinearLR', by_epoch=False, end=200), "
     "dict(type='CosineAnnealingLR', by_epoch=False, begin=200)]", ValueError,
     r'param_scheduler.1 \(CosineAnnealingLR\) begins at begin=200, .*train_cfg.max_iters=100. Make the warm-up '
     r'shorter too: --cfg-options param_scheduler.0.end=8 param_scheduler.1.begin=8'),
    ("train_cfg = dict(max_iter=3)", TypeError, "train_cfg .*'max_iter' .*nearest: max_iters"),
    ("visualizer = dict(type='Visualizer', vis_backends=[dict(type='LocalVis')])", KeyError, 'vis_backends.0.type'),
])
def test_mistakes_name_file_and_key(tmp_path, text, error, message):
    write_config(tmp_path, name='base.py')
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = 'base.py'\n{text}\n")
    with pytest.raises(error, match=f'mine.py: .*{message}'):
        check_config(load_config(path), str(path))


@pytest.mark.parametrize('key, error, message', [
    ('param_scheduler.5.end', KeyError, r'param_scheduler in .*mine.py has 2 entries: param_scheduler.0 \(LinearLR\), '
                                        r'param_scheduler.1 \(CosineAnnealingLR\)'),
    ('data_root.x', KeyError, "data_root in .*mine.py is 'data/toy', which has no parts. Give it whole, data_root=..."),
    ('windows.num_frames', ValueError,
     'would change nothing: windows is a variable of .*mine.py, .* Set train_dataloader.dataset.windows.num_frames, '
     'val_dataloader.dataset.windows.num_frames, test_dataloader.dataset.windows.num_frames'),
    ('augment.1.prob', ValueError, r'Set train_dataloader.dataset.pipeline.1.prob$')])
def test_an_option_that_cannot_do_what_it_says_is_told_the_right_place(tmp_path, key, error, message):
    write_config(tmp_path, """
del test_dataloader
windows = dict(type='W', num_frames=3)
augment = [dict(type='A'), dict(type='B', prob=0.5)]
val_dataloader['dataset']['windows'] = windows
train_dataloader['dataset'].update(windows=dict(tempo=2, **windows), pipeline=augment + [dict(type='C')])
param_scheduler = [param_scheduler, dict(type='CosineAnnealingLR')]
""", 'mine.py')
    with pytest.raises(error, match=rf'--cfg-options {key}=3.*{message}'):
        load_config(tmp_path / 'mine.py', {key: 3})


def test_the_imports_of_a_config_without_any_are_an_option(tmp_path):
    (tmp_path / 'mine.py').write_text('a = 1')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        load_config(tmp_path / 'mine.py', {'custom_imports.imports': ['json']})


def test_own_test_data_over_a_base_that_names_none(tmp_path):
    write_config(tmp_path, 'del test_dataloader, test_evaluator', 'base.py')
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'base.py'\ntest_dataloader = dict(_delete_=True, num_workers=0, dataset=dict(_delete_=True, "
        "type='EngineToyDataset', size=3))")
    cfg = load_config(tmp_path / 'mine.py')
    check_config(cfg, 'mine.py', 'test')
    assert cfg.test_dataloader == dict(
        num_workers=0, dataset=dict(type='EngineToyDataset', size=3, data_root='data/toy'))
    (tmp_path / 'mine.py').write_text("_base_ = 'base.py'\ntest_dataloader = dict(dataset=dict(size=3))")
    cfg = load_config(tmp_path / 'mine.py')
    assert (cfg.test_dataloader.dataset, cfg.test_dataloader.batch_size) == (
        dict(type='EngineToyDataset', size=3, data_root='data/toy'), 4)


def test_missing_section_names_the_nearest(tmp_path):
    path = write_config(tmp_path, 'train_dataloder = train_dataloader\ndel train_dataloader')
    with pytest.raises(KeyError, match=r"toy.py: training needs the key 'train_dataloader', which is missing; "
                                       r"nearest: 'train_dataloder'"):
        check_config(load_config(path), path)
    check_config(load_config(path), path, 'test')


def test_right_configs_pass(tmp_path):
    text = """
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3),
                     clip_grad=dict(type='norm', max_norm=1), paramwise_cfg=dict(norm_decay_mult=0))
custom_hooks = [dict(type='EMAHook', priority='LOW', momentum=0.1), dict(type='mmpretrain.SomeHook', anything=1)]
visualizer = dict(type='Visualizer', name='v', vis_backends=[dict(type='LocalVisBackend')])
train_cfg = dict(by_epoch=False, max_iters=3)
param_scheduler = [dict(type='CosineAnnealingLR', T_max=3, by_epoch=True, convert_to_iter_based=True)]
my_own = dict(type='not a class')
"""
    path = write_config(tmp_path, text)
    check_config(load_config(path), path)


def test_plugin_in_projects_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.delitem(sys.modules, 'projects', raising=False)
    (tmp_path / 'projects' / 'engine_plugin' / 'configs').mkdir(parents=True)
    (tmp_path / 'projects' / '__init__.py').touch()
    (tmp_path / 'projects' / 'engine_plugin' / '__init__.py').write_text('value = 3')
    text = "custom_imports = dict(imports=['projects.engine_plugin'])"
    load_config(write_config(tmp_path / 'projects' / 'engine_plugin' / 'configs', text))
    assert sys.modules.pop('projects.engine_plugin').value == 3
    sys.modules.pop('projects', None)


def plugin(folder, name, text=''):
    """A folder ``projects/<name>`` with a neck of that name and the config ``config.py``."""
    home = folder / 'projects' / name
    home.mkdir(parents=True)
    (home / '__init__.py').write_text(
        f'from torch import nn\nfrom mmegopose.registry import NECKS\n\n\n'
        f"@NECKS.register_module('{name}', force=True)\nclass Neck(nn.Identity):\n    pass\n")
    return home, text or f"custom_imports = dict(imports=['projects.{name}'])\n"


def test_plugins_of_the_bases_are_imported_too(tmp_path, monkeypatch):
    """Three plugins in two places, each based on the one before."""
    monkeypatch.setattr(sys, 'path', list(sys.path))
    (first, text), (second, more) = plugin(tmp_path / 'a', 'EngineFirst'), plugin(tmp_path / 'b', 'EngineSecond')
    write_config(first, text, 'config.py')
    (second / 'config.py').write_text("_base_ = '../../../a/projects/EngineFirst/config.py'\n" + more)
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'b/projects/EngineSecond/config.py'\ncustom_imports = dict(imports='helpers.engine_toy')\n"
        "model = dict(neck=dict(type='EngineFirst'))")
    cfg = load_config(tmp_path / 'mine.py')
    assert cfg.custom_imports.imports == ['projects.EngineFirst', 'projects.EngineSecond', 'helpers.engine_toy']
    assert NECKS.get('EngineFirst') and NECKS.get('EngineSecond')
    (tmp_path / 'plain.py').write_text("_base_ = 'b/projects/EngineSecond/config.py'")
    assert load_config(tmp_path / 'plain.py').custom_imports.imports == ['projects.EngineFirst',
                                                                         'projects.EngineSecond']
    saved = tmp_path / 'saved.py'
    cfg.dump(saved)
    assert load_config(saved).custom_imports == cfg.custom_imports


def test_a_base_pipeline_is_extended_without_braces(tmp_path):
    write_config(tmp_path, "augment = [dict(type='A')]\nnested = dict(pipeline=[dict(type='B')])", 'base.py')
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'base.py'\naugment = _base_.augment + [dict(type='C')]\n"
        "nested = dict(pipeline=[*_base_.nested.pipeline, dict(type='D')])")
    cfg = load_config(tmp_path / 'mine.py')
    assert [step.type for step in cfg.augment + cfg.nested.pipeline] == ['A', 'C', 'B', 'D']
    for wrong in ("{{_base_.augment}} + [dict(type='C')]", "[*{{ _base_.augment }}, dict(type='C')]",
                  "{{_base_.augment}}[:1]", "[dict(type='C')] + {{_base_.augment}}"):
        (tmp_path / 'mine.py').write_text(f"_base_ = 'base.py'\naugment = {wrong}")
        with pytest.raises(ValueError, match=r'mine.py cannot be read: .*{{_base_.augment}} can only be a whole value.*'
                                             r'braces out, in .*mine.py: _base_.augment \+ \['):
            load_config(tmp_path / 'mine.py')
    (tmp_path / 'mine.py').write_text("_base_ = 'base.py'\nmine = {{_base_.augment}}  # not {{_base_.x}} + 1\n"
                                      "more = dict(a={{_base_.augment}}, b=[{{_base_.nested.pipeline}}])")
    cfg = load_config(tmp_path / 'mine.py')
    assert cfg.mine == cfg.augment == cfg.more.a and cfg.more.b == [cfg.nested.pipeline]


def test_failed_plugin_import_surfaces(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'engine_broken_plugin.py').write_text('import a_module_that_is_not_there')
    text = "custom_imports = dict(imports=['engine_broken_plugin'])"
    with pytest.raises(ImportError, match="plugin 'engine_broken_plugin' in custom_imports of .*toy.py cannot be "
                                          "imported: ModuleNotFoundError: No module named 'a_module_that_is_not_"):
        load_config(write_config(tmp_path, text))
    lenient = "custom_imports = dict(imports='engine_broken_plugin', allow_failed_imports=True)"
    with pytest.warns(UserWarning, match="plugin 'engine_broken_plugin'"):
        load_config(write_config(tmp_path, lenient))


def test_entry_point_plugins(monkeypatch):
    entries = [importlib.metadata.EntryPoint('good', 'helpers.engine_toy', 'mmegopose.plugins'),
               importlib.metadata.EntryPoint('bad', 'no_such_module_here', 'mmegopose.plugins')]
    monkeypatch.setattr(importlib.metadata, 'entry_points', lambda group: entries)
    monkeypatch.setattr('mmegopose.plugins._loaded', None)
    with pytest.warns(UserWarning, match=r"plugin 'bad' \(no_such_module_here\) cannot be loaded: ModuleNotFound") as w:
        assert load_plugins() == ('good',)
        load_plugins()
    assert len(w) == 1


@pytest.mark.parametrize('ask', [NECKS.get, find_stream, get_skeleton], ids=['get', 'find_stream', 'get_skeleton'])
def test_plugins_of_packages_load_when_somebody_asks(monkeypatch, tmp_path, ask):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f'engine_asked_{ask.__name__}'
    (tmp_path / f'{name}.py').write_text(
        'from torch import nn\nfrom mmegopose.registry import NECKS\n'
        'from mmegopose.structures import Skeleton, Stream, register_skeleton, register_stream\n\n'
        f"register_stream(Stream('{name}', ('B', 'T')))\nregister_skeleton(Skeleton('{name}', ('a',), ()))\n"
        f"NECKS.register_module('{name}', module=nn.Identity)\nassert NECKS.get('MixSTE')\n")
    entry = importlib.metadata.EntryPoint('asked', name, 'mmegopose.plugins')
    monkeypatch.setattr(importlib.metadata, 'entry_points', lambda group: [entry])
    monkeypatch.setattr('mmegopose.plugins._loaded', None)
    assert ask(name) is not None


def test_an_unknown_type_offers_names_of_its_kind():
    with pytest.raises(KeyError, match=r"'Mixste' is not a registered neck; nearest: MixSTE\b.*custom_imports; if it "
                                       r'comes with another package, is that installed \(pip\)\?'):
        NECKS.build(dict(type='Mixste'))
    with pytest.raises(KeyError, match='nearest: (?!.*Loss).*DSTformer.*MixSTE'):
        NECKS.build(dict(type='Qqqq'))
    with pytest.raises(KeyError, match='nearest: JointEmbed'):  # not a backbone by kind, but near
        BACKBONES.build(dict(type='JointEmbd'))
    assert isinstance(NECKS.build(dict(type='JointEmbed', in_dim=2, embed_dim=4)), MODELS.get('JointEmbed'))


def run_user_errors(action, capsys):
    with pytest.raises(SystemExit) as info, user_errors():
        action()
    assert info.value.code == 2
    text = capsys.readouterr().err
    assert text.count('\n') == 1
    return text


@pytest.mark.parametrize('workers', [0, 1])
def test_mistakes_told_by_a_plugin_are_one_line_too(tmp_path, monkeypatch, capsys, workers):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, 'argv', [str(tmp_path / 'tools/train.py')])  # what lies beside a command is ours
    name = f'engine_strict_plugin_{workers}'
    (tmp_path / f'{name}.py').write_text(
        'class Data:\n    def __len__(self):\n        return 1\n'
        '    def __getitem__(self, key):\n        raise {0}\n')
    for error, message in (("ValueError('floor=-1 should be positive')", 'error: floor=-1 should be positive ['),
                           ("KeyError('no branch cnv')", 'error: no branch cnv [')):
        text = (tmp_path / f'{name}.py').read_text()
        source = re.sub('raise .*', f'raise {error}', text)
        (tmp_path / f'{name}.py').write_text(source)
        load_config(write_config(tmp_path, f"custom_imports = dict(imports=['{name}'])"))
        namespace = {}
        exec(compile(source, str(tmp_path / f'{name}.py'), 'exec'), namespace)
        loader = torch.utils.data.DataLoader(namespace['Data'](), num_workers=workers)
        assert run_user_errors(lambda: next(iter(loader)), capsys).startswith(message)  # noqa: B023
    with pytest.raises(ValueError), user_errors():  # nobody's
        raise ValueError('not ours')


def test_a_missing_file_is_told_without_its_number(tmp_path, capsys):
    told = run_user_errors(lambda: (tmp_path / 'gone.json').read_text(), capsys)
    assert told.startswith(f'error: there is no file or folder {tmp_path}/gone.json: check the path')


def test_user_errors(capsys, monkeypatch):
    with pytest.raises(SystemExit) as info, user_errors():
        load_config('no_such_config.py')
    assert info.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith('error: there is no config no_such_config.py') and text.count('\n') == 1
    with pytest.raises(ZeroDivisionError), user_errors():
        1 / 0  # noqa: B018
    monkeypatch.setenv('MMEGOPOSE_TRACEBACK', '1')
    with pytest.raises(FileNotFoundError), user_errors():
        load_config('no_such_config.py')


def test_new_style_config(tmp_path):
    (tmp_path / 'base.py').write_text("width = 4")
    path = tmp_path / 'new.py'
    path.write_text('import math\nfrom os import path as osp\nfrom mmengine.config import read_base\n'
                    'from helpers.engine_toy import EngineToy\nwith read_base():\n    from .base import *\n'
                    "model = dict(type=EngineToy, width=int(math.sqrt(16)))\ndata_root = osp.join('a', 'b')\n")
    cfg = load_config(path)
    assert cfg.model.width == 4 and cfg.model.type.__name__ == 'EngineToy' and cfg.data_root == 'a/b'


def test_config_of_an_installed_package(tmp_path, monkeypatch):
    package = tmp_path / 'engine_package'
    (package / '.mim' / 'configs' / 'sub').mkdir(parents=True)
    (package / '__init__.py').touch()
    (package / '.mim' / 'model-index.yml').write_text('Import: []')
    shutil.move(write_config(tmp_path), package / '.mim' / 'configs' / 'sub' / 'toy.py')
    monkeypatch.syspath_prepend(str(tmp_path))
    from mmengine.config.utils import MODULE2PACKAGE
    monkeypatch.setitem(MODULE2PACKAGE, 'engine_package', 'engine_package')
    assert MODULE2PACKAGE['mmegopose'] == 'mmegopose'
    (tmp_path / 'mine.py').write_text("_base_ = 'engine_package::sub/toy.py'\nmodel = dict(width=5)")
    assert load_config(tmp_path / 'mine.py').model.width == 5


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, mmegopose, mmegopose.compat; print([m for m in ('torch', 'mmengine', 'cv2', 'numpy', " \
           "'matplotlib') if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr


@pytest.mark.parametrize('option, message', [
    ({'train_cfg.max_iters': 0}, 'train_cfg.max_iters=0 should be a whole number, at least 1'),
    ({'train_cfg.max_iters': 1.5}, 'train_cfg.max_iters=1.5 should be a whole number'),
    ({'train_cfg.val_interval': 0}, 'train_cfg.val_interval=0 should be a whole number, at least 1'),
    ({'optim_wrapper.optimizer.betas': 3}, 'betas=3 should be two numbers from 0 to 1'),
    ({'optim_wrapper.optimizer.betas': (0.9, 1.5)}, 'betas=.*should be two numbers'),
    ({'env_cfg.dist_cfg.backend': 'ncl'}, "backend='ncl' should be one of nccl, gloo"),
    ({'runner_type': 'FlexibleRunner'}, "runner_type='FlexibleRunner' should be EgoRunner or a subclass"),
    ({'runner_type': 'EgoRuner'}, "runner_type='EgoRuner' should be EgoRunner")])
def test_values_that_no_training_can_have_name_their_key(option, message):
    with pytest.raises(ValueError, match=rf'^mmegopose::levelwise_vit.py: .*{message}'):
        check_config(load_config('mmegopose::levelwise_vit.py', option), 'mmegopose::levelwise_vit.py')


@pytest.mark.parametrize('encoding, message', [
    ('utf-8-sig', 'begins with a byte order mark.*save it as UTF-8 without'),
    ('utf-16', 'is text in UTF-16.*save it as UTF-8')])
def test_a_config_of_another_encoding_says_how_to_save_it(tmp_path, encoding, message):
    (tmp_path / 'a.py').write_text("_base_ = 'mmegopose::levelwise_vit.py'\n", encoding=encoding)
    with pytest.raises(ValueError, match=rf'a.py {message}'):
        load_config(str(tmp_path / 'a.py'))
