"""What could not be read is struck off what metrics, dumps and submissions expect, and is reported."""
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.evaluation_samples import batched, dataset_meta, run, standard_takes, windows
from mmengine.evaluator import Evaluator

from mmegopose.engine import load_config
from mmegopose.evaluation import BodyPoseMetric, BodySubmission, DumpPredictions, MeshMetric
from mmegopose.evaluation.baselines import evaluate_head_pose_baselines
from mmegopose.evaluation.metrics import body_submission, gathering
from mmegopose.registry import DATASETS, METRICS, MODELS, TRANSFORMS
from mmegopose.structures import PoseDataSample

CONFIG = Path(__file__).parents[2] / 'configs/head_pose/levelwise_vit_coarse_only.py'


@pytest.fixture(scope='module')
def takes():
    return standard_takes(np.random.default_rng(0))


@pytest.fixture(scope='module')
def samples(takes):
    return windows(np.random.default_rng(1), takes)


def strike(samples, where):
    """The samples with the windows ``where`` left out, as a test batch is when nothing of them could be read, and what
    was left out, by the number of the window."""
    skipped = {i: [[int(samples[i]['sequence']), int(frame)] for frame in samples[i]['frame_ids'][samples[i]['scored']]]
               for i in where}
    return [{key: value[:0] for key, value in s.items() if not key.startswith('pred')} | dict(skipped=skipped[i])
            if i in where else s for i, s in enumerate(samples)], [pair for part in skipped.values() for pair in part]


def without(takes, pairs):
    """The takes as if the frames had never been."""
    kept = [~np.isin(t['frame_ids'], [frame for index, frame in pairs if index == i]) for i, t in enumerate(takes)]
    return [dict(t, **{key: t[key][k] for key in ('frame_ids', 'gt', 'pred', 'visible')})
            for t, k in zip(takes, kept)]


@pytest.mark.parametrize('where', [[3], [0, 40, 41, 90], list(range(34))])
def test_results_are_those_of_what_could_be_read(takes, samples, where, caplog):
    struck, pairs = strike(samples, where)
    rest = without(takes, pairs)
    expected = run(BodyPoseMetric(clip_filter=False), rest, windows(np.random.default_rng(1), rest))
    found = run(BodyPoseMetric(clip_filter=False), takes, struck)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected)
    assert found != pytest.approx(run(BodyPoseMetric(clip_filter=False), takes, samples))


def test_a_frame_of_a_window_may_be_skipped_although_it_is_marked_as_scored(takes, samples):
    sample = batched(samples)
    pair = [1, int(sample['frame_ids'][40][sample['scored'][40]][0])]
    assert int(sample['sequence'][40]) == 1
    broken = dict(sample, pred_joints=sample['pred_joints'].clone(), skipped=[pair])
    broken['pred_joints'][(sample['frame_ids'] == pair[1]) & (sample['sequence'] == 1)[:, None]] = 1e6
    rest = without(takes, [pair])
    assert run(BodyPoseMetric(clip_filter=False), takes, [broken]) == pytest.approx(
        run(BodyPoseMetric(clip_filter=False), rest, windows(np.random.default_rng(1), rest)))


def test_skipped_frames_are_counted_and_named(takes, samples, monkeypatch):
    said = []
    monkeypatch.setattr(gathering, 'print_log', lambda text, **_: said.append(text))
    struck, pairs = strike(samples, [0, 1, 2])
    metric = BodyPoseMetric()
    run(metric, takes, struck)
    assert not metric.skipped and metric.skipped.reported == len(pairs)
    first = ', '.join(f'uid-iiith_cooking_1 frame {frame}' for _, frame in sorted(pairs)[:5])
    assert said == [f'BodyPoseMetric: {len(pairs)} frames could not be read and are left out: {first}, ...']
    few = gathering.SkippedFrames((0, frame) for frame in range(5))
    few.report('Own', None)
    assert said[1] == 'Own: 5 frames could not be read and are left out: ' + ', '.join(f'0 frame {i}' for i in range(5))


def test_what_neither_arrived_nor_was_skipped_is_still_missed(takes, samples):
    struck, _ = strike(samples, [3])
    with pytest.raises(ValueError, match=r'1 of 3 sequences: unc_dance_3 .*: \d of 134'):
        run(BodyPoseMetric(), takes, struck[:-1])
    nothing, _ = strike(samples, range(len(samples)))
    with pytest.raises(ValueError, match='BodyPoseMetric has nothing to score: none of the frames could be read'):
        run(BodyPoseMetric(), takes, nothing)


def test_a_skipped_frame_that_came_with_another_window_counts(takes, samples):
    frame = [0, int(takes[0]['frame_ids'][0])]
    empty = {key: value[:0] for key, value in samples[0].items()} | dict(skipped=[frame])
    expected = run(BodyPoseMetric(), takes, samples)
    assert run(BodyPoseMetric(), takes, [empty, *samples]) == expected
    assert run(BodyPoseMetric(), takes, [*samples, empty]) == expected


def test_dump_and_submission_name_them(takes, samples, tmp_path, monkeypatch):
    struck, pairs = strike(samples, [0, 50])
    path = tmp_path / 'predictions.npz'
    assert run(DumpPredictions(str(path)), takes, struck) == {'dump/takes': 3, 'dump/frames': 388 - len(pairs)}
    with np.load(path, allow_pickle=False) as file:
        assert file['skipped_uids'].tolist() == [takes[index]['uid'] for index, _ in sorted(pairs)]
        assert file['skipped_frame_ids'].tolist() == [frame for _, frame in sorted(pairs)]
        begin, end = file['offsets'][[file['uids'].tolist().index(takes[0]['uid']) + i for i in (0, 1)]]
        assert file['frame_ids'][begin:end].tolist() == takes[0]['frame_ids'][3:].tolist()
    with pytest.raises(ValueError, match=f'was written, but .*\n  {len(pairs)} frames could not be read'):
        run(BodySubmission(str(tmp_path / 'body.json')), takes, struck)
    assert (tmp_path / 'body.json').is_file()
    template = {take['uid']: dict(take_name=take['name'], body=dict.fromkeys(map(str, take['frame_ids']), []))
                for take in takes}
    said = []
    monkeypatch.setattr(body_submission, 'print_log', lambda text, **_: said.append(text.partition('streams ')[2]))
    for streams in (set(), {'view', 'head_pose'}):
        metric = BodySubmission(str(tmp_path / 'body.json'))
        metric.streams, metric.template = streams, template
        with pytest.raises(ValueError, match='was written, but') as error:
            run(metric, takes, struck)
        lines = str(error.value).splitlines()
        assert lines[1] == f'  {len(pairs)} frames could not be read and have no pose' and len(lines) > 2
    assert said == ['that the model reads', 'head_pose, view']


def test_pose_wise_metrics_leave_them_out():
    generator = torch.Generator().manual_seed(0)
    joints, error = torch.randn(2, 3, 2, 21, 3, dtype=torch.float64, generator=generator)
    sample = dict(joints=joints, pred_joints=joints + 0.02 * error, scored=torch.ones(3, 2, dtype=torch.bool),
                  visible=torch.ones(3, 2, 21, dtype=torch.bool), sequence=torch.tensor([0, 0, 1]),
                  frame_ids=torch.tensor([[0, 1], [2, 3], [0, 1]]))
    expected, kept = MeshMetric(vertices=False), sample['scored'].clone()
    kept[[1, 2], [1, 0]] = False
    expected.process(None, [dict(sample, scored=kept)])
    sample = dict(sample, pred_joints=sample['pred_joints'].clone(), skipped=[[0, 3], [1, 0]])
    sample['pred_joints'][[1, 2], [1, 0]] = 9
    metric = MeshMetric(vertices=False)
    empty = {key: value[:0] for key, value in sample.items() if torch.is_tensor(value) and key != 'pred_joints'}
    metric.process(None, [dict(empty, skipped=[[1, 7]])])
    metric.process(None, [sample])
    assert metric.evaluate(3) == pytest.approx(expected.evaluate(3))


def test_the_evaluator_hands_the_names_on(takes, samples):
    """What a sample says of itself beside its tensors reaches the metric."""
    struck, pairs = strike(samples, [2])
    data = []
    for fields in struck:
        sample = PoseDataSample(metainfo=dict(skipped=fields.pop('skipped', [])))
        sample.set_data(fields)
        data.append(sample.to('cpu').to_dict())
    metric = BodyPoseMetric()
    metric.dataset_meta = dataset_meta(takes)
    metric.process(None, data)
    assert {tuple(pair) for pair in pairs} == metric.skipped
    metric.evaluate(0)


@TRANSFORMS.register_module(force=True)
class LoseWindows:
    """A transform that cannot read the first hundred windows."""

    def __call__(self, batch):
        batch['valid'][batch['index'] < 100] = False
        return batch


def test_from_a_transform_to_the_numbers_and_the_baselines(tmp_path):
    """A batch of which nothing could be read goes through model and evaluator like all others."""
    cfg = load_config(CONFIG, {'model.backbone.depth': 1})
    config = cfg.test_dataloader.dataset
    lossy = dict(config, pipeline=[*config.pipeline[:-1], dict(type='LoseWindows'), config.pipeline[-1]])
    whole, data, model = DATASETS.build(config), DATASETS.build(lossy), MODELS.build(cfg.model).eval()
    metrics = [dict(type='BodyPoseMetric', clip_filter=False),
               dict(type='DumpPredictions', out_file=f'{tmp_path}/p.npz')]
    found = []
    for dataset, first in ((data, 0), (whole, 100)):
        evaluator = Evaluator([METRICS.build(metric) for metric in (metrics if first == 0 else metrics[:1])])
        meta = dataset.metainfo
        if first:
            meta['sequences'] = [dict(s, frame_ids=s['frame_ids'][100:]) for s in meta['sequences']]
        evaluator.dataset_meta = meta
        for begin in range(first, len(dataset), 50):
            batch = dataset.__getitems__(range(begin, min(begin + 50, len(dataset))))
            with torch.no_grad():
                evaluator.process(model.test_step(batch), batch)
        found.append(evaluator.evaluate(len(dataset)))
    assert len(whole) == 192 and len(data.__getitems__(range(50))['data_samples'].sequence) == 0
    assert found[0].pop('dump/frames') == 92 and found[0].pop('dump/takes') == 1
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    with np.load(tmp_path / 'p.npz') as file:
        assert len(file['skipped_frame_ids']) == 100
    rules = evaluate_head_pose_baselines(cfg.train_dataloader.dataset, lossy, metrics[0])
    assert all(0 < result['body/MPJPE'] < 200 for result in rules.values())
