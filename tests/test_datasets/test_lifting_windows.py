from pathlib import Path

import numpy as np
import pytest

from mmegopose.datasets import SequenceStore
from mmegopose.registry import WINDOWS
from mmegopose.structures.protocols import get_protocol

DATA = Path(__file__).parents[1] / 'data'
OFFICIAL = np.load(DATA / 'lifting_windows.npz')
TRAINING = np.load(DATA / 'stcformer_training_windows.npz')


PROTOCOLS = ['mixste', 'stcformer', 'stcformer_3dhp', 'motionbert', 'overlap']


def build(protocol, lengths, num_frames=27, train=False, **kwargs):
    sequences = [dict(uid=str(i), name=str(i)) for i in range(len(lengths))]
    windows = WINDOWS.build(dict(get_protocol(protocol).windows, num_frames=num_frames, **kwargs))
    return windows.bind(SequenceStore(np.cumsum([0, *lengths]), {}, sequences), test_mode=not train)


def in_sequences(windows, index, rows):
    return rows - windows.store.offsets[windows.sequence[index], None]


def rows(windows, index=None):
    index = np.arange(len(windows)) if index is None else index
    return in_sequences(windows, index, windows.rows(index, None).rows)


def predicted(windows, index):
    return in_sequences(windows, index, windows.predicted(index)[0])


def padded(windows):
    return ~windows.rows(np.arange(len(windows)), None).valid


def official(prefix):
    return [key for key in OFFICIAL.files if key.startswith(prefix)]


def test_every_official_recording_is_compared():
    kinds = 'mixste_eval/', 'mixste_train/', 'stcformer/', 'motionbert'
    assert sorted(key for kind in kinds for key in official(kind)) == sorted(OFFICIAL.files)


@pytest.mark.parametrize('key', official('mixste_eval/'))
def test_mixste_evaluation_is_the_official_one(key):
    np.testing.assert_array_equal(rows(build('mixste', [int(key.split('len')[1])])), OFFICIAL[key])


@pytest.mark.parametrize('length', [100, 54, 20])
def test_mixste_training_is_the_official_one(length):
    """The official list has each window twice, plain and mirrored; see test_lifting_dataset for the mirrored ones."""
    plain = rows(build('mixste', [length], train=True))
    np.testing.assert_array_equal(np.tile(plain, (2, 1)), OFFICIAL[f'mixste_train/T27/len{length}/index'])


@pytest.mark.parametrize('key', official('stcformer/'))
def test_stcformer_is_the_official_one(key):
    _, _, step, length, chunk, which = key.split('/')
    step, length, chunk = int(step[3:]), int(length[3:]), int(chunk[5:])
    windows = build('stcformer', [length], train=chunk > 1, frame_step=step, window_stride=chunk)
    found = rows(windows)
    if which == 'target' and chunk == 1:
        found = predicted(windows, np.arange(len(windows)))
    np.testing.assert_array_equal(found, OFFICIAL[key])


@pytest.mark.parametrize('key', [key[:-6] for key in TRAINING.files if key.endswith('/input')])
def test_stcformer_trains_on_the_official_windows(key):
    """Of several sequences in the order of the sampler; the targets are those of the same frames."""
    data, T, *step, stride = key.split('_')
    options = dict(num_frames=int(T[1:]), window_stride=int(stride[6:]), train=True)
    if step:
        options['frame_step'] = int(step[0][3:])
    windows = build({'h36m': 'stcformer', '3dhp': 'stcformer_3dhp'}[data], TRAINING[f'{key}/lengths'], **options)
    np.testing.assert_array_equal(rows(windows), TRAINING[f'{key}/input'])


def test_whole_chunks_change_training_alone():
    plain, whole = (build(name, [50, 7], 9) for name in ('stcformer', 'stcformer_3dhp'))
    np.testing.assert_array_equal(rows(whole), rows(plain))
    chunks = build('stcformer_3dhp', [50, 7], 9, train=True, window_stride=4)
    assert rows(chunks).shape[1] == 12
    np.testing.assert_array_equal(rows(chunks.bind(chunks.store, test_mode=False)), rows(chunks))  # bound again


@pytest.mark.parametrize('key, train, stride', [('motionbert_test/T27', False, None),
                                                ('motionbert_train/T27/stride9', True, None),
                                                ('motionbert_train/T27/stride9', True, 9)])
def test_motionbert_is_the_official_one(key, train, stride):
    lengths = OFFICIAL['motionbert/video_lengths']
    windows = build('motionbert', lengths, train=train, window_stride=stride)
    first = (np.cumsum(lengths) - lengths)[windows.sequence]
    np.testing.assert_array_equal(rows(windows) + first[:, None], OFFICIAL[key])


@pytest.mark.parametrize('protocol, step', [*((name, 1) for name in PROTOCOLS), ('stcformer', 3), ('motionbert', 3),
                                            ('overlap', 3)])
@pytest.mark.parametrize('train', [True, False])
def test_windows_stay_in_their_clips_and_clips_do_not_depend_on_each_other(protocol, step, train):
    lengths = np.array([40, 1, 7, 19, 100])
    windows = build(protocol, lengths, 9, train, frame_step=step)
    found = rows(windows)
    assert (np.diff(windows.sequence) >= 0).all() and set(windows.sequence) == set(range(5))
    assert found.dtype == np.int64 and (found >= 0).all() and (found < lengths[windows.sequence][:, None]).all()
    alone = rows(build(protocol, [100], 9, train, frame_step=step))
    np.testing.assert_array_equal(found[windows.sequence == 4], alone)
    some = np.array([5, 0, 5])
    np.testing.assert_array_equal(rows(windows, some), found[some])
    np.testing.assert_array_equal(predicted(windows, some), found[some][:, windows.positions])


@pytest.mark.parametrize('length, stride', [(1, None), (2, None), (5, 1), (8, 8), (9, 4), (30, None)])
@pytest.mark.parametrize('step', [1, 2, 3])
@pytest.mark.parametrize('train', [True, False])
def test_overlap_covers_every_frame_with_weight(length, stride, step, train):
    lengths = [1, 2, 5, 8, 17, 100]
    windows = build('overlap', lengths, length, train, frame_step=step, window_stride=stride)
    found, repeats, weights = rows(windows), padded(windows), windows.slot_weights(np.arange(len(windows)))
    np.testing.assert_array_equal(weights > 0, ~repeats)
    assert weights.dtype == np.float32 and weights.max() == 1
    for clip, size in enumerate(lengths):
        own = windows.sequence == clip
        real = found[own][~repeats[own]]
        assert set(real.tolist()) == set(range(size))
        assert repeats[own].any() == (max(size // step, 1) < length)
    assert (np.diff(found, axis=1)[~repeats[:, 1:]] == step).all()


def test_overlap_ends_with_the_clip_and_weights_are_a_triangle():
    windows = build('overlap', [20], 8)
    np.testing.assert_array_equal(rows(windows)[:, 0], [0, 4, 8, 12])
    np.testing.assert_array_equal(rows(build('overlap', [21], 8))[:, 0], [0, 4, 8, 12, 13])
    np.testing.assert_allclose(windows.weights, np.array([1, 2, 3, 4, 4, 3, 2, 1]) / 4)
    np.testing.assert_allclose(build('overlap', [21], 5).weights, np.array([1, 2, 3, 2, 1]) / 3, rtol=1e-6)


def test_other_protocols_count_repeated_frames():
    windows = build('mixste', [20])
    assert padded(windows).sum() == 7
    np.testing.assert_array_equal(windows.slot_weights(np.arange(1)), np.ones((1, 27)))


def test_short_clips_of_motionbert_are_stretched():
    windows = build('motionbert', [4, 27, 26, 60], frame_step=1)
    found = rows(windows)
    assert (np.diff(found, axis=1) >= 0).all() and not padded(windows).any()
    assert found[0].max() == 3 and found[2].max() == 25 and len(found) == 5
    np.testing.assert_array_equal(predicted(windows, np.array([2, 0]))[:, -2:], found[[2, 0], -2:])


@pytest.mark.parametrize('protocol, kwargs, message', [
    ('overlap', dict(num_frames=0), 'num_frames=0 should be at least 1'),
    ('overlap', dict(num_frames=8, frame_step=0), 'frame_step=0 should be at least 1'),
    ('overlap', dict(num_frames=8, window_stride=9),
     'window_stride=9 leaves out frames between windows of num_frames=8'),
    ('stcformer', dict(num_frames=8),
     'num_frames=8: the protocol .stcformer. predicts the centre frame; take an odd'),
    ('stcformer', dict(num_frames=9, window_stride=3),
     'window_stride=3: the protocol .stcformer. is evaluated with one window per'),
    ('stcformer_3dhp', dict(num_frames=9, frame_step=3), 'frame_step=3: windows of whole chunks read every frame'),
    ('mixste', dict(num_frames=9, frame_step=2),
     'frame_step=2: the protocol .mixste. reads every frame; use .overlap.'),
    ('mixste', dict(num_frames=9, window_stride=2),
     'window_stride=2: windows of the protocol .mixste. do not overlap')])
def test_what_a_protocol_has_not_is_refused(protocol, kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(protocol, [30], **kwargs)
