# Licensed under a 3-clause BSD style license - see LICENSE.rst
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from rcasym.statistics import bootstrap
from rcasym.statistics.estimates import with_interval
from rcasym.statistics.resampling import PairedVoxels

from .helpers import groups, normal


class TestBootstrap:
    @pytest.mark.parametrize("n", [1, 2, 5, 6, 61])
    def test_medians_against_scipy(self, n):
        x = np.round(normal(n), 2)
        ours = bootstrap(groups(x), n=4000, rng=1)[:, 0]
        theirs = np.median(np.random.default_rng(2).choice(x, (4000, n)), axis=1)
        # Values are discrete, and equal ones may differ in the last bit.
        assert stats.ks_2samp(np.round(ours, 9), np.round(theirs, 9)).pvalue > 0.01

    def test_means(self):
        x = normal(40)
        ours = bootstrap(groups(x), "mean", 4000, rng=1)[:, 0]
        theirs = np.random.default_rng(2).choice(x, (4000, 40)).mean(axis=1)
        assert stats.ks_2samp(ours, theirs).pvalue > 0.01

    @pytest.mark.parametrize("statistic", ["median", "mean"])
    def test_same_seed_same_bits(self, statistic):
        state = groups(normal(30), normal(5), [])
        a, b = (bootstrap(state, statistic, 100, rng=3) for _ in range(2))
        assert_array_equal(a, b)
        assert a.shape == (100, 3)
        assert np.isnan(a[:, 2]).all()
        assert not np.array_equal(a, bootstrap(state, statistic, 100, rng=4))


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
        result = with_interval(sums.difference, sums.error, sums.error**2, sums.dof, 0.9)
        expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.9)
        assert_allclose([result.low[0], result.high[0]], [expected.low, expected.high])
