"""What the checks of all submissions share, by hand."""
import numpy as np
import pytest

from mmegopose.evaluation.submissions import egoexo4d_body_file
from mmegopose.evaluation.submissions.submission_checks import (
    broken_values,
    count_and_name,
    hand_unit_problem,
    name_first,
    raise_problems,
    read_points,
    unit_problem,
)


@pytest.mark.parametrize('size', [0.1, 0.28])  # of a child, and of a large hand that is spread
def test_units_of_hands(size):
    assert hand_unit_problem(np.array([size])) is None
    assert 'looks like centimetres (median size of a hand: ' in hand_unit_problem(np.array([100 * size]))
    assert 'must be in metres: divide by 1000' in hand_unit_problem(np.array([1000 * size]))


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


def test_broken_and_zero_points():
    points = np.ones((5, 2, 3))
    points[1, 1, 2], points[2, 0, 0], points[3], points[4, 0] = np.nan, -np.inf, 0, 0
    broken, zero = broken_values(points)
    assert broken.tolist() == [False, True, True, False, False] and zero.tolist() == [False, False, False, True, False]


def test_points_by_form():
    good = [[1, 2, 3.5], [4, 5, 6]]
    whole = read_points([good, good], 2)
    np.testing.assert_array_equal(whole.points, [good, good])
    assert whole.places.tolist() == [0, 1] and not whole.misshapen and not whole.unreadable
    found = read_points([good, good[:1], [[1, 2, 3], [4, 5]], 'text', None, [[1, True, 3]] * 2, np.array(good),
                         [[10 ** 400, 0, 0]] * 2, 7], 2)
    np.testing.assert_array_equal(found.points, [good, good])
    assert found.places.tolist() == [0, 6] and found.misshapen[:2] == [1, 2]
    assert {3, 4, 5} <= set(found.unreadable) and 8 in found.misshapen
    assert read_points([], 2).points.shape == (0, 2, 3) and read_points(['x'], 2).points.shape == (0, 2, 3)
