"""The one data set: what a plugin brings (reader, windows, transform, protocol), and what transforms cannot read."""
import numpy as np
import pytest
import torch
from helpers.egoexo_fixture import STRIDED, build, pipeline
from helpers.lifting_fixture import lifting_store
from torch.utils.data import DataLoader

from mmegopose.datasets import LiftingDataset, SequenceStore, WindowDataset, batch_collate
from mmegopose.datasets.windows import ConsecutiveWindows, WindowRows, Windows
from mmegopose.evaluation.metrics import LiftingMetric
from mmegopose.registry import DATASETS, PROTOCOLS, READERS, WINDOWS
from mmegopose.structures.protocols import LiftingProtocol, get_protocol, register_protocol


@pytest.fixture
def plugin():
    """Registers under names that are gone after the test."""
    registered = []

    def register(registry, name, item):
        (registry.register_module(name, module=item) if registry is not PROTOCOLS else register_protocol(item))
        registered.append((registry, name))
    yield register
    for registry, name in registered:
        del registry.module_dict[name]


def read_walks(data_root, frames=40, labels=True):
    """Two people who walk and look around; every second frame has a label."""
    parts = []
    for uid in ('first', 'second'):
        pose = np.tile(np.eye(4), (frames, 1, 1))
        pose[:, :3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
        pose[:, 0, 3], pose[:, 2, 3] = np.arange(frames) * 0.05, 1.6 + 0.1 * np.sin(np.arange(frames))
        label = np.where(np.arange(frames) % 2, -1, np.arange(frames) // 2) if labels else np.full(frames, -1)
        joints = np.random.default_rng(0).normal(size=(frames // 2 if labels else 0, 17, 3)).astype(np.float32)
        parts.append((dict(uid=uid, name=f'{data_root} {uid}'), dict(head_pose=pose, label=label),
                      dict(joints=joints, visible=np.ones(joints.shape[:2], bool))))
    return SequenceStore.join(parts, links=dict(label='joints'), info=dict(
        dataset_name='walks', split='test', skeleton='coco17', camera_axes='opencv', fps=25.0))


def walks(name='HeadPoseDataset', **options):
    config = dict(type=name, store=dict(type='walks', data_root='here'), windows=STRIDED, pipeline=pipeline())
    return DATASETS.build(config | options)


def test_a_reader_of_ones_own_is_a_data_set(plugin):
    """The reader knows nothing of derived arrays; frames count from 0 without numbers of its own."""
    plugin(READERS, 'walks', read_walks)
    short = walks(test_mode=True)
    full = walks('WindowDataset', pipeline=[dict(type='ReadHeadPose'), *pipeline()], test_mode=True)
    assert short.metainfo['dataset_name'] == 'walks' and len(short) == 80
    assert [s['name'] for s in short.metainfo['sequences']] == ['here first', 'here second']
    np.testing.assert_array_equal(short.metainfo['sequences'][1]['frame_ids'], np.arange(40))
    a, b = (data.__getitems__([0, 39, 41]) for data in (short, full))
    torch.testing.assert_close(a['inputs']['head_pose'], b['inputs']['head_pose'], atol=0, rtol=0)
    sample = a['data_samples']
    assert sample.visible[:, 0, 0].tolist() == [True, False, False] and sample.frame_ids[:, 0].tolist() == [0, 39, 1]
    height = short.store.frames['head_pose'][:40, 2, 3]
    assert a['inputs']['head_pose'][1, -1, -1] == pytest.approx(height[39] - height.max(), abs=1e-6)


def test_a_reader_that_is_misspelt_gets_readers_as_answer(plugin):
    plugin(READERS, 'walks', read_walks)
    with pytest.raises(KeyError, match='is not a registered reader; nearest: .*walks'):
        walks(store=dict(type='walk', data_root='here'))


@pytest.mark.parametrize('change, message', [
    (lambda s: s.frames.pop('head_pose'), "walks test should have the field 'head_pose' .F,4,4., it has .*label"),
    (lambda s: s.info.update(camera_axes='left'), r"should tell camera_axes, one of .'aria', 'opencv'., it says")])
def test_a_store_that_does_not_fit_is_told(change, message):
    store = read_walks('here')
    change(store)
    with pytest.raises(ValueError, match=message):
        WindowDataset(store, STRIDED, [dict(type='ReadHeadPose')])


class EveryTenth(Windows):
    """One frame in ten, alone."""

    def __init__(self, num_frames=1):
        self.num_frames = num_frames

    def list(self):
        self.frames, self.positions = np.arange(0, self.store.num_rows, 10), np.array([0])
        self.sequence = self.store.sequence_of(self.frames)

    def rows(self, index, random):
        rows = self.frames[index, None]
        return WindowRows(rows, np.ones(rows.shape, bool), np.zeros(rows.shape))


def test_windows_of_ones_own(plugin):
    plugin(READERS, 'walks', read_walks)
    plugin(WINDOWS, 'EveryTenth', EveryTenth)
    dataset = walks(windows=dict(type='EveryTenth'), test_mode=True)
    assert len(dataset) == 8 and dataset.sequence_bounds.tolist() == [0, 4, 8]
    assert dataset.metainfo['sequences'][1]['frame_ids'].tolist() == [0, 10, 20, 30]
    assert dataset[5]['inputs']['head_pose'].shape == (1, 1, 16)


def test_a_protocol_of_ones_own_rules_windows_and_scores(plugin):
    protocol = LiftingProtocol('ends', root='zero', frames='once', exclude=(('S1', 'Walk 1'),),
                               windows=dict(type='MotionBERTWindows', window_stride=4))
    plugin(PROTOCOLS, 'ends', protocol)
    assert get_protocol('ends') is protocol
    dataset = LiftingDataset(lifting_store(), protocol='ends', num_frames=9, test_mode=True)
    info = dataset.metainfo
    assert info['protocol'] == 'ends' and np.diff(dataset.windows.first[:3]).tolist() == [4, 4]
    metric = LiftingMetric()
    metric.dataset_meta = info
    batch = dataset.__getitems__(range(len(dataset)))['data_samples']
    batch.pred_joints = batch.joints + torch.tensor([0.01, 0, 0]) * (batch.sequence == 1)[:, None, None, None]
    metric.process(None, [batch.to_dict()])
    assert metric.evaluate(len(dataset))['lifting/MPJPE'] == 0  # what is wrong is excluded
    assert protocol.excludes(info['sequences'][1]) and not protocol.excludes(info['sequences'][0])
    with pytest.raises(KeyError, match="'ends' is registered already"):
        register_protocol(LiftingProtocol('ends', root='keep', frames='once'))


@pytest.mark.parametrize('num_frames', [1, 5, 60])
def test_annotated_windows_without_labels_take_every_frame(num_frames):
    dataset = WindowDataset(read_walks('here', labels=False), dict(type='AnnotatedWindows', num_frames=num_frames),
                            [dict(type='ReadHeadPose'), *pipeline(padding_mask=True)], test_mode=True)
    assert len(dataset) == 80
    rows = dataset.windows.rows(np.array([2, 39, 41]), None)
    expected = np.array([2, 39, 41])[:, None] - np.arange(num_frames)[::-1]
    first = np.array([0, 0, 40])[:, None]
    np.testing.assert_array_equal(rows.rows, np.maximum(expected, first))
    np.testing.assert_array_equal(rows.valid, expected >= first)
    batch = dataset.__getitems__([2, 39])
    assert not batch['data_samples'].visible.any() and batch['inputs']['head_pose'].isfinite().all()


def test_annotated_windows_of_a_template_are_its_frames(egoexo):
    dataset = build(egoexo, 'test', dict(type='AnnotatedWindows', num_frames=4), template='dummy_test.json',
                    test_mode=True)
    for number, sequence in enumerate(dataset.metainfo['sequences']):
        index = np.flatnonzero(dataset.windows.sequence == number)
        rows = dataset.windows.rows(index, None).rows
        frames = dataset.store.frame_ids(rows, number)
        np.testing.assert_array_equal(frames[3:, 0], sequence['frame_ids'][:-3])


class CannotRead:
    """A transform that cannot read some rows."""

    def __init__(self, rows):
        self.rows = rows

    def __call__(self, batch):
        batch['valid'] &= torch.from_numpy(~np.isin(batch['rows'], self.rows))
        batch['scored'] &= batch['valid']
        batch['inputs'] = dict(number=torch.from_numpy(batch['rows']).float())
        batch['joints'] = torch.zeros(*batch['rows'].shape, 1, 3)
        return batch


def pictures(num_frames, rows, **options):
    store = SequenceStore([0, 4, 10], {}, [dict(uid='a', name='a'), dict(uid='b', name='b')],
                          info=dict(dataset_name='pictures', skeleton='hand21'))
    return WindowDataset(store, ConsecutiveWindows(num_frames), [CannotRead(rows), dict(
        type='PackInputs', padding_mask=True, fields=('index',))], **options)


def test_what_cannot_be_read_keeps_its_row_in_training():
    batch = pictures(1, [2, 5]).__getitems__([1, 2, 5])
    assert batch['inputs']['valid'][:, 0].tolist() == [True, False, False]
    assert batch['data_samples'].index.tolist() == [1, 2, 5] and batch['data_samples'].get('skipped') is None


def test_what_cannot_be_read_is_dropped_and_named_in_a_test():
    dataset = pictures(1, [2, 5], test_mode=True)
    batch = dataset.__getitems__([1, 2, 5])
    assert batch['inputs']['number'].tolist() == [[1]] and batch['data_samples'].index.tolist() == [1]
    assert batch['data_samples'].skipped == [[0, 2], [1, 1]]
    nothing = dataset.__getitems__([2])
    assert nothing['inputs']['number'].shape == (0, 1) and nothing['data_samples'].skipped == [[0, 2]]
    videos = pictures(3, [5], test_mode=True)  # of sequence 1 frames 0..2, of which the second cannot be read
    batch = videos.__getitems__([1, 2])
    assert batch['data_samples'].scored.tolist() == [[True, False, False], [True, False, True]]
    assert batch['data_samples'].skipped == [[1, 1]]


def test_skipped_frames_arrive_from_workers():
    loader = DataLoader(pictures(1, [2], test_mode=True), batch_size=4, num_workers=1, collate_fn=batch_collate)
    assert [batch['data_samples'].get('skipped') for batch in loader] == [[[0, 2]], None, None]


def test_a_field_of_ones_own_reaches_the_loss():
    store = lifting_store().extended(dict(effort=np.arange(93, dtype=np.float32)))

    def read_effort(batch):
        return dict(batch, effort=torch.from_numpy(batch['store'].frames['effort'][batch['rows']]))

    dataset = LiftingDataset(store, num_frames=9, pipeline=[read_effort], fields=('effort',))
    assert dataset[1]['data_samples'].effort[0].tolist() == list(range(8, 17))
    with pytest.raises(KeyError, match='no field .effort. to pack; it has .*keypoints'):
        LiftingDataset(store, num_frames=9, fields=('effort',))[0]


def test_the_official_baseline_sees_the_same_frames_with_and_without_labels():
    """The test take of the sample is its validation take without labels: equal inputs for equal frames."""
    options = dict(type='EgoExo4DBodyDataset', data_root='sample', test_mode=True,
                   windows=dict(type='AnnotatedWindows', num_frames=21),
                   pipeline=pipeline('translation', 'camera', padding_mask=True))
    labelled, plain = (DATASETS.build(dict(options, **more)) for more in (
        dict(split='val'), dict(split='test', template='dummy_test.json')))
    frames = [data.metainfo['sequences'][0]['frame_ids'] for data in (labelled, plain)]
    np.testing.assert_array_equal(*frames)
    a, b = (data.__getitems__(range(len(data))) for data in (labelled, plain))
    for name in ('head_pose', 'valid'):
        torch.testing.assert_close(a['inputs'][name], b['inputs'][name], atol=0, rtol=0)
    assert a['data_samples'].visible.any() and not b['data_samples'].visible.any()
