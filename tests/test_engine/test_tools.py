"""What the command line of the tools puts in the config."""
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
from helpers.engine_toy import write_config

from mmegopose.commands.test import add_outputs
from mmegopose.commands.train import use_amp
from mmegopose.engine import load_config
from mmegopose.engine.config import check_config

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize('listed', [True, False])
def test_outputs_of_the_test_tool(tmp_path, listed):
    cfg = load_config(write_config(tmp_path, 'test_evaluator = [val_evaluator]' if listed else ''))
    add_outputs(cfg, Namespace(submit=None, dump='p.npz', show_dir='shots'))
    assert cfg.test_evaluator == [dict(type='EngineToyMetric'), dict(type='DumpPredictions', out_file='p.npz')]
    assert cfg.default_hooks.visualization == dict(type='PoseVisualizationHook', out_dir='shots')


def test_predictions_on_images_are_drawn_over_them(tmp_path):
    cfg = load_config(write_config(tmp_path, "test_evaluator = [val_evaluator, dict(type='MeshMetric')]"))
    add_outputs(cfg, Namespace(submit=None, dump=None, show_dir='shots'))
    assert cfg.default_hooks.visualization == dict(type='MeshVisualizationHook', out_dir='shots')


def test_submission_replaces_dataloader_and_evaluator(tmp_path):
    cfg = load_config(write_config(tmp_path, 'submit_dataloader = dict(dataset=dict(size=3))\n'
                                             "submit_evaluator = dict(type='HandSubmission', challenge='freihand')"))
    add_outputs(cfg, Namespace(submit='s.json', dump=None, show_dir=None))
    assert cfg.test_evaluator == [dict(type='HandSubmission', challenge='freihand', out_file='s.json')]
    assert (cfg.test_dataloader.dataset.size, cfg.test_dataloader.batch_size) == (3, 4)
    assert cfg.test_dataloader.dataset.data_root == 'data/toy'


def test_submission_data_that_do_not_fit_the_test_data(tmp_path, capsys):
    write = "submit_evaluator = dict(type='BodySubmission')\n"
    args = Namespace(submit='s.json', dump=None, show_dir=None)
    cfg = load_config(write_config(tmp_path, f"{write}submit_dataloader = dict(dataset=dict(template='t.json'))"))
    with pytest.raises(TypeError, match=r"toy.py: test_dataloader.dataset .*'template'.* changes of submit_dataloader, "
                                        r'which do not fit it: give submit_dataloader.dataset a type'):
        add_outputs(cfg, args)
    own = dict(type='EgoExo4DBodyDataset', data_root='sample', split='test', windows=dict(), pipeline=[])
    cfg = load_config(write_config(tmp_path, f'{write}submit_dataloader = dict(dataset={own})'))
    add_outputs(cfg, args)
    assert set(cfg.test_dataloader.dataset) == {'type', 'data_root', 'split', 'windows', 'pipeline'}
    add_outputs(load_config(write_config(tmp_path, write)), args)
    assert 'toy.py has no submit_dataloader: the file gets the poses of test_dataloader' in capsys.readouterr().err


def test_submission_needs_an_evaluator(tmp_path):
    cfg = load_config(write_config(tmp_path))
    with pytest.raises(KeyError, match='submit_evaluator.*HandSubmission'):
        add_outputs(cfg, Namespace(submit='s.json', dump=None, show_dir=None))


def test_submit_evaluator_is_checked(tmp_path):
    cfg = load_config(write_config(tmp_path, "submit_evaluator = dict(type='HandSubmission', challenges='freihand')"))
    with pytest.raises(TypeError, match='submit_evaluator.*challenges.*nearest: challenge'):
        check_config(cfg, 'toy.py', 'test')


def test_amp_of_the_train_tool(tmp_path):
    cfg = load_config(write_config(tmp_path))
    use_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    cfg.optim_wrapper.type = 'Other'
    with pytest.raises(ValueError, match="'Other'"):
        use_amp(cfg)


@pytest.mark.parametrize('script', ['dist_train', 'dist_test', 'slurm_train', 'slurm_test'])
def test_shell_scripts_parse(script):
    subprocess.run(['bash', '-n', TOOLS / f'{script}.sh'], check=True)
