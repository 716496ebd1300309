from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.lifting_fixture import lifting_store
from torch.utils.data import DataLoader

from mmegopose.datasets import LiftingDataset, SequenceBatchSampler, SequenceSampler, SequenceStore, batch_collate
from mmegopose.structures import get_skeleton

OFFICIAL = np.load(Path(__file__).parents[1] / 'data' / 'lifting_windows.npz')
PROTOCOLS = ['mixste', 'stcformer', 'stcformer_3dhp', 'motionbert', 'overlap']
FLIP = list(get_skeleton('h36m17').flip)


def build(store=None, skeleton='h36m17', num_frames=9, **kwargs):
    store = (store or lifting_store()).extended(info=dict(skeleton=skeleton))
    return LiftingDataset(store, num_frames=num_frames, **kwargs)


def everything(dataset):
    batch = dataset.__getitems__(range(len(dataset)))
    return batch['inputs'], batch['data_samples']


def store_rows(dataset, sample):
    return sample.frame_ids.numpy() + dataset.store.offsets[sample.sequence.numpy()][:, None]


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('test_mode', [True, False])
def test_batches_hold_the_frames_of_their_windows(protocol, test_mode):
    dataset = build(protocol=protocol, test_mode=test_mode)
    inputs, sample = everything(dataset)
    rows = store_rows(dataset, sample)
    assert list(inputs) == ['keypoints'] and inputs['keypoints'].dtype == sample.joints.dtype == torch.float32
    np.testing.assert_array_equal(inputs['keypoints'], dataset.store.frames['keypoints'][rows])
    np.testing.assert_array_equal(sample.joints, dataset.store.frames['joints'][rows])
    assert sample.joints.shape == (len(dataset), 9, 17, 3) and sample.visible.shape == (len(dataset), 9, 17)
    assert sample.frame_ids.dtype == sample.slots.dtype == sample.sequence.dtype == torch.int64
    assert 'T_world_target' not in sample
    torch.testing.assert_close(sample.scored, (sample.slots >= 0) | torch.tensor(not test_mode))
    single = dataset[3]['data_samples']
    torch.testing.assert_close(single.joints[0], sample.joints[3], atol=0, rtol=0)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('hidden', [False, True])
def test_slots_of_batches_are_those_of_the_metainfo(protocol, hidden):
    visible = np.arange(93) % 4 > 0 if hidden else None
    dataset = build(lifting_store(visible=visible), protocol=protocol, test_mode=True)
    _, sample = everything(dataset)
    info = dataset.metainfo
    assert {key: info[key] for key in ('dataset_name', 'skeleton', 'split', 'protocol')} == dict(
        dataset_name='toy', skeleton='h36m17', split='val', protocol=protocol)
    for take, sequence in enumerate(info['sequences']):
        assert dict(sequence, **dataset.store.sequences[take]) == sequence
        slots, frames = (x[sample.sequence == take][sample.scored[sample.sequence == take]] for x in
                         (sample.slots, sample.frame_ids))
        np.testing.assert_array_equal(slots, sequence['slots'])
        np.testing.assert_array_equal(frames, sequence['frame_ids'])
        assert sequence['slots'].dtype == sequence['frame_ids'].dtype == np.int64
        assert sequence['weights'].dtype == np.float32 and len(sequence['weights']) == len(slots)
    np.testing.assert_array_equal(sample.visible[..., 5], np.ones(93, bool)[store_rows(dataset, sample)]
                                  if visible is None else visible[store_rows(dataset, sample)])


def test_slots_of_each_protocol():
    count = {protocol: [len(s['slots']) for s in build(protocol=protocol, test_mode=True).metainfo['sequences']]
             for protocol in PROTOCOLS}
    assert count == dict(mixste=[63, 27, 9], stcformer=[60, 25, 8], stcformer_3dhp=[60, 25, 8],
                         motionbert=[54, 18, 9], overlap=[126, 45, 9])
    padded = build(protocol='overlap', test_mode=True).metainfo['sequences'][2]
    np.testing.assert_allclose(padded['weights'], np.array([1, 2, 3, 4, 5, 4, 3, 2, 0]) / 5)
    assert 'sequences' not in build().metainfo


def test_stcformer_lists_only_windows_with_a_visible_centre():
    visible = np.ones(93, bool)
    visible[[3, 4, 70]] = False
    visible[85:] = False
    dataset = build(lifting_store(visible=visible), protocol='stcformer', test_mode=True)
    _, sample = everything(dataset)
    assert len(dataset) == 82 and sample.visible[:, 4].all() and not sample.visible.all()
    assert dataset.sequence_bounds.tolist() == [0, 58, 82, 82]
    frames = [s['frame_ids'].tolist() for s in dataset.metainfo['sequences']]
    assert frames == [[*range(3), *range(5, 60)], [*range(10), *range(11, 25)], []]
    assert len(build(lifting_store(visible=visible), protocol='stcformer')) == 93


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_mirror_lists_each_window_twice(protocol):
    plain, both = build(protocol=protocol), build(protocol=protocol, mirror=True)
    assert len(both) == 2 * len(plain)
    np.testing.assert_array_equal(both.sequence_bounds, 2 * plain.sequence_bounds)
    inputs, sample = everything(both)
    rows = store_rows(both, sample)
    for found, key in ((inputs['keypoints'], 'keypoints'), (sample.joints, 'joints')):
        expected = both.store.frames[key][rows]
        reflected = expected[:, :, FLIP] * np.array([-1, 1, 1], np.float32)[:expected.shape[-1]]
        np.testing.assert_array_equal(found[~both.windows.mirrored], expected[~both.windows.mirrored])
        np.testing.assert_array_equal(found[both.windows.mirrored], reflected[both.windows.mirrored])
    assert both.store.frames['joints'][40, 1, 1] == 40  # the store is untouched


@pytest.mark.parametrize('length', [100, 54, 20])
def test_mirrored_windows_come_in_the_official_order(length):
    dataset = build(lifting_store([length]), num_frames=27, mirror=True)
    _, sample = everything(dataset)
    np.testing.assert_array_equal(sample.frame_ids, OFFICIAL[f'mixste_train/T27/len{length}/index'])
    np.testing.assert_array_equal(dataset.windows.mirrored, OFFICIAL[f'mixste_train/T27/len{length}/flip'])


def test_mirroring_swaps_the_sides_of_every_skeleton():
    for skeleton, joints in (('mpi_inf_3dhp17', 17), ('humaneva15', 15)):
        dataset = build(lifting_store([20], joints=joints, channels=3), skeleton, mirror=True, confidence=True)
        keypoints = dataset.__getitems__([1, 4])['inputs']['keypoints']
        flip = list(get_skeleton(skeleton).flip)
        assert dataset.windows.mirrored[4] and not dataset.windows.mirrored[1] and flip != sorted(flip)
        torch.testing.assert_close(keypoints[1], keypoints[0][:, flip] * torch.tensor([-1, 1, 1]), atol=0, rtol=0)


def test_confidence_is_dropped_kept_or_one():
    with_confidence = lifting_store(channels=3)
    assert build(with_confidence)[0]['inputs']['keypoints'].shape == (1, 9, 17, 2)
    kept = build(with_confidence, confidence=True, test_mode=True)[0]['inputs']['keypoints']
    np.testing.assert_array_equal(kept[0], with_confidence.frames['keypoints'][:9])
    ones = build(confidence=True)[0]['inputs']['keypoints']
    assert ones.shape == (1, 9, 17, 3) and (ones[..., 2] == 1).all()


def test_padding_mask_marks_repeated_frames():
    for protocol in PROTOCOLS:
        dataset = build(protocol=protocol, padding_mask=True, test_mode=True)
        inputs, sample = everything(dataset)
        valid = inputs['valid']
        assert valid.shape == sample.frame_ids.shape and valid.dtype == torch.bool
        last = torch.from_numpy(np.diff(dataset.store.offsets))[sample.sequence, None] - 1
        assert ((sample.frame_ids[~valid] == 0) | (sample.frame_ids == last)[~valid]).all()
        assert sample.visible.all()
    assert (~inputs['valid']).sum() == 1
    training = build(protocol='overlap')
    _, sample = everything(training)
    assert (~sample.visible).sum() == 17  # no loss on the repeated frame
    assert everything(build(protocol='mixste'))[1].visible.all()


def test_keys_beyond_the_length_are_later_epochs():
    dataset = build(mirror=True, pipeline=[dict(type='KeypointNoise', jitter=0.1)])
    first, later = (dataset.__getitems__([2 + epoch * len(dataset)]) for epoch in (0, 5))
    torch.testing.assert_close(first['data_samples'].joints, later['data_samples'].joints, atol=0, rtol=0)
    assert not torch.equal(first['inputs']['keypoints'], later['inputs']['keypoints'])
    again = dataset.__getitems__([7, 2])['inputs']['keypoints'][1]
    torch.testing.assert_close(again, first['inputs']['keypoints'][0], atol=0, rtol=0)


def test_keypoint_noise():
    clean = everything(build(mirror=True, confidence=True))[0]['keypoints']
    noise = dict(type='KeypointNoise', jitter=0.02, drop=0.25)
    inputs, sample = everything(build(mirror=True, confidence=True, pipeline=[noise]))
    missing = inputs['keypoints'][..., 2] == 0
    assert list(inputs) == ['keypoints'] and abs(missing.float().mean() - 0.25) < 0.02
    assert (inputs['keypoints'][missing] == 0).all() and (inputs['keypoints'][..., 2][~missing] == 1).all()
    error = (inputs['keypoints'] - clean)[~missing][:, :2]
    assert abs(error.std() - 0.02) < 1e-3 and abs(error.mean()) < 1e-3
    inputs, without = everything(build(mirror=True, pipeline=[noise]))
    torch.testing.assert_close(inputs['detected'], ~missing)
    torch.testing.assert_close(without.joints, sample.joints, atol=0, rtol=0)
    with pytest.raises(ValueError, match=r'drop=1\): jitter should be at least 0 and drop in \[0, 1\)'):
        build(pipeline=[dict(type='KeypointNoise', drop=1)])


def test_sequence_sampling_in_workers_gives_every_slot_once(tmp_path):
    lifting_store(visible=np.arange(93) % 5 > 0).save(tmp_path / 'store')
    dataset = build(SequenceStore.load(tmp_path / 'store'), protocol='overlap', test_mode=True)
    sampler = SequenceBatchSampler(SequenceSampler(dataset), 4)
    loader = DataLoader(dataset, batch_sampler=sampler, num_workers=1, collate_fn=batch_collate)
    slots = {}
    for batch in loader:
        sample = batch['data_samples']
        assert len(sample.sequence.unique()) == 1
        slots.setdefault(int(sample.sequence[0]), []).extend(sample.slots.flatten().tolist())
    assert slots == {take: s['slots'].tolist() for take, s in enumerate(dataset.metainfo['sequences'])}


def test_activities_go_with_their_slots():
    store = lifting_store()
    store.frames['activity'] = np.arange(93)
    for take, sequence in enumerate(build(store, protocol='overlap', test_mode=True).metainfo['sequences']):
        np.testing.assert_array_equal(sequence['activity'], store.offsets[take] + sequence['frame_ids'])


def pixels():
    store = lifting_store()
    store.frames['keypoints'] = store.frames['keypoints'] * 300 + 500
    return store


@pytest.mark.parametrize('error, make, message', [
    (KeyError, lambda: build(protocol='mixt'), "unknown lifting protocol 'mixt'; known"),
    (ValueError, lambda: build(mirror=True, test_mode=True), 'mirror=True is for training; .* test_cfg=dict.flip='),
    (ValueError, lambda: build(pixels()), 'keypoints of toy val should be screen-normalised .* typically [45].., which '
                                          'looks like pixels: use .*screen_normalize'),
    (ValueError, lambda: build(skeleton='humaneva15'), r'humaneva15 has 15 joints, but keypoints are \(93, 17, 2\)'),
    (ValueError, lambda: build(lifting_store([0])), 'toy val has no frame'),
    (ValueError, lambda: build(lifting_store(visible=np.zeros(93, bool)), protocol='stcformer', test_mode=True),
     'toy val has no window of num_frames=9 with a visible frame')])
def test_mistakes_are_told(error, make, message):
    with pytest.raises(error, match=message):
        make()
