"""Bootstrap by sequence and means of groups, against what is known and against loops."""
import numpy as np
import pytest

from mmegopose.evaluation.intervals import interval_of, mean_and_deviation, mean_of_groups, resampling_weights


def test_intervals_are_those_of_the_mean_of_independent_sequences():
    values = np.random.default_rng(0).normal(10, 2, 400)
    weights = resampling_weights(np.arange(400), 4000)
    low, high = interval_of(mean_of_groups(values, np.ones(400), weights=weights))
    spread = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * spread, abs=0.15 * spread)
    assert high == pytest.approx(values.mean() + 1.96 * spread, abs=0.15 * spread)


def test_the_vectorised_bootstrap_equals_a_loop():
    generator = np.random.default_rng(1)
    counts = generator.integers(0, 20, 30)
    sums, groups, clusters = counts * generator.normal(5, 1, 30), generator.integers(0, 4, 30), np.arange(30) // 2
    draws = np.random.default_rng(7).integers(15, size=(50, 15))
    found = mean_of_groups(sums, counts, groups, resampling_weights(clusters, 50, seed=7))
    for draw, value in zip(draws, found):
        rows = np.concatenate([np.flatnonzero(clusters == cluster) for cluster in draw])
        means = [sums[rows][own].sum() / counts[rows][own].sum() for group in range(4)
                 if counts[rows][own := groups[rows] == group].sum()]
        assert value == pytest.approx(np.mean(means), rel=1e-12)


def test_sequences_of_one_motion_are_drawn_together():
    weights = resampling_weights(['a', 'b', 'a', 'c'], 200)
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, [0, 1, 3]].sum(1) == 3).all()
    assert (weights == resampling_weights(['a', 'b', 'a', 'c'], 200)).all()
    assert (weights != resampling_weights(['a', 'b', 'a', 'c'], 200, seed=1)).any()


def test_a_macro_mean_weighs_groups_alike():
    sums, counts = np.array([10., 30., 90.]), np.array([10, 10, 10])
    assert mean_of_groups(sums, counts)[0] == pytest.approx(130 / 30)
    assert mean_of_groups(sums, counts, ['a', 'a', 'b'])[0] == pytest.approx((2 + 9) / 2)
    assert mean_of_groups(sums, [10, 10, 0], ['a', 'a', 'b'])[0] == pytest.approx(2)
    assert np.isnan(mean_of_groups(sums, [0, 0, 0])[0]) and interval_of(np.array([np.nan])) is None


def test_an_interval_by_hand():
    values = np.random.default_rng(0).permutation(np.r_[np.arange(1001.), np.nan, np.inf])
    assert interval_of(values) == pytest.approx((25, 975)) and interval_of(values, 0.5) == pytest.approx((250, 750))
    assert interval_of(np.array([3.0])) == (3, 3)
    assert resampling_weights(list('abc')).shape == (2000, 3)


def test_one_value_has_no_deviation():
    assert mean_and_deviation([3.0]) == (3.0, None)
    assert mean_and_deviation([1.0, 3.0]) == (2.0, pytest.approx(np.sqrt(2)))
