"""Windows of small stores, by hand."""
import numpy as np
import pytest

from mmegopose.datasets import SequenceStore
from mmegopose.datasets.random import KeyedRandom
from mmegopose.datasets.windows import (
    AnnotatedWindows,
    ConsecutiveWindows,
    DelayedWindows,
    OverlapWindows,
    SampleWindows,
    StridedWindows,
)
from mmegopose.datasets.windows.base import enumerate_each


def store(**frames):
    """Sequences of six and four frames, ten a second."""
    return SequenceStore([0, 6, 10], {name: np.array(values) for name, values in frames.items()},
                         [dict(uid=uid, name=uid) for uid in 'ab'], info=dict(fps=10.0))


def targets(*rows):
    return np.isin(np.arange(10), rows)


def test_strided_windows_end_at_their_target():
    windows = StridedWindows(3, 2).bind(store(target=targets(1, 5, 7)), test_mode=True)
    found = windows.rows(np.arange(3), None)
    assert found.rows.tolist() == [[0, 0, 1], [1, 3, 5], [6, 6, 7]] and windows.sequence.tolist() == [0, 0, 1]
    assert found.valid.tolist() == [[False, False, True], [True, True, True], [False, False, True]]
    np.testing.assert_allclose(found.time, [[-0.1, -0.1, 0], [-0.4, -0.2, 0], [-0.1, -0.1, 0]])
    assert windows.positions.tolist() == [2] and windows.predicted(np.array([1, 2]))[0].tolist() == [[5], [7]]
    assert len(StridedWindows(3, 2).bind(store(), test_mode=True)) == 10


def test_a_faster_film_reads_frames_farther_apart():
    windows = StridedWindows(3, 1, tempo=(2, 2)).bind(store(target=targets(5)), test_mode=False)
    found = windows.rows(np.array([0, 0]), KeyedRandom([3, 4]))
    assert found.rows.tolist() == [[1, 3, 5]] * 2
    np.testing.assert_allclose(found.time, [[-0.2, -0.1, 0]] * 2)  # as if they were one step apart
    slow = StridedWindows(4, 2, tempo=(0.25, 0.25)).bind(store(target=targets(5)), test_mode=False)
    assert slow.rows(np.array([0]), KeyedRandom([3])).rows.tolist() == [[3, 4, 5, 5]]  # 1.5, 1, 0.5 and 0 back; even


def test_annotated_windows_read_labels_and_targets():
    label = np.where(targets(0, 2, 5, 7), np.arange(10), -1)
    windows = AnnotatedWindows(3).bind(store(label=label, target=targets(2, 9)), test_mode=True)
    found = windows.rows(np.arange(2), None)
    assert found.rows.tolist() == [[0, 0, 2], [7, 7, 9]]
    assert found.valid.tolist() == [[False, True, True]] * 2
    np.testing.assert_allclose(found.time, [[-0.2, -0.2, 0]] * 2)


def test_samples_that_are_made_are_numbered_by_their_keys():
    windows = SampleWindows(3, 2).bind(store(), test_mode=False)
    found = windows.rows(np.array([0, 2]), None)
    assert found.rows.tolist() == [[0, 1], [4, 5]] and found.frame_ids.tolist() == [[0, 1], [4, 5]]
    assert windows.rows(np.array([2]), KeyedRandom([8])).rows.tolist() == [[16, 17]]  # another one in the next epoch
    fixed = SampleWindows(4, 2, fixed=True).bind(store(), test_mode=False)
    again = fixed.rows(np.array([3]), KeyedRandom([8]))
    assert again.rows.tolist() == [[6, 7]] and again.frame_ids.tolist() == [[0, 1]] and again.valid.all()
    assert fixed.sequence.tolist() == [0, 0, 0, 1]


def test_a_delayed_window_answers_before_its_end():
    windows = DelayedWindows(5, 2, delay=2).bind(store(), test_mode=True)
    assert len(windows) == 10 and windows.positions.tolist() == [3]
    found = windows.rows(np.array([3, 9]), None)
    assert found.rows.tolist() == [[0, 0, 1, 3, 5], [6, 6, 7, 9, 9]]
    assert found.valid.tolist() == [[False, False, True, True, True], [False, False, True, True, False]]
    assert windows.predicted(np.array([3, 9]))[0].tolist() == [[3], [9]]
    assert DelayedWindows(5, 2, delay=8).answers.tolist() == [0]
    for delay in (-2, 1, 10):
        with pytest.raises(ValueError, match=f'delay={delay} should be a multiple of frame_step=2 from 0 to 8'):
            DelayedWindows(5, 2, delay)


def test_interleaved_windows_do_not_mix_their_phases():
    windows = OverlapWindows(2, 2, window_stride=2).bind(store(), test_mode=True)
    assert windows.rows(np.arange(len(windows)), None).rows.tolist() == [[0, 2], [2, 4], [1, 3], [3, 5], [6, 8], [7, 9]]


def test_mirrored_windows_follow_the_plain_ones_of_their_sequence():
    windows = OverlapWindows(4, mirror=True).bind(store(), test_mode=False)
    found = windows.rows(np.arange(len(windows)), None)
    assert found.rows[:, 0].tolist() == [0, 2, 0, 2, 6, 6] and windows.sequence.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.mirrored.tolist() == [False, False, True, True, False, True]


def test_consecutive_windows_of_single_frames_keep_the_listed_order():
    listed = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    windows = ConsecutiveWindows(1).bind(store(listed=listed), test_mode=True)
    assert windows.rows(np.arange(3), None).rows.tolist() == [[9], [8], [7]]
    assert windows.sequence.tolist() == [1] * 4 + [0] * 6
    strided = ConsecutiveWindows(1, window_stride=4).bind(store(listed=listed), test_mode=False)
    assert strided.rows(np.arange(len(strided)), None).rows.tolist() == [[0], [4], [6]]


def test_consecutive_windows_do_not_cross_missing_frames():
    frame = np.array([0, 1, 2, 5, 6, 0, 1])
    made = SequenceStore([0, 5, 7], dict(frame=frame), [dict(uid='a', name='a'), dict(uid='b', name='b')])
    windows = ConsecutiveWindows(2, window_stride=1).bind(made, test_mode=False)
    found = windows.rows(np.arange(len(windows)), None)
    assert found.rows.tolist() == [[0, 1], [1, 2], [2, 2], [3, 4], [4, 4], [5, 6], [6, 6]]
    assert found.valid[:, 1].tolist() == [True, True, False, True, False, True, False]
    assert ConsecutiveWindows(2, window_stride=1).bind(made, test_mode=True).sequence.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize('fixed', [False, True])
def test_rows_of_samples_are_numbers_that_follow_the_keys(fixed):
    made = SequenceStore(np.arange(4) * 2, {}, [dict(uid=str(i), name=str(i)) for i in range(3)])
    windows = SampleWindows(3, num_frames=2, fixed=fixed).bind(made, test_mode=False)
    found = windows.rows(np.array([1, 0]), KeyedRandom([4, 6]))
    assert found.rows.tolist() == ([[2, 3], [0, 1]] if fixed else [[8, 9], [12, 13]])
    assert found.frame_ids.tolist() == [[0, 1], [0, 1]]


def test_counting_within_groups():
    group, number = enumerate_each(np.array([2, 0, 3]))
    assert group.tolist() == [0, 0, 2, 2, 2] and number.tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize('windows', [ConsecutiveWindows(3), StridedWindows(3)])
def test_a_store_without_a_target_has_no_window(windows):
    empty = SequenceStore([0, 0], dict(target=np.zeros(0, bool)), [dict(uid='a', name='a')], info=dict(fps=10.0))
    with pytest.raises(ValueError, match='has no window of num_frames=3 with a visible frame'):
        windows.bind(empty, test_mode=True)
