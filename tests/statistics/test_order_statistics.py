# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The error and the interval of a median."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from rcasym.statistics import estimate

from .helpers import groups, normal


class TestMedian:
    @pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
    def test_error_against_every_bootstrap_sample(self, n):
        x = normal(n, seed=n)
        medians = [np.median(sample) for sample in product(x, repeat=n)]
        assert_allclose(estimate(groups(x)).error, [np.std(medians)], rtol=1e-12)

    @pytest.mark.parametrize("n", [10, 61, 240, 5000])
    def test_error_against_resampling(self, n):
        x = normal(n)
        samples = np.median(np.random.default_rng(1).choice(x, (4000, n)), axis=1)
        assert_allclose(estimate(groups(x)).error, [samples.std()], rtol=0.06)

    def test_error_of_very_many_stars(self):
        # The asymptotic error of a normal sample is sqrt(pi / 2) sigma / sqrt(n).
        n = 400_001
        x = stats.norm.ppf((np.arange(n) + 0.5) / n)
        assert_allclose(estimate(groups(x, x[:-1])).error, np.sqrt(0.5 * np.pi / n), rtol=1e-3)

    def test_error_keeps_its_digits(self):
        x = normal(50)
        assert_allclose(estimate(groups(x + 1e6)).error, estimate(groups(x)).error, rtol=1e-8)

    @pytest.mark.parametrize(("n", "rank"), [(5, 1), (10, 2), (10, 4), (61, 20)])
    def test_interval_ends_at_order_statistics(self, n, rank):
        x = np.sort(normal(n))
        confidence = stats.binom.cdf(n - rank, n, 0.5) - stats.binom.cdf(rank - 1, n, 0.5)
        result = estimate(groups(x), confidence=confidence)
        assert_allclose([result.low[0], result.high[0]], [x[rank - 1], x[n - rank]], atol=1e-12)

    @given(st.integers(2, 80), st.floats(0.05, 0.98))
    def test_interval_holds_the_median_and_grows(self, n, confidence):
        x = groups(normal(n, seed=n))
        narrow, wide = estimate(x, confidence=confidence), estimate(x, confidence=confidence + 0.01)
        assert wide.low <= narrow.low <= narrow.value <= narrow.high <= wide.high
        assert wide.low < wide.high

    def test_interval_beyond_the_outermost_stars(self):
        x = groups([0.0, 1.0, 3.0])
        wide = estimate(x, confidence=0.954)
        assert wide.low < 0
        assert wide.high > 3

    def test_negated(self):
        x = normal(33)
        a, b = estimate(groups(x)), estimate(groups(-x))
        assert_allclose([b.value, b.low, b.high, b.error], [-a.value, -a.high, -a.low, a.error])
