# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from rcasym.statistics import Estimates, difference, estimate, linear, ratio
from rcasym.statistics.estimates import combine
from rcasym.voxels import VoxelState

from .helpers import groups, normal


class TestMean:
    def test_against_scipy(self):
        x = normal(23)
        result = estimate(groups(x), "mean", 0.954)
        low, high = stats.t.interval(0.954, 22, x.mean(), stats.sem(x))
        assert_allclose([result.value[0], result.low[0], result.high[0]], [x.mean(), low, high])
        assert_allclose(result.error, [x.std() / np.sqrt(23)])

    def test_difference_is_welchs(self):
        x, y = normal(23), normal(9, seed=1, scale=0.5)
        result = difference(estimate(groups(x), "mean"), estimate(groups(y), "mean"), 0.9)
        expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.9)
        assert_allclose([result.low[0], result.high[0]], [expected.low, expected.high])


@pytest.mark.parametrize("statistic", ["median", "mean"])
class TestFewStars:
    def test_no_star_and_one(self, statistic):
        result = estimate(VoxelState.from_stars(np.array([1]), np.array([0.5]), 2), statistic)
        assert_array_equal(result.value, [np.nan, 0.5])
        for values in (result.error, result.low, result.high, result.variance, result.dof):
            assert_array_equal(values, [np.nan, np.nan])

    def test_all_the_same(self, statistic):
        result = estimate(groups([-0.2] * 7, [-0.2] * 4), statistic)
        for values in (result.value, result.low, result.high):
            assert_allclose(values, -0.2, atol=1e-12)
        apart = difference(result[:1], result[1:])
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
        result, distinguishable = ratio(north, south, 0.954, modulus=modulus)
        assert distinguishable.all()
        assert_allclose(result.value, 0.1 / (0.5 if modulus else -0.5))
        quantile = stats.norm.ppf(0.977)
        sign = -1 if modulus else 1
        for end in (result.low[0], result.high[0]):
            # The combination that is zero if the ratio is at this end, in units of its error.
            top = (1 - sign * end) * -0.2 - (1 + sign * end) * -0.3
            assert_allclose(abs(top), quantile * 0.01 * np.hypot(1 - sign * end, 1 + sign * end))
        assert result.low < result.value < result.high

    def test_error_against_draws(self):
        north, south = self.pair(error=0.005)
        rng = np.random.default_rng(0)
        n, s = rng.normal([[-0.2], [-0.3]], 0.005, (2, 100_000))
        result, _ = ratio(north, south)
        assert_allclose(result.error, [np.std((n - s) / np.abs(n + s))], rtol=0.02)

    @pytest.mark.parametrize(("n", "s"), [(0.01, -0.01), (0.02, -0.005), (0.0, 0.0)])
    def test_sum_near_zero(self, n, s):
        result, distinguishable = ratio(*self.pair(n, s))
        assert not distinguishable.any()
        assert np.isnan([result.value, result.error, result.low, result.high]).all()

    def test_interval_is_finite_where_it_is_given(self):
        for total in np.linspace(0.01, 0.2, 40):
            result, distinguishable = ratio(*self.pair(0.5 * total, 0.5 * total), 0.999)
            assert np.isfinite(result.low[0]) == distinguishable[0]
            if distinguishable:
                assert result.low < 0 < result.high

    @given(st.floats(-2, 0.5), st.floats(-2, 0.5))
    def test_linear_is_equation_1_on_ratios(self, n, s):
        north, south = self.pair(n, s)
        result = linear(difference(north, south))
        assert_allclose(result.value, (10**n - 10**s) / (10**n + 10**s), atol=1e-12)
        assert_allclose(result.value, np.tanh(0.5 * np.log(10) * (n - s)), atol=1e-12)
        assert -1 < result.low < result.value < result.high < 1


class TestCombine:
    def test_weighted_means(self):
        value = np.array([1.0, 2, 4, np.nan, np.nan])
        error = np.array([0.1, 0.2, np.nan, np.nan, np.nan])
        weight, group = np.array([1.0, 3, 2, 5, 0]), np.array([0, 0, 1, 1, 2])
        mean, spread = combine(value, error, weight, group, 3)
        assert_allclose(mean, [7 / 4, 4, np.nan])
        assert_allclose(spread, [np.hypot(0.1, 0.6) / 4, np.nan, np.nan])

    def test_bins_without_an_error_count_by_their_weight(self):
        # With equal scatter, squared errors are inverse to the weights.
        weight = np.array([1.0, 2, 4])
        error = 0.3 / np.sqrt(weight)
        group = np.zeros(3, int)
        whole = combine(np.ones(3), error, weight, group, 1)[1]
        error[1] = np.nan
        assert_allclose(combine(np.ones(3), error, weight, group, 1)[1], whole)


def test_estimates_are_read_only_copies():
    arrays = [np.array([float(k)]) for k in range(6)]
    estimates = Estimates(*arrays)
    for array in arrays:
        array[0] = -1.0
    assert_array_equal(estimates.value, [0.0])
    assert_array_equal(estimates.dof, [5.0])
    for each in (estimates, estimate(groups(normal(5))), estimate(groups(normal(5)), "mean")[:1]):
        for name in ("value", "error", "low", "high", "variance", "dof"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(each, name)[0] = 0.0
