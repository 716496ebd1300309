"""What the checks of all submissions share, by hand."""
import numpy as np
import pytest

from mmegopose.evaluation.submissions import egoexo4d_body_file
from mmegopose.evaluation.submissions.submission_checks import (
    check_form,
    count_and_name,
    hand_unit_problem,
    name_first,
    raise_problems,
    unit_problem,
)


@pytest.mark.parametrize('size', [0.1, 0.28])  # of a child, and of a large hand that is spread
def test_units_of_hands(size):
    assert hand_unit_problem(np.array([size])) is None
    assert 'looks like centimetres (median size of a hand: ' in hand_unit_problem(np.array([100 * size]))
    assert 'must be in metres: divide by 1000' in hand_unit_problem(np.array([1000 * size]))


def test_a_size_between_the_units_is_of_the_nearer_one():
    assert hand_unit_problem(np.array([1.6])) is None  # 8 times a hand in metres, a twelfth of one in centimetres
    for size, unit in ((2.5, 'centimetres'), (50, 'centimetres'), (80, 'millimetres')):
        assert f'looks like {unit}' in hand_unit_problem(np.array([size]))


def test_one_hand_of_many_does_not_tell_the_unit():
    assert hand_unit_problem(np.array([0.2, 0.2, 200])) is None


@pytest.mark.parametrize('size', [0.2, 0.8])  # of a toddler, of somebody stretched out
def test_units_of_bodies(size):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(5, 17, 3))
    poses -= np.median(poses, 1, keepdims=True)
    poses *= size / np.median(np.linalg.norm(poses, axis=-1))
    poses = poses.clip(-1, 1)
    for factor, told in ((1, None), (100, 'centimetres'), (1000, 'millimetres')):
        body = dict(take_name='t', body={str(frame): (factor * pose).tolist() for frame, pose in enumerate(poses)})
        problems = egoexo4d_body_file.validate_submission({'u': body}, {'u': dict(body)})
        assert (told is None) == (not problems) and (told is None or told in problems[0])


def test_a_bound_belongs_to_the_smaller_unit():
    assert unit_problem(2.0, 'size', 60, 2) is None and '(size: 60)' in unit_problem(60.0, 'size', 60, 2)
    assert 'centimetres' in unit_problem(60.0, 'size', 60, 2)


def test_names():
    assert name_first(range(5)) == '0, 1, 2, 3, 4' and name_first(range(6)) == '0, 1, 2, 3, 4, ...'
    assert count_and_name('frame', ['7']) == '1 frame (7)' and count_and_name('frame', 'ab') == '2 frames (a, b)'
    raise_problems('a.json', [])
    with pytest.raises(ValueError, match=r'(?s)^a.json was written, but is not fit to be submitted:\n  one\n  two$'):
        raise_problems('a.json', ['one', 'two'])


def check(entries, **noun):
    return check_form(entries, 2, lambda rows: ' '.join(map(str, rows)), **noun)


def test_broken_and_zero_points():
    points = np.ones((6, 2, 3))
    points[1, 1, 2], points[2, 0, 0], points[3], points[4, 0], points[5, 1, 1] = np.nan, -np.inf, 0, 0, 1e300
    problems, good, places = check(points, noun='vertices')
    assert problems == ['NaN or infinite coordinates in 1 2 5', 'all vertices at zero in 3']
    np.testing.assert_array_equal(good, points[[0, 4]])
    assert places.tolist() == [0, 4]


def test_poses_by_form():
    good = [[1, 2, 3.5], [4, 5, 6]]
    problems, points, places = check([good, good])
    assert problems == [] and places.tolist() == [0, 1]
    np.testing.assert_array_equal(points, [good, good])
    problems, points, places = check([good, good[:1], [[1, 2, 3], [4, 5]], 'text', None, [[1, True, 3]] * 2,
                                      np.array(good), 7])
    assert problems == ['values that are not numbers in 3 4 5', 'poses that are not 2 x 3 in 1 2 7']
    np.testing.assert_array_equal(points, [good, good])
    assert places.tolist() == [0, 6]
    assert check([])[1].shape == (0, 2, 3) and check(['x'])[1].shape == (0, 2, 3)
