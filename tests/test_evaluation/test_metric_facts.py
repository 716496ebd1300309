"""What metrics say of themselves decides pictures, columns and baselines; a plugin's metric says it too."""
import numpy as np
import pytest
import torch
from helpers.evaluation_samples import dataset_meta, standard_takes
from mmengine.evaluator import BaseMetric

from mmegopose.evaluation import SequenceMetric
from mmegopose.evaluation.baselines import evaluate_head_pose_baselines, evaluate_lifting_baselines
from mmegopose.evaluation.metric_facts import (
    better_value,
    build_metrics,
    draw_predictions,
    markdown_table,
    score_baselines,
    table_columns,
)
from mmegopose.registry import METRICS

META = dataset_meta(standard_takes(np.random.default_rng(0)))


@METRICS.register_module(force=True)
class OwnSlidingMetric(SequenceMetric):
    """A metric of a plugin."""
    default_prefix = 'feet'
    visualization_hook = 'OwnHook'

    def table_columns(self):
        return {'foot sliding (cm/s)': 'feet/sliding'}

    def score(self, sequence, pred, gt, visible, frame_ids):
        return torch.linalg.vector_norm(pred[:, 15:].diff(dim=0), dim=-1).mean().item() * 1000

    def compute_metrics(self, results):
        return dict(sliding=sum(results) / len(results))


@METRICS.register_module(force=True)
class OwnSilentMetric(BaseMetric):
    """A metric that says nothing of itself."""

    def process(self, data_batch, data_samples):
        pass

    def compute_metrics(self, results):
        return {}


def test_columns_of_several_metrics_and_the_true_number_of_joints():
    metrics = build_metrics([dict(type='BodyPoseMetric', pa_mpjpe=True), dict(type='OwnSlidingMetric'),
                             dict(type='OwnSilentMetric')], META | dict(skeleton='humaneva15'))
    assert table_columns(metrics) == {
        'MPJPE, 15 joints (cm)': 'body/MPJPE', 'MPJPE, 14 body joints (cm)': 'body/MPJPE_body14',
        'MPJVE (m/s)': 'body/MPJVE', 'PA-MPJPE (cm)': 'body/PA-MPJPE', 'foot sliding (cm/s)': 'feet/sliding'}
    twice = build_metrics([dict(type='BodyPoseMetric'), dict(type='BodyPoseMetric', clip_filter=False, prefix='all')],
                          META)
    assert list(table_columns(twice)) == [
        'MPJPE, 17 joints (cm)', 'MPJPE, 12 body joints (cm)', 'MPJVE (m/s)', 'MPJPE, 17 joints (cm), all/MPJPE',
        'MPJPE, 12 body joints (cm), all/MPJPE_body12', 'MPJVE (m/s), all/MPJVE']
    with pytest.raises(ValueError, match=r"\['OwnSilentMetric'\] has columns for a table: .*table_columns"):
        table_columns(build_metrics(dict(type='OwnSilentMetric'), META))


@pytest.mark.parametrize('config, columns', [
    (dict(type='LiftingMetric'), ['MPJPE (mm)', 'PA-MPJPE (mm)', 'N-MPJPE (mm)', 'MPJVE (mm/frame)',
                                  'acceleration (mm/frame²)']),
    (dict(type='MPIINF3DHPMetric'), ['PCK (%)', 'AUC (%)', 'MPJPE (mm)']),
    (dict(type='MeshMetric'), ['MPJPE (mm)', 'PA-MPJPE (mm)', 'PA-MPVPE (mm)', 'PA-F@5', 'PA-F@15']),
    (dict(type='MeshMetric', vertices=False, prefix='x'), ['MPJPE (mm)', 'PA-MPJPE (mm)']),
    (dict(type='MeshMetric', protocol='body'), ['MPJPE (mm)', 'PA-MPJPE (mm)', 'PVE (mm)']),
    (dict(type='KeypointPCKMetric', thresholds=(0.05, 0.2)), ['PCK@0.05 (%)', 'PCK@0.2 (%)'])])
def test_every_metric_has_columns_of_its_own_prefix(config, columns):
    metric, = build_metrics(config, META)
    found = table_columns([metric])
    assert list(found) == columns
    assert {name.split('/')[0] for name in found.values()} == {metric.prefix}


def test_the_first_metric_that_says_how_predictions_are_drawn_decides():
    def hook(*types):
        cfg = {}
        draw_predictions(cfg, [dict(type=kind) for kind in types], 'shots')
        return cfg['default_hooks']['visualization']

    assert hook('OwnSilentMetric', 'OwnSlidingMetric', 'MeshMetric') == dict(type='OwnHook', out_dir='shots')
    assert hook('MeshMetric', 'DumpPredictions')['type'] == 'MeshVisualizationHook'
    assert hook('LiftingMetric')['type'] == hook('BodySubmission')['type'] == 'PoseVisualizationHook'
    assert hook('HandSubmission')['type'] == hook('KeypointPCKMetric')['type'] == 'MeshVisualizationHook'
    with pytest.raises(ValueError, match=r"\['OwnSilentMetric'\] says how its predictions are drawn"):
        hook('OwnSilentMetric')


def test_the_metric_chooses_its_baselines_and_others_on_its_base_score_them(monkeypatch):
    asked = []

    def rules(train, test, configs):
        asked.append((train, test, [config['type'] for config in configs]))
        return dict(mean={'body/MPJPE': 1.0})

    configs = [dict(type='OwnSlidingMetric'), dict(type='BodyPoseMetric'), dict(type='OwnSilentMetric'),
               dict(type='MeshMetric')]
    metrics = build_metrics(configs, META)
    assert metrics[1].baselines is evaluate_head_pose_baselines
    assert all(build_metrics(dict(type=kind), META)[0].baselines is evaluate_lifting_baselines
               for kind in ('LiftingMetric', 'MPIINF3DHPMetric'))
    monkeypatch.setattr(type(metrics[1]), 'baselines', staticmethod(rules))
    assert score_baselines(metrics, configs, 'train', 'val') == dict(mean={'body/MPJPE': 1.0})
    assert asked == [('train', 'val', ['OwnSlidingMetric', 'BodyPoseMetric'])]
    assert score_baselines(metrics[:1], configs[:1], 'train', 'val') == {}


def test_table_of_results_that_some_models_lack():
    table = markdown_table('val', dict(mean={'a/x': 1.0}, mine={'a/x': 2.346, 'b/y': 10}), {'X (m)': 'a/x', 'Y': 'b/y'})
    assert table.splitlines() == ['| val | X (m) | Y |', '|---|---:|---:|', '| mean | 1.00 | - |',
                                  '| mine | 2.35 | 10.00 |']


@pytest.mark.parametrize('kind, name, better', [
    ('BodyPoseMetric', 'MPJPE', 'less'), ('LiftingMetric', 'MPJPE_frames', 'less'),
    ('LiftingMetric', 'action/PhotoAP/ACCEL', 'less'), ('MPIINF3DHPMetric', 'PCK', 'greater'),
    ('MPIINF3DHPMetric', 'group/Head/AUC', 'greater'), ('MPIINF3DHPMetric', 'MPJPE', 'less'),
    ('MeshMetric', 'PA-MPVPE', 'less'), ('MeshMetric', 'PA-F@5', 'greater'), ('MeshMetric', 'AUC_J', 'greater'),
    ('KeypointPCKMetric', 'visible/PCK@0.05', 'greater'), ('CocoKeypointMetric', 'AP50', 'greater'),
    ('CocoKeypointMetric', 'OKS', 'greater'), ('OwnSlidingMetric', 'sliding', 'less')])
def test_each_metric_tells_which_value_is_better(kind, name, better):
    metric = METRICS.build(dict(type=kind))
    assert better_value([OwnSilentMetric(), metric], f'{metric.prefix}/{name}') == better
    assert better_value([OwnSilentMetric(), metric], f'other/{name}') is None
