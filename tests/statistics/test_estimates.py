# Licensed under a 3-clause BSD style license - see LICENSE.rst
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from rcasym.statistics import estimates
from rcasym.statistics.estimates import Estimates, PairedVoxels, estimate
from rcasym.voxels import VoxelState


def groups(*samples):
    """A state with one group a sample."""
    index = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    return VoxelState.from_stars(index, np.concatenate(samples).astype(float), len(samples))


def normal(n, seed=0, loc=-0.3, scale=0.2):
    return np.random.default_rng(seed).normal(loc, scale, n)


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
        # The density of a normal distribution at its median gives sqrt(pi / 2) sigma / sqrt(n).
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
        found = estimate(groups(x), confidence=confidence)
        assert_allclose([found.low[0], found.high[0]], [x[rank - 1], x[n - rank]], atol=1e-12)

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


class TestMean:
    def test_against_scipy(self):
        x = normal(23)
        found = estimate(groups(x), "mean", 0.954)
        low, high = stats.t.interval(0.954, 22, x.mean(), stats.sem(x))
        assert_allclose([found.value[0], found.low[0], found.high[0]], [x.mean(), low, high])
        assert_allclose(found.error, [x.std() / np.sqrt(23)])

    def test_difference_is_welchs(self):
        x, y = normal(23), normal(9, seed=1, scale=0.5)
        found = estimates.difference(estimate(groups(x), "mean"), estimate(groups(y), "mean"), 0.9)
        scipys = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.9)
        assert_allclose([found.low[0], found.high[0]], [scipys.low, scipys.high])


@pytest.mark.parametrize("statistic", ["median", "mean"])
class TestFewStars:
    def test_no_star_and_one(self, statistic):
        found = estimate(VoxelState.from_stars(np.array([1]), np.array([0.5]), 2), statistic)
        assert_array_equal(found.value, [np.nan, 0.5])
        for values in (found.error, found.low, found.high, found.variance, found.dof):
            assert_array_equal(values, [np.nan, np.nan])

    def test_all_the_same(self, statistic):
        found = estimate(groups([-0.2] * 7, [-0.2] * 4), statistic)
        for values in (found.value, found.low, found.high):
            assert_allclose(values, -0.2, atol=1e-12)
        apart = estimates.difference(found[:1], found[1:])
        assert_allclose([apart.value[0], apart.low[0], apart.high[0], apart.error[0]], 0,
                        atol=1e-12)


class TestRatios:
    def pair(self, n=-0.2, s=-0.3, error=0.01):
        values = [np.array([value]) for value in (n, s)]
        e, v = np.array([error]), np.array([error**2])
        return [Estimates(x, e, x - e, x + e, v, np.array([np.inf])) for x in values]

    @pytest.mark.parametrize("modulus", [True, False])
    def test_fieller(self, modulus):
        north, south = self.pair()
        found, distinguishable = estimates.ratio(north, south, 0.954, modulus=modulus)
        assert distinguishable.all()
        assert_allclose(found.value, 0.1 / (0.5 if modulus else -0.5))
        quantile = stats.norm.ppf(0.977)
        sign = -1 if modulus else 1
        for end in (found.low[0], found.high[0]):
            # The combination that is zero if the ratio is at this end, in units of its error.
            top = (1 - sign * end) * -0.2 - (1 + sign * end) * -0.3
            assert_allclose(abs(top), quantile * 0.01 * np.hypot(1 - sign * end, 1 + sign * end))
        assert found.low < found.value < found.high

    def test_error_against_draws(self):
        north, south = self.pair(error=0.005)
        rng = np.random.default_rng(0)
        n, s = rng.normal([[-0.2], [-0.3]], 0.005, (2, 100_000))
        found, _ = estimates.ratio(north, south)
        assert_allclose(found.error, [np.std((n - s) / np.abs(n + s))], rtol=0.02)

    @pytest.mark.parametrize(("n", "s"), [(0.01, -0.01), (0.02, -0.005), (0.0, 0.0)])
    def test_sum_near_zero(self, n, s):
        found, distinguishable = estimates.ratio(*self.pair(n, s))
        assert not distinguishable.any()
        assert np.isnan([found.value, found.error, found.low, found.high]).all()

    def test_interval_is_finite_where_it_is_given(self):
        for total in np.linspace(0.01, 0.2, 40):
            found, distinguishable = estimates.ratio(*self.pair(0.5 * total, 0.5 * total), 0.999)
            assert np.isfinite(found.low[0]) == distinguishable[0]
            if distinguishable:
                assert found.low < 0 < found.high

    @given(st.floats(-2, 0.5), st.floats(-2, 0.5))
    def test_linear_is_equation_1_on_ratios(self, n, s):
        north, south = self.pair(n, s)
        found = estimates.linear(estimates.difference(north, south))
        assert_allclose(found.value, (10**n - 10**s) / (10**n + 10**s), atol=1e-12)
        assert_allclose(found.value, np.tanh(0.5 * np.log(10) * (n - s)), atol=1e-12)
        assert -1 < found.low < found.value < found.high < 1


class TestBootstrap:
    @pytest.mark.parametrize("n", [1, 2, 5, 6, 61])
    def test_medians_against_scipy(self, n):
        x = np.round(normal(n), 2)
        ours = estimates.bootstrap(groups(x), n=4000, rng=1)[:, 0]
        theirs = np.median(np.random.default_rng(2).choice(x, (4000, n)), axis=1)
        # Discrete values: two close ones may differ in the last bit.
        assert stats.ks_2samp(np.round(ours, 9), np.round(theirs, 9)).pvalue > 0.01

    def test_means(self):
        x = normal(40)
        ours = estimates.bootstrap(groups(x), "mean", 4000, rng=1)[:, 0]
        theirs = np.random.default_rng(2).choice(x, (4000, 40)).mean(axis=1)
        assert stats.ks_2samp(ours, theirs).pvalue > 0.01

    @pytest.mark.parametrize("statistic", ["median", "mean"])
    def test_same_seed_same_bits(self, statistic):
        state = groups(normal(30), normal(5), [])
        a, b = (estimates.bootstrap(state, statistic, 100, rng=3) for _ in range(2))
        assert_array_equal(a, b)
        assert a.shape == (100, 3)
        assert np.isnan(a[:, 2]).all()
        assert not np.array_equal(a, estimates.bootstrap(state, statistic, 100, rng=4))


class TestPermutations:
    def sums(self, north, south, bins=None):
        bins = np.zeros(len(north), int) if bins is None else np.asarray(bins)
        return PairedVoxels(groups(*north), groups(*south), bins, bins.max() + 1)

    @pytest.mark.parametrize(("n", "s"), [(2, 3), (3, 2), (1, 4), (3, 3)])
    def test_against_all_permutations(self, n, s):
        x = normal(n + s)
        sums = self.sums([x[:n]], [x[n:]])
        every = np.array([x[list(chosen)].sum() for chosen in combinations(range(n + s), n)])
        every -= n * x.mean()
        assert_allclose(sums.sum, x[:n].sum() - n * x.mean())
        assert_allclose(sums.difference, x[:n].mean() - x[n:].mean())
        assert_allclose(sums.null_std, every.std())
        drawn = sums.permuted(20_000, np.random.default_rng(1))[:, 0]
        nearest = np.abs(drawn[:, np.newaxis] - every).argmin(axis=1)
        assert_allclose(drawn, every[nearest], atol=1e-12)
        assert stats.chisquare(np.bincount(nearest, minlength=len(every))).pvalue > 0.01

    def test_voxels_of_a_bin_add_up(self):
        north, south = [normal(4), normal(30, 1), [0.1], []], [normal(6, 2), normal(9, 3), [], []]
        sums = self.sums(north, south, [0, 0, 1, 1])
        weights = np.array([2.4, 270 / 39])
        steps = np.array([np.mean(n) - np.mean(s) for n, s in zip(north[:2], south, strict=False)])
        assert_allclose(sums.difference, [np.average(steps, weights=weights), np.nan])
        assert_allclose(sums.weight, [weights.sum(), 0])
        assert_array_equal(sums.n_north, [34, 0])
        assert_array_equal(sums.n_south, [15, 0])
        assert_array_equal(sums.n_unpaired, [0, 1])
        drawn = sums.permuted(4000, np.random.default_rng(1))
        assert_allclose(drawn[:, 0].std(), sums.null_std[0], rtol=0.05)
        assert_allclose(drawn[:, 0].mean(), 0, atol=4 * sums.null_std[0] / np.sqrt(4000))
        assert not drawn[:, 1].any()

    def test_error_of_one_voxel_is_welchs(self):
        x, y = normal(23), normal(9, seed=1, scale=0.5)
        sums = self.sums([x], [y])
        assert_allclose(sums.error, np.sqrt(x.var(ddof=1) / 23 + y.var(ddof=1) / 9))
        found = estimates.with_interval(sums.difference, sums.error, sums.error**2, sums.dof, 0.9)
        scipys = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.9)
        assert_allclose([found.low[0], found.high[0]], [scipys.low, scipys.high])


class TestCombine:
    def test_weighted_means(self):
        value = np.array([1.0, 2, 4, np.nan, np.nan])
        error = np.array([0.1, 0.2, np.nan, np.nan, np.nan])
        weight, group = np.array([1.0, 3, 2, 5, 0]), np.array([0, 0, 1, 1, 2])
        mean, spread = estimates.combine(value, error, weight, group, 3)
        assert_allclose(mean, [7 / 4, 4, np.nan])
        assert_allclose(spread, [np.hypot(0.1, 0.6) / 4, np.nan, np.nan])

    def test_bins_without_an_error_count_by_their_weight(self):
        """Of equal scatter, so that squared errors are inverse to the weights."""
        weight = np.array([1.0, 2, 4])
        error = 0.3 / np.sqrt(weight)
        group = np.zeros(3, int)
        whole = estimates.combine(np.ones(3), error, weight, group, 1)[1]
        error[1] = np.nan
        assert_allclose(estimates.combine(np.ones(3), error, weight, group, 1)[1], whole)
