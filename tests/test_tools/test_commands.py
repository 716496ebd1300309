"""The commands that a challenge team types, on small data."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import run_tool
from helpers.tiny_models import model_folder

ROOT = Path(__file__).parents[2]
SMALL = ['model.backbone.depth=1', 'train_dataloader.batch_size=8', 'train_dataloader.num_workers=0',
         'val_dataloader.num_workers=0', 'test_dataloader.num_workers=0']
CONFIG = ROOT / 'configs/head_pose/levelwise_vit_coarse_only.py'


def run(*command, cwd, expect=0):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == expect, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A work dir with a checkpoint after four iterations on the sample."""
    folder = tmp_path_factory.mktemp('work')
    log = run(sys.executable, ROOT / 'tools/train.py', CONFIG, '--work-dir', folder / 'run', '--cfg-options', *SMALL,
              'train_cfg.max_iters=4', 'train_cfg.val_interval=4', 'default_hooks.checkpoint.interval=4', cwd=folder)
    assert 'body/MPJPE' in log
    return folder


def test_test_writes_metrics_predictions_and_pictures(trained):
    run(sys.executable, ROOT / 'tools/test.py', CONFIG, 'run/iter_4.pth', '--out', 'm.json', '--dump', 'p.npz',
        '--show-dir', 'show', '--cfg-options', *SMALL, cwd=trained)
    metrics = json.loads((trained / 'm.json').read_text())
    assert 5 < metrics['body/MPJPE'] < 500
    dump = np.load(trained / 'p.npz', allow_pickle=False)
    assert dump['pred'].shape == (192, 17, 3) and np.isfinite(dump['pred']).all()
    assert len(list((trained / 'show').glob('*.png'))) == 1


def test_submission_is_valid_and_scores_what_validation_says(trained):
    """The sample's test take is its validation take without labels."""
    from mmegopose.datasets.shipped_motion import sample_root
    root = sample_root()
    run_tool('test.py', CONFIG, 'run/iter_4.pth', '--out', 'val.json', '--cfg-options', *SMALL, cwd=trained)
    run_tool('test.py', CONFIG, 'run/iter_4.pth', '--submit', 'sub.json', '--cfg-options', *SMALL, cwd=trained)
    report = run_tool('submit.py', 'sub.json', '--template', root / 'dummy_test.json', '--data-root', root,
                      '--ground-truth', root / 'private_test_gt.json', cwd=trained)
    expected = json.loads((trained / 'val.json').read_text())['body/MPJPE']
    from mmegopose.evaluation.submissions import read_submission, score_submission
    scores = score_submission(read_submission(trained / 'sub.json'),
                              json.loads((root / 'private_test_gt.json').read_text()))
    assert scores['MPJPE'] == pytest.approx(expected, abs=2e-3)
    assert f'{expected:.1f}' in report
    broken = json.loads((trained / 'sub.json').read_text())
    take = next(iter(broken.values()))
    take['body'].pop(next(iter(take['body'])))
    (trained / 'broken.json').write_text(json.dumps(broken))
    run_tool('submit.py', 'broken.json', '--template', root / 'dummy_test.json', cwd=trained, expect=1)


def test_the_submission_of_the_official_baseline_is_the_dump_of_the_same_run(tmp_path):
    """Its windows are made of labelled frames; where there are none, of those that the challenge wants."""
    from mmegopose.datasets.shipped_motion import sample_root
    model_folder(tmp_path / 'baseline', "_base_ = 'mmegopose::head_pose/egoexo4d_baseline.py'\n")
    run_tool('test.py', 'baseline/config.py', 'baseline/x.pth', '--submit', 'body.json', '--dump', 'poses.npz',
             '--cfg-options', 'test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False', cwd=tmp_path)
    template = json.loads((sample_root() / 'dummy_test.json').read_text())
    submitted, dump = json.loads((tmp_path / 'body.json').read_text()), np.load(tmp_path / 'poses.npz')
    assert sorted(dump['uids']) == sorted(template) == sorted(submitted)
    for uid, first, last in zip(dump['uids'], dump['offsets'], dump['offsets'][1:]):
        body = submitted[uid]['body']
        assert list(body) == [str(frame) for frame in dump['frame_ids'][first:last]] == list(template[uid]['body'])
        np.testing.assert_allclose(list(body.values()), dump['pred'][first:last], rtol=0, atol=1e-6)
    assert np.abs(np.diff(dump['pred'], axis=0)).max() > 1e-3  # no two frames have one pose


def test_unlabelled_split_points_to_submit(trained):
    message = run_tool('test.py', CONFIG, 'run/iter_4.pth', '--cfg-options', *SMALL,
                       'test_dataloader.dataset.split=test', 'test_dataloader.dataset.template=dummy_test.json',
                       cwd=trained, expect=2)
    assert '--submit' in message and 'Traceback' not in message


PLUGIN = """
from mmegopose.evaluation import SequenceMetric
from mmegopose.registry import METRICS

@METRICS.register_module()
class HeadHeightMetric(SequenceMetric):
    default_prefix = 'head'

    def table_columns(self):
        return {'height of the nose (m)': 'head/height'}

    def score(self, sequence, pred, gt, visible, frame_ids):
        return pred[:, 0, 2].mean().item()

    def compute_metrics(self, results):
        return dict(height=sum(results) / len(results))
"""


@pytest.mark.slow
def test_compare_takes_several_metrics_and_the_columns_of_a_plugin(trained):
    (trained / 'projects').mkdir()
    (trained / 'projects/height.py').write_text(PLUGIN)
    (trained / 'projects/two.py').write_text(
        f"_base_ = '{CONFIG}'\ncustom_imports = dict(imports=['projects.height'])\n"
        "test_evaluator = [dict(type='BodyPoseMetric'), dict(type='HeadHeightMetric')]\n")
    table = run(sys.executable, ROOT / 'tools/analysis_tools/compare.py', '--out', 'compared',
                'ours=projects/two.py=run', 'again=projects/two.py=run/iter_4.pth', '--cfg-options', *SMALL,
                cwd=trained)
    lines = (trained / 'compared/table.md').read_text().splitlines()
    assert lines[0] == ('| val | MPJPE, 17 joints (cm) | MPJPE, 12 body joints (cm) | MPJVE (m/s) | '
                        'height of the nose (m) |') and lines[0] in table
    assert [line.split(' | ')[0] for line in lines[2:]] == [
        '| mean pose', '| mean pose at head height', '| ridge regression', '| ours', '| again']
    heights = [float(line.split(' | ')[-1].strip(' |')) for line in lines[2:]]
    assert all(0 < height < 4 for height in heights) and heights[-1] == heights[-2]
    results = json.loads((trained / 'compared/results.json').read_text())
    assert results['ours']['head/height'] == results['again']['head/height']
    assert (trained / 'compared/training.png').is_file() and len(list((trained / 'compared/poses/ours').iterdir())) == 1


@pytest.mark.parametrize('options, message', [
    (['data_root=nowhere'], 'nowhere'), (['model.backbone.type=Vit'], 'ViT'), (['model.backbone.dept=3'], 'depth'),
    (['train_dataloader.dataset.split=tain'], 'split')])
def test_mistakes_are_told_in_one_line(trained, options, message):
    log = run_tool('train.py', CONFIG, '--work-dir', trained / 'bad', '--cfg-options', *SMALL, *options, cwd=trained,
                   expect=2)
    assert 'Traceback' not in log
    line = next(line for line in log.splitlines() if line.startswith('error: '))
    assert message in line


def test_resumed_run_continues_bit_equal(tmp_path):
    """Augmentation, dropout, a loader with a worker: after two of four iterations nothing tells a resumed run."""
    options = [*SMALL, 'train_dataloader.num_workers=1', 'train_cfg.max_iters=4', 'default_hooks.checkpoint.interval=2']
    train = [sys.executable, ROOT / 'tools/train.py', CONFIG, '--no-validate']
    run(*train, '--work-dir', tmp_path / 'whole', '--cfg-options', *options, cwd=tmp_path)
    run(*train, '--work-dir', tmp_path / 'rest', '--resume', tmp_path / 'whole/iter_2.pth', '--cfg-options', *options,
        cwd=tmp_path)
    whole, rest = (torch.load(tmp_path / name / 'iter_4.pth', weights_only=True)['state_dict']
                   for name in ('whole', 'rest'))
    assert all(torch.equal(rest[key], whole[key]) for key in whole)


def losses(folder):
    log = next(folder.glob('*/vis_data/scalars.json'))
    return [json.loads(line)['loss'] for line in log.read_text().splitlines() if '"loss"' in line]


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(tmp_path):
    common = [*SMALL, 'train_cfg.max_iters=5', 'default_hooks.logger.interval=1', 'log_processor.window_size=1',
              'model.backbone.drop_rate=0.0', 'model.backbone.depth=2']
    run(sys.executable, ROOT / 'tools/train.py', CONFIG, '--work-dir', tmp_path / 'one', '--no-validate',
        '--cfg-options', *common, cwd=tmp_path)
    run('bash', ROOT / 'tools/dist_train.sh', CONFIG, 2, '--work-dir', tmp_path / 'two', '--no-validate',
        '--cfg-options', *common, 'train_dataloader.batch_size=4', cwd=tmp_path)
    one, two = losses(tmp_path / 'one'), losses(tmp_path / 'two')
    assert len(one) == len(two) == 5
    np.testing.assert_allclose(two, one, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_two_processes_evaluate_as_one(trained):
    run(sys.executable, ROOT / 'tools/test.py', CONFIG, 'run/iter_4.pth', '--out', 'one.json', '--cfg-options', *SMALL,
        cwd=trained)
    run('bash', ROOT / 'tools/dist_test.sh', CONFIG, 'run/iter_4.pth', 2, '--out', 'two.json', '--cfg-options', *SMALL,
        cwd=trained)
    assert json.loads((trained / 'one.json').read_text()) == json.loads((trained / 'two.json').read_text())
