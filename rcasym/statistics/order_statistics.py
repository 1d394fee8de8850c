# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The error and the interval of a median, from the order statistics of a sample."""

from functools import lru_cache

import numpy as np
from scipy.special import bdtr, betainc, gammaln, ndtri

__all__ = ["normal_quantile", "median_error", "median_interval"]


def normal_quantile(confidence):
    """Return the half width of a normal interval, in standard deviations."""
    return ndtri(0.5 + 0.5 * confidence)


def median_error(x):
    """Return the standard deviation of the median over all bootstrap samples of sorted ``x``."""
    n = len(x)
    start, single, pairs = _median_weights(n)
    # Deviations from the median keep their digits where the values far exceed their scatter.
    x = x[start:start + len(single)] - 0.5 * (x[(n - 1) // 2] + x[n // 2])
    first, second = single @ x, single @ x**2
    for lag, weights in enumerate(pairs, 1):
        middle = 0.5 * (x[:-lag] + x[lag:])
        first += weights[:-lag] @ middle
        second += weights[:-lag] @ middle**2
    return np.sqrt(max(second - first**2, 0.0))


# Cached because the bins of a profile and those of its offsets have the same numbers of stars.
@lru_cache(maxsize=256)
def _median_weights(n):
    """Return the probabilities that the median of a bootstrap sample is one star, or between two.

    Returns the first star with a probability that matters, the probability that a star alone is the
    median, and for even n the probabilities of the pairs of stars that are 1, 2, ... ranks apart.
    """
    m = (n + 1) // 2
    # Beyond nine standard deviations of the rank, probabilities are below 1e-18.
    reach = int(4.5 * np.sqrt(n)) + 2
    start, stop = max(m - 1 - reach, 0), min(m + reach, n)
    rank = np.arange(start, stop + 1)
    single = np.diff(betainc(m, n - m + 1, rank / n))
    if n % 2:
        return start, single, ()
    # The middle ranks fall on stars i < j if m of the n draws are at i or below, one of them at i,
    # and m at j or above, one of them at j: n! / m!^2 a(i) a(n + 1 - j).
    with np.errstate(divide="ignore"):
        i = np.arange(start + 1, stop + 1)
        lower, upper = (
            0.5 * gammaln(n + 1) - gammaln(m + 1) + m * np.log(k / n)
            + np.log(-np.expm1(m * np.log1p(-1 / k))) for k in (i, n + 1 - i))
    # Each further rank divides the probability by e, or by sqrt(e) at the far end.
    pairs = np.zeros((min(n - 1, len(i) - 1, 60), len(i)))
    for lag in range(1, len(pairs) + 1):
        pairs[lag - 1, :-lag] = np.exp(lower[:-lag] + upper[lag:])
    pairs = pairs[pairs.max(axis=1, initial=0) > 1e-18]
    return start, single - pairs.sum(axis=0), pairs


def median_interval(x, confidence):
    """Return the confidence interval of the median, from order statistics of sorted ``x``."""
    n = len(x)
    rank, weight, stretch = _interval_ranks(n, confidence)
    low = (1 - weight) * x[rank] + weight * x[rank + 1]
    high = (1 - weight) * x[n - 1 - rank] + weight * x[n - 2 - rank]
    if stretch > 1:
        median = 0.5 * (x[(n - 1) // 2] + x[n // 2])
        return median - stretch * (median - low), median + stretch * (high - median)
    return low, high


@lru_cache(maxsize=1024)
def _interval_ranks(n, confidence):
    """Return the lower rank (from 0), the weight of the next rank, and the stretch factor."""
    tail = 0.5 * (1 - confidence)
    # The normal approximation can be off by one star; the loops correct that.
    k = min(max(int(0.5 * n - 0.5 * normal_quantile(confidence) * np.sqrt(n)), 0), n // 2)
    while k > 0 and bdtr(k - 1, n, 0.5) > tail:
        k -= 1
    while k < n // 2 and bdtr(k, n, 0.5) <= tail:
        k += 1
    if k == 0:
        reached = 1 - 2 * bdtr(0, n, 0.5)
        return 0, 0.0, normal_quantile(confidence) / normal_quantile(reached)
    wide, narrow = (1 - 2 * bdtr(j, n, 0.5) for j in (k - 1, k))
    part = (wide - confidence) / (wide - narrow)
    return k - 1, (n - k) * part / (k + (n - 2 * k) * part), 1.0
