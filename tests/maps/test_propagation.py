# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import DiskBinning, RedClumpCatalog, make_mock_catalog, propagate
from rcasym.exceptions import BinningError, CatalogError, CatalogWarning, RcasymError
from tests.maps.helpers import (
    SMALL,
    add_errors,
    assert_same_profile,
    filled,
    small_map,
    small_stars,
)

R_MIN = {"R_min": 10 * u.kpc}


@pytest.fixture(scope="module")
def stars():
    return small_stars(1500)


class TestPropagate:
    def test_zero_errors_change_nothing(self, stars):
        with pytest.warns(CatalogWarning, match="distance_error: 1,500 of 1,500 stars have no"):
            profile = propagate(add_errors(stars), SMALL, n=3, rng=1, **R_MIN)
        expected = small_map(stars).profile(10 * u.kpc)
        for name in expected.colnames:
            if name != "asymmetry_reason":
                assert_allclose(filled(profile, name), filled(expected, name), rtol=1e-12)
        for name in ("north", "difference", "offset_difference", "asymmetry"):
            assert_array_equal(filled(profile, f"{name}_spread"), 0)
            assert_allclose(filled(profile, f"{name}_shift"), 0, atol=1e-15)
        assert_array_equal(profile["migrated"], 0)

    def test_metallicities_alone(self, stars):
        cat = add_errors(stars, m_h=0.1)
        del cat["distance_error"]
        with pytest.warns(CatalogWarning, match="distance_error: 1,500 of 1,500"):
            profile = propagate(cat, SMALL, n=200, rng=1, statistic="mean", **R_MIN)
        # Means of n stars, each with an error of 0.1 dex; no star leaves its bin.
        n, s = (np.asarray(profile[name]) for name in ("n_north", "n_south"))
        assert_allclose(profile["difference_spread"].value, 0.1 * np.sqrt(1 / n + 1 / s), rtol=0.25)
        assert_allclose(profile["difference_shift"].value, 0,
                        atol=4 * np.max(profile["difference_spread"].value) / np.sqrt(200))
        assert_array_equal(profile["migrated"], 0)
        assert profile.meta["varied"] == {"distance": 0, "m_h": 1500}

    def test_distance_errors_make_stars_migrate(self, stars):
        small, large = (propagate(add_errors(stars, distance=error, m_h=0.05), SMALL, n=10, rng=1,
                                  **R_MIN)["migrated"] for error in (0.01, 0.1))
        assert np.all((small >= 0) & (small < large) & (large < 1))
        assert np.sum(small) > 0

    def test_draws_agree_with_a_plain_loop(self, stars):
        cat = add_errors(stars, distance=0.1, m_h=0.1)
        ours, again = (propagate(cat, SMALL, n=60, rng=rng, **R_MIN)
                       for rng in (1, np.random.default_rng(1)))
        assert_same_profile(ours, again)
        rng = np.random.default_rng(7)
        draws = []
        for _ in range(60):
            distance = cat["coord"].distance.kpc * (1 + 0.1 * rng.standard_normal(len(cat)))
            table = RedClumpCatalog.from_table(
                type(cat)({"m_h": cat["m_h"] + 0.1 * rng.standard_normal(len(cat)) * u.dex,
                           "ra": cat["coord"].ra, "dec": cat["coord"].dec,
                           "distance": np.abs(distance) * u.kpc}))
            draws.append(small_map(table).profile(10 * u.kpc)["difference"].value)
        measured = small_map(stars).profile(10 * u.kpc)["difference"].value
        spread = np.std(draws, axis=0, ddof=1)
        assert_allclose(ours["difference_spread"].value, spread, rtol=0.4)
        assert_allclose(ours["difference_shift"].value, np.mean(draws, axis=0) - measured,
                        atol=4 * np.max(spread) * np.sqrt(2 / 60))

    def test_age_errors_make_stars_migrate(self):
        cat = make_mock_catalog(6000, rng=1)
        binning = DiskBinning.by_age(R=[8, 11, 14] * u.kpc, Z=[-2.1, 0, 2.1] * u.kpc)
        profile = propagate(cat, binning, n=5, rng=1)
        assert len(profile) == 6
        # Old stars have the largest errors.
        assert profile["migrated"][0] < profile["migrated"][4]
        assert profile.meta["varied"]["age"] == 6000

    def test_unknown_values_and_errors(self, stars):
        cat = add_errors(stars, 0.1, 0.1)
        cat["m_h_error"][:10] = np.nan
        m_h = cat["m_h"].copy()
        m_h[100:120] = np.nan
        cat["m_h"] = m_h
        with pytest.warns(CatalogWarning, match="m_h_error: 10 of 1,480 stars have no error"):
            profile = propagate(cat, SMALL, n=3, rng=1, **R_MIN)
        assert profile.meta["varied"] == {"distance": 1480, "m_h": 1470}
        assert (profile.meta["n_masked"], profile.meta["n_outside"]) == (20, 0)

    def test_spread_is_nan_where_a_draw_has_no_estimate(self):
        cat = add_errors(small_stars(40, seed=3), 0.2, 0.1)
        profile = propagate(cat, SMALL, n=20, rng=1, **R_MIN)
        for name in ("north", "difference", "asymmetry"):
            spread = filled(profile, f"{name}_spread")
            assert np.isnan(spread).any()
            assert np.all(np.isnan(spread) | (spread > 0))
            assert_array_equal(np.isnan(spread), np.isnan(filled(profile, f"{name}_shift")))
        once = propagate(cat, SMALL, n=1, rng=1, **R_MIN)
        assert np.isnan(once["north_spread"]).all()

    @pytest.mark.parametrize(("given", "error", "message"), [
        ({"catalog": None}, CatalogError, "must be a RedClumpCatalog; got NoneType"),
        ({"binning": 5}, BinningError, "must be a DiskBinning; got 5"),
        ({"catalog": small_stars(10)}, CatalogError, "none of distance_error, m_h_error"),
        ({"n": 0}, RcasymError, "n must be a whole number of 1 or more; got 0"),
        ({"rng": "x"}, RcasymError, "rng must be a seed"),
        ({"R_min": 10.5 * u.kpc}, BinningError, "R_min must be an edge"),
        ({"binning": DiskBinning.by_age(), "R_min": 11 * u.kpc}, CatalogError, "column 'age'")])
    def test_rejects_bad_arguments(self, given, error, message):
        cat = add_errors(small_stars(100), 0.1, 0.1)
        with pytest.raises(error, match=message):
            propagate(**{"catalog": cat, "binning": SMALL} | R_MIN | given)
