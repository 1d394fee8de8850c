# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose
from scipy import stats

from rcasym import make_mock_catalog
from rcasym.catalog import ZeroPoint
from rcasym.exceptions import CatalogError
from tests.conftest import catalog_at


@pytest.fixture(scope="module")
def surveys():
    cat = make_mock_catalog(40_000, rng=4)
    return cat[cat["survey"] == "APOGEE"], cat[cat["survey"] == "LAMOST"]


def with_m_h(catalog, m_h):
    copy = catalog.copy()
    copy["m_h"] = m_h
    return copy


def without_errors(catalog):
    copy = catalog.copy()
    del copy["m_h_error"]
    return copy


def test_surveys_on_one_scale(surveys):
    zero = ZeroPoint.from_catalogs(*surveys)
    assert zero.n_stars > 1000
    assert abs(zero.difference) < 3 * zero.difference_error
    assert abs(zero.trend) < 3 * zero.trend_error
    assert "stars in common, scatter 0.1" in repr(zero)


def test_shift_and_trend_are_found(surveys):
    apogee, lamost = surveys
    zero = ZeroPoint.from_catalogs(
        with_m_h(apogee, apogee["m_h"] * 1.1 + 0.05 * u.dex), lamost)
    # Against the mean of 1.1 x and x the slope of 0.1 x is 0.1 / 1.05, or a little more since the
    # errors are stretched as well.
    assert_allclose(zero.trend, 0.1 / 1.05, atol=0.03 + 3 * zero.trend_error)
    assert zero.trend > 5 * zero.trend_error
    flat = ZeroPoint.from_catalogs(with_m_h(apogee, apogee["m_h"] + 0.05 * u.dex), lamost)
    assert_allclose(flat.difference.value, 0.05, atol=3 * flat.difference_error.value)


def test_least_squares_against_scipy(surveys):
    apogee, lamost = surveys
    pairs = apogee.match(lamost)
    a, b = (np.asarray(cat["m_h"][pairs[name]].value) for cat, name in
            ((apogee, "index"), (lamost, "other_index")))
    line = stats.linregress(0.5 * (a + b), a - b)
    zero = ZeroPoint.from_catalogs(*map(without_errors, surveys))
    assert_allclose(zero.trend, line.slope)
    assert_allclose(zero.trend_error, line.stderr, rtol=0.2)
    assert_allclose(zero.difference.value, np.median(a - b))


def test_errors_that_differ_make_no_trend():
    rng = np.random.default_rng(3)
    n = 4000
    true = rng.normal(-0.2, 0.2, n)
    place = rng.uniform(9, 12, n), rng.uniform(-20, 20, n), rng.uniform(-1, 1, n)
    stars = [catalog_at(*place, true + error * rng.standard_normal(n),
                        m_h_error=np.full(n, error) * u.dex) for error in (0.02, 0.08)]
    zero = ZeroPoint.from_catalogs(*stars)
    assert abs(zero.trend) < 3 * zero.trend_error
    # (0.02^2 - 0.08^2) / 2 over the variance of the mean.
    trend = ZeroPoint.from_catalogs(*map(without_errors, stars)).trend
    assert_allclose(trend, -0.003 / 0.0417, atol=0.02)


def few(n, **kwargs):
    return catalog_at(np.linspace(9, 10, n), np.arange(n), np.full(n, 0.1),
                      np.linspace(-0.3, 0.1, n), **kwargs)


def test_fewer_than_three_stars():
    stars = few(3)
    lacking = with_m_h(stars, [0.1, np.nan, 0.2] * u.dex)
    for pair, got in (((few(1), few(1)), "1 of 1"), ((few(2), few(2)), "2 of 2"),
                      ((stars, lacking), "2 of 3"), ((lacking, stars), "2 of 3")):
        with pytest.raises(CatalogError, match=f"three or more stars in common .* got {got} pairs"):
            ZeroPoint.from_catalogs(*pair)


def test_three_stars_are_enough():
    stars = few(3)
    higher = with_m_h(stars, stars["m_h"] + [0.01, 0.02, 0.04] * u.dex)
    zero = ZeroPoint.from_catalogs(higher, stars)
    assert zero.n_stars == 3
    assert_allclose(zero.difference.to_value(u.dex), 0.02)
    assert_allclose(zero.scatter.to_value(u.dex), 0.014826)
    assert np.isfinite([zero.trend, zero.trend_error, zero.difference_error.value]).all()
