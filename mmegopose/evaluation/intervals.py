"""Means over sequences with what chance there is in them: bootstrap by sequence."""
import numpy as np


def resampling_weights(clusters, num_resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """How often each sequence is drawn in each resample, ``(R,S)``.

    Sequences of one cluster (the same motion in several cameras) are drawn together; as many clusters are drawn, with
    repetition, as there are. Equal clusters and seeds give equal weights, so that models are compared on the same
    resamples.

    Args:
        clusters: ``(S,)`` name of the cluster of each sequence.
        num_resamples: R.
        seed: of the draws.
    """
    names, own = np.unique(np.asarray(clusters), return_inverse=True)
    draws = np.random.default_rng(seed).integers(len(names), size=(num_resamples, len(names)))  # (R,C)
    first = len(names) * np.arange(num_resamples)[:, None]
    times = np.bincount((draws + first).ravel(), minlength=num_resamples * len(names)).reshape(draws.shape)
    return times[:, own]  # (R,S)


def mean_of_groups(sums, counts, groups=None, weights=None) -> np.ndarray:
    """Mean over groups of each one's pooled mean, ``(R,)``: of all together without groups.

    A group in which nothing counts is left out; NaN where nothing counts at all.

    Args:
        sums, counts: ``(S,)`` of each sequence.
        groups: ``(S,)`` name of the group of each sequence; None: one group.
        weights: ``(R,S)`` how often each sequence counts; None: once, and R is 1.
    """
    sums, counts = np.asarray(sums, float), np.asarray(counts, float)
    weights = np.ones((1, len(sums))) if weights is None else weights
    names, own = np.unique(np.zeros(len(sums)) if groups is None else np.asarray(groups), return_inverse=True)
    member = own[:, None] == np.arange(len(names))  # (S,G)
    total, number = weights @ (sums[:, None] * member), weights @ (counts[:, None] * member)  # (R,G)
    there = number > 0
    means = np.where(there, total / np.where(there, number, 1), 0).sum(1)
    return means / np.where(there.any(1), there.sum(1), np.nan)


def interval_of(statistics: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of a statistic ``(R,)`` of the resamples; None if there is none that is a number."""
    statistics = statistics[np.isfinite(statistics)]
    if not len(statistics):
        return None
    low, high = np.quantile(statistics, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_and_deviation(values) -> tuple[float, float | None]:
    """Mean, and standard deviation of the sample, None of a single value."""
    values = np.asarray(values, float)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None
