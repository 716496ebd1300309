"""A trained model becomes a folder that others load: averaged weights, half precision, the same bytes, no paths."""
import re

import pytest
import torch
import yaml
from helpers.commands import run_tool
from helpers.tiny_models import model_folder
from mmengine.hooks import EMAHook

from mmegopose.engine import load_config
from mmegopose.engine.checkpoint import CheckpointError
from mmegopose.export.config_text import config_to_predict, text_of_config
from mmegopose.export.publishing import publish_model, read_words
from mmegopose.inference import load_inferencer, load_model
from mmegopose.registry import RUNNERS

SMALL = """
_base_ = 'mmegopose::head_pose/head_body.py'
model = dict(backbone=dict(depth=1, embed_dim=32, num_heads=2), head=dict(embed_dim=32, hidden_dims=()))
test_dataloader = dict(num_workers=0, persistent_workers=False)
"""
WORDS = dict(
    task='head track to body', reads='head track', gives='17 joints', trained_on='nothing', terms='none',
    also=['other'], training=['mmegopose train mine.py'],
    scores=[dict(data='the sample', measures={'body/MPJPE_body12': 'MPJPE, 12 joints (cm)'},
                 options={'test_evaluator.clip_filter': False})])


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = model_folder(tmp_path_factory.mktemp('work') / 'small', SMALL)
    (folder / 'words.yml').write_text(yaml.safe_dump(WORDS))
    return folder


def test_the_tool_publishes_a_model_and_its_score_is_repeated(trained, tmp_path):
    command = ('model_converters/publish.py', trained / 'config.py', trained / 'x.pth', '--name', 'tiny-head',
               '--words', trained / 'words.yml', '--home', tmp_path / 'a', '--commit', '0' * 40)
    printed = run_tool(*command, cwd=tmp_path)
    folder = tmp_path / 'a/tiny-head'
    facts = yaml.safe_load((folder / 'facts.yml').read_text())
    score, = facts['scores']
    assert f'{score["measure"]}: {score["value"]} (the sample)' in printed and 10 < score['value'] < 500
    assert score['command'] == 'mmegopose test tiny-head --cfg-options test_evaluator.clip_filter=False'
    assert facts['head_camera'] == 'eyes' and facts['streams'] == {'head_pose': 'BxTxF'} and facts['also'] == ['other']
    assert 'tiny-head, other' in (tmp_path / 'a/NOTICE').read_text()
    run_tool('test.py', folder, '--out', 'm.json', '--cfg-options', 'test_evaluator.clip_filter=False', cwd=tmp_path)
    again = yaml.safe_load((tmp_path / 'm.json').read_text())
    assert again['body/MPJPE_body12'] == pytest.approx(score['value'], abs=1e-3)
    again = publish_model(load_config(trained / 'config.py'), trained / 'x.pth', 'tiny-head', WORDS, '0' * 40,
                          home=tmp_path / 'b')
    for file in ('tiny-head.pth', 'config.py', 'facts.yml'):
        assert (folder / file).read_bytes() == (again / file).read_bytes()


def test_two_scores_may_be_measured_within_one_second(trained, tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.runner.runner.time.strftime', lambda *_: '20260101_000000')
    words = dict(WORDS, scores=WORDS['scores'] * 2)
    folder = publish_model(load_config(trained / 'config.py'), trained / 'x.pth', 'tiny', words, '', home=tmp_path)
    first, second = yaml.safe_load((folder / 'facts.yml').read_text())['scores']
    assert first == second


def test_weights_are_those_of_training_in_half_precision(trained, tmp_path):
    folder = publish_model(load_config(trained / 'config.py'), trained / 'x.pth', 'tiny', WORDS, '', home=tmp_path)
    published = torch.load(folder / 'tiny.pth', weights_only=True)['state_dict']
    for key, value in load_model(trained, device='cpu').state_dict().items():
        torch.testing.assert_close(published[key], value.half(), rtol=0, atol=0)
    assert load_inferencer(folder, device='cpu').head_camera == 'eyes'


def test_averaged_weights_are_published(trained, tmp_path, monkeypatch):
    """What mmengine stores as ``state_dict`` where EMAHook runs are the averages, not what the optimizer steps."""
    monkeypatch.chdir(tmp_path)
    cfg = load_config(trained / 'config.py', {
        'train_cfg.max_iters': 3, 'train_cfg.val_interval': 3, 'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False, 'train_dataloader.batch_size': 4,
        'default_hooks.checkpoint.interval': 3, 'param_scheduler': [], 'work_dir': str(tmp_path / 'run'),
        'custom_hooks': [dict(type='EMAHook', momentum=0.5)]})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = RUNNERS.build(cfg)
    runner.train()
    hook, = (hook for hook in runner.hooks if isinstance(hook, EMAHook))
    averages, stepped = hook.ema_model.module.state_dict(), runner.model.state_dict()
    assert sum(not torch.equal(averages[key].half(), stepped[key].half()) for key in averages) > 5
    folder = publish_model(cfg, tmp_path / 'run/iter_3.pth', 'mean', WORDS, '', home=tmp_path)
    published = torch.load(folder / 'mean.pth', weights_only=True)['state_dict']
    assert all(torch.equal(published[key], averages[key].half()) for key in published)


def test_a_config_is_the_part_that_predicts_and_reads_the_same(trained, tmp_path):
    cfg = load_config(trained / 'config.py')
    values = config_to_predict(cfg)
    (tmp_path / 'config.py').write_text(text_of_config(values, 'one\ntwo'))
    text, read = (tmp_path / 'config.py').read_text(), load_config(tmp_path / 'config.py')
    assert text.startswith('# one\n# two\n') and max(map(len, text.splitlines())) <= 120
    assert 'losses' not in read.model and read.test_dataloader.dataset == cfg.test_dataloader.dataset
    assert read.model.backbone == cfg.model.backbone and read.data_root == 'sample' and read.head_camera == 'eyes'
    assert load_config(tmp_path / 'config.py', dict(data_root='x')).test_dataloader.dataset.data_root == 'x'


def test_a_card_tells_facts_scenarios_and_the_worst_and_keeps_what_a_person_wrote(trained, tmp_path, monkeypatch):
    monkeypatch.setenv('MMEGOPOSE_CACHE', str(tmp_path))
    publish_model(load_config(trained / 'config.py'), trained / 'x.pth', 'tiny', WORDS, '', home=tmp_path / 'models')
    tool, card = ('analysis_tools/model_card.py', 'tiny', '--out', tmp_path / 'docs'), tmp_path / 'docs/tiny.md'
    run_tool(*tool, cwd=tmp_path)
    text = card.read_text()
    assert '| terms | none |' in text and '| MPJPE, 12 joints (cm) |' in text and 'The same weights serve' in text
    assert re.search(r'^\| all \| 192 \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$', text, re.MULTILINE)
    assert '(tiny.png)' in text and (tmp_path / 'docs/tiny.png').stat().st_size > 10000
    card.write_text(text[:text.index('The ten worst windows are of')] + 'Everywhere.\n')
    run_tool(*tool, cwd=tmp_path)
    assert card.read_text().endswith('## Where it fails\n\nEverywhere.\n')


def test_what_cannot_be_published_is_told(trained, tmp_path):
    cfg, weights = load_config(trained / 'config.py'), trained / 'x.pth'
    for words, name, told in ((dict(WORDS, terms=''), 'a', 'the words on a lack terms'),
                              (WORDS, 'A b', "name='A b' should have small letters"),
                              (dict(WORDS, training='x'), 'a', 'should be a list of commands'),
                              (dict(WORDS, scores=[dict(data='x')]), 'a', 'lacks measures'),
                              (dict(WORDS, scores=[dict(data='x', measures={'no': 'n'})]), 'a', 'measures no no; it')):
        with pytest.raises(ValueError, match=re.escape(told)):
            publish_model(cfg, weights, name, words, '', home=tmp_path / 'home')
    with pytest.raises(ValueError, match="data_root='/data/x' is a path of this machine.* --cfg-options data_root="):
        config_to_predict(load_config(trained / 'config.py', dict(data_root='/data/x')))
    state = torch.load(weights, weights_only=True)['state_dict']
    key = next(key for key, value in state.items() if value.ndim == 2)
    torch.save(dict(state_dict={name: value for name, value in state.items() if name != key}), tmp_path / 'y.pth')
    with pytest.raises(CheckpointError, match=f'lacks 1 weights of the model, e.g. {key}'):
        publish_model(cfg, tmp_path / 'y.pth', 'a', WORDS, '', home=tmp_path / 'home')
    state[key][0, 0] = 1e6
    torch.save(dict(state_dict=state), tmp_path / 'y.pth')
    with pytest.raises(ValueError, match=rf'{key} holds 1e\+06, which half precision cannot'):
        publish_model(cfg, tmp_path / 'y.pth', 'a', WORDS, '', home=tmp_path / 'home')
    assert not (tmp_path / 'home').exists()


@pytest.mark.parametrize('content', [b'\x80\x02', b'[1', b'[1]'])
def test_words_that_are_none_are_told(tmp_path, content):
    (tmp_path / 'words.yml').write_bytes(content)
    with pytest.raises(ValueError, match='words.yml (is not readable YAML|should hold names)') as told:
        read_words(tmp_path / 'words.yml')
    assert type(told.value).__name__ == 'BadFile'
