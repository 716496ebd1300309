import numpy as np
import pytest
import torch
from helpers.evaluation_samples import batched, dataset_meta, random_transforms, run, standard_takes, to_target, windows

from mmegopose.evaluation import BodyPoseMetric, DumpPredictions, SequenceMetric
from mmegopose.evaluation.metrics import gathering
from mmegopose.evaluation.metrics.sequence_metric import to_world


@pytest.fixture(scope='module')
def takes():
    return standard_takes(np.random.default_rng(0))


@pytest.fixture(scope='module')
def samples(takes):
    return windows(np.random.default_rng(1), takes, dtype=torch.float32)


@pytest.fixture(scope='module')
def expected(takes, samples):
    return run(BodyPoseMetric(pa_mpjpe=True), takes, samples)


class Collect(SequenceMetric):
    """Keeps what it is given."""
    default_prefix = 'collect'

    def score(self, sequence, pred, gt, visible, frame_ids):
        return dict(uid=sequence['uid'], pred=pred, gt=gt, visible=visible, frame_ids=frame_ids)

    def compute_metrics(self, results):
        self.kept = results
        return dict(takes=len(results))


def together(takes, shares, monkeypatch, metric=BodyPoseMetric, **kwargs):
    """Result of several processes, each of which got a share of the samples."""
    metrics = [metric(**kwargs) for _ in shares]
    for one, share in zip(metrics, shares):
        one.dataset_meta = dataset_meta(takes)
        for sample in share:
            one.process(None, [sample])
    gathered = [(list(one.results), dict(one.buffers), set(one.skipped)) for one in metrics]
    monkeypatch.setattr(gathering, 'all_gather_object', lambda data: gathered)
    return metrics[0].evaluate(0)


def test_to_world():
    rng = np.random.default_rng(0)
    T, points = random_transforms(rng, 5), rng.normal(size=(5, 17, 3))
    found = to_world(torch.from_numpy(T), torch.from_numpy(to_target(T, points)))
    np.testing.assert_allclose(found.numpy(), points, atol=1e-12)


def test_takes_reach_score_whole_and_in_world_coordinates(takes):
    metric = Collect()
    order = [takes[2], takes[0], takes[1]]
    assert run(metric, order, windows(np.random.default_rng(1), order)) == {'collect/takes': 3}
    for found, take in zip(metric.kept, sorted(takes, key=lambda t: t['uid'])):
        assert found['uid'] == take['uid']
        assert np.array_equal(found['frame_ids'], take['frame_ids'])
        assert np.array_equal(found['visible'], take['visible'])
        assert found['pred'].dtype == found['gt'].dtype == torch.float64
        np.testing.assert_allclose(found['pred'], take['pred'], atol=1e-12)
        np.testing.assert_allclose(found['gt'][take['visible']], take['gt'][take['visible']], atol=1e-12)


@pytest.mark.parametrize('seed', range(4))
def test_result_does_not_depend_on_order_or_batches(takes, samples, expected, seed):
    shuffled = [samples[i] for i in np.random.default_rng(seed).permutation(len(samples))]
    size = (1, 2, 5, 64)[seed]
    batches = [batched(shuffled[i:i + size]) for i in range(0, len(shuffled), size)]
    assert run(BodyPoseMetric(pa_mpjpe=True), takes, batches) == expected


def test_memory_is_one_take(takes, samples):
    metric = BodyPoseMetric()
    metric.dataset_meta = dataset_meta(takes)
    for sample in samples:
        metric.process(None, [sample])
        assert len(metric.buffers) <= 1
    assert not metric.buffers and len(metric.results) == len(takes)


def test_repeated_frames_count_once(takes, samples, expected):
    assert run(BodyPoseMetric(pa_mpjpe=True), takes, samples + samples[:3] + samples[-40:]) == expected


def test_metric_can_be_used_again(takes, samples, expected):
    metric = BodyPoseMetric(pa_mpjpe=True)
    assert run(metric, takes, samples) == run(metric, takes, samples) == expected
    with pytest.raises(ValueError):
        run(metric, takes, samples[:-1])
    assert run(metric, takes, samples) == expected


@pytest.mark.parametrize('share', ['takes', 'alternate', 'halves', 'padded', 'idle'])
def test_processes_together_equal_one(takes, samples, expected, share, monkeypatch):
    by_take = [[s for s in samples if s['sequence'] == i] for i in range(len(takes))]
    shares = dict(takes=[by_take[0] + by_take[2], by_take[1]], alternate=[samples[::2], samples[1::2]],
                  halves=[samples[:50], samples[50:]], idle=[[], samples, []],
                  padded=[by_take[1] + by_take[0], by_take[2] + by_take[1], by_take[0][:5]])[share]
    assert together(takes, shares, monkeypatch, pa_mpjpe=True) == expected


def test_missing_frames_are_named(takes, samples, monkeypatch):
    for share in ([samples[:-1]], [samples[:-1:2], samples[1:-1:2]]):
        with pytest.raises(ValueError, match=r'1 of 3 sequences: unc_dance_3 \(uid-unc_dance_3\): \d of 134.*Sampler'):
            together(takes, share, monkeypatch)
    with pytest.raises(ValueError, match='3 of 3 sequences: iiith_cooking_1 .*: 100 of 100; cmu_soccer_2'):
        together(takes, [[]], monkeypatch)


def test_unknown_frame_and_training_meta(takes, samples):
    strange = dict(samples[0], frame_ids=samples[0]['frame_ids'] + 1)
    with pytest.raises(ValueError, match=r'iiith_cooking_1 .*frame_ids: \[31, 34, 37\]'):
        run(BodyPoseMetric(), takes, [strange])
    with pytest.raises(ValueError, match=r'frame_ids: \[1030, 1033, 1036\]'):  # after the last of the sequence
        run(BodyPoseMetric(), takes, [dict(samples[0], frame_ids=samples[0]['frame_ids'] + 1000)])
    with pytest.raises(ValueError, match='compares 16 joints of the model with 17 of the data'):
        run(BodyPoseMetric(), takes, [dict(samples[0], pred_joints=samples[0]['pred_joints'][:, :, :16])])
    metric = BodyPoseMetric()
    metric.dataset_meta = dict(dataset_name='test', skeleton='coco17')
    with pytest.raises(KeyError, match='test_mode=True'):
        metric.process(None, samples[:1])


def test_dump_predictions(takes, samples, tmp_path):
    path = tmp_path / 'new' / 'predictions.npz'
    assert run(DumpPredictions(str(path)), takes, samples) == {'dump/takes': 3, 'dump/frames': 388}
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with np.load(path, allow_pickle=False) as file:
        data = dict(file)
    assert data['pred'].dtype == np.float32 and data['frame_ids'].dtype == np.int64
    for i, take in enumerate(sorted(takes, key=lambda t: t['uid'])):
        rows = slice(*data['offsets'][i:i + 2])
        assert (data['uids'][i], data['take_names'][i]) == (take['uid'], take['name'])
        assert np.array_equal(data['frame_ids'][rows], take['frame_ids'])
        np.testing.assert_allclose(data['pred'][rows], take['pred'], atol=2e-6)


def _process(rank, store, takes, samples, queue):
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    own = samples[40:] if rank else samples[:40]
    queue.put((rank, run(BodyPoseMetric(pa_mpjpe=True), takes, own)))
    try:
        run(BodyPoseMetric(), takes, own[rank:])
    except ValueError as error:
        queue.put((rank, str(error)))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_real_processes(takes, samples, expected, tmp_path):
    context = torch.multiprocessing.get_context('spawn')
    queue = context.SimpleQueue()
    torch.multiprocessing.spawn(_process, (tmp_path / 'store', takes, samples, queue), nprocs=2)
    answers = [queue.get() for _ in range(4)]
    assert sorted(rank for rank, _ in answers) == [0, 0, 1, 1]
    assert [a for _, a in answers if isinstance(a, dict)] == [expected] * 2
    errors = [a for _, a in answers if isinstance(a, str)]
    assert errors[0] == errors[1] and 'cmu_soccer_2' in errors[0]
