# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Statistics of samples with a known truth; at full size with ``--slow``."""

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose

from rcasym import AsymmetryMap, RedClumpCatalog

from .simulations import (
    LEVELS,
    check_uniformity,
    make_catalog,
    simulate_coverage,
    simulate_matched_coverage,
    simulate_null,
    simulate_power,
    simulate_unequal_radii,
)


def small_or_full(small, full):
    return [pytest.param(*small, id="small"),
            pytest.param(*full, id="full", marks=pytest.mark.slow)]


@pytest.mark.parametrize("scatter", ["normal", "t4", "gamma"])
@pytest.mark.parametrize(("n_stars", "n_mocks", "seed", "tolerance"), [
    *small_or_full((60, 500, 1, 0.06), (60, 2000, 2, 0.025)),
    *small_or_full((5, 500, 1, 0.11), (5, 2000, 2, 0.08))])
def test_coverage(scatter, n_stars, n_mocks, seed, tolerance):
    for (name, level), covered in simulate_coverage(n_stars, scatter, n_mocks, seed).items():
        # The ratio is masked in most mocks of 5 stars; the remaining ones are a biased sample.
        if n_stars > 5 or name != "modulus":
            assert abs(covered - level) <= tolerance, (name, level, covered)


@pytest.mark.parametrize("n_radii", [1, 3, 7])
@pytest.mark.parametrize("numbers", [(5, 5), (5, 200), (20, 200), (60, 60)])
@pytest.mark.parametrize("scatters", [(0.2, 0.2), (0.4, 0.1)])
def test_coverage_of_the_matched_difference(numbers, n_radii, scatters):
    tolerance = 0.07 if min(numbers) < 20 else 0.04
    for level, covered in simulate_matched_coverage(*numbers, n_radii, scatters, 1000).items():
        assert abs(covered - level) <= tolerance, (level, covered)


def test_coverage_of_means():
    for n_stars in (5, 60):
        for (name, level), covered in simulate_coverage(n_stars, "normal", 2000, 3, "mean").items():
            if name != "modulus":
                assert abs(covered - level) <= 0.035, (name, level, covered)


@pytest.mark.parametrize(("n_mocks", "tolerance"), small_or_full((300, 0.4), (2000, 0.3)))
def test_unequal_radii_give_no_false_signal(n_mocks, tolerance):
    z, covered = simulate_unequal_radii(n_mocks)
    assert z["difference"].mean() > 2.5
    for name in ("offset_difference", "matched_difference"):
        assert abs(z[name].mean()) < tolerance
        assert 0.85 < z[name].std() < 1.05
        for level in LEVELS:
            assert abs(covered[name, level] - level) < 0.03 + tolerance / 5


@pytest.mark.parametrize(("n_mocks", "tolerance"), small_or_full((100, 0.3), (700, 0.2)))
def test_flaring_biases_the_offset_but_not_the_matched_difference(n_mocks, tolerance):
    z, covered = simulate_unequal_radii(n_mocks, n_stars=2000, flare=0.4)
    assert abs(z["offset_difference"].mean()) > 0.5
    assert abs(z["matched_difference"].mean()) < tolerance
    for level in LEVELS:
        assert abs(covered["matched_difference", level] - level) < 0.01 + tolerance / 4


@pytest.mark.parametrize(("n_mocks", "n_stars", "tolerance"),
                         small_or_full((60, 6000, 0.09), (1000, 20_000, 0.015)))
def test_p_values_are_uniform_without_an_asymmetry(n_mocks, n_stars, tolerance):
    n = 199 if n_mocks < 100 else 999
    p_values_by_name, z = simulate_null(n_mocks, n_stars, n, seed=100_000)
    for name, p_values in p_values_by_name.items():
        ks, low = check_uniformity(p_values)
        assert ks > 0.01, name
        assert abs(low - 0.05) <= tolerance, (name, low)
        assert p_values.min() > 0
    assert abs(z.mean()) < 4 / np.sqrt(n_mocks)


@pytest.mark.parametrize(("n_mocks", "seed"), small_or_full((1, 7), (10, 50)))
def test_recovers_the_asymmetry(n_mocks, seed):
    corrected, deviation, recovered = simulate_power(n_mocks, seed=seed)
    inside = slice(2, 5)
    assert np.all(corrected[:, inside] < 0.01)
    assert np.mean(np.delete(corrected, np.s_[inside], axis=1) < 0.01) < 0.1
    # 95 % of the slices lie within 2 errors.
    assert np.mean(np.abs(deviation) < 2) > 0.8
    assert np.all(np.abs(deviation[:, inside].mean(axis=1)) < 2)
    assert np.all((recovered[:, inside] > 0.05) & (recovered[:, inside] < 0.1))


@pytest.mark.parametrize("n", [20_000, pytest.param(146_062, marks=pytest.mark.slow)])
def test_errors_of_bins_match_the_scatter(n):
    """Without an asymmetry, differences in units of their errors are normal."""
    z = []
    for seed in range(6):
        profile = AsymmetryMap.from_catalog(
            make_catalog(n, 500 + seed, 0 * u.dex)).profile()
        many = (profile["n_north"] >= 20) & (profile["n_south"] >= 20)
        z.append((profile["offset_difference"] / profile["offset_difference_error"]).value[many])
    z = np.concatenate(z)
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    assert 0.8 < z.std() < 1.15


def test_real_stars(data_file):
    cat = RedClumpCatalog.read(data_file("LMDR3_diskRGB2.dat"), format="lamost-dr3-rgb")
    amap = AsymmetryMap.from_catalog(cat)
    profile = amap.profile()
    R, Z, m_h = cat.R.value, cat.Z.value, cat["m_h"]
    known = np.isfinite(np.ma.filled(np.ma.asarray(getattr(m_h, "unmasked", m_h).value), np.nan))
    known &= ~np.asarray(getattr(m_h, "mask", np.zeros(len(cat), bool)))
    phi = cat.phi.value
    inside = known & (R >= 11) & (R <= 15.2) & (phi >= -35) & (phi <= 35) & (np.abs(Z) < 2.1)
    assert abs(profile["n_north"].sum() - np.sum(inside & (Z >= 0))) <= 2
    assert abs(profile["n_south"].sum() - np.sum(inside & (Z < 0))) <= 2
    assert profile.meta["n_left_out"] + profile["n_north"].sum() + profile["n_south"].sum() == (
        amap.n_stars)
    # Liu et al. (2017) give no uncertainty of [Fe/H]; the scatter of these giants is near 0.25 dex.
    test = amap.test(n=499, rng=1)
    n, s = (test.table[name][-1] for name in ("n_north", "n_south"))
    assert_allclose(test.difference_error.value, 0.25 * np.sqrt(1 / n + 1 / s), rtol=0.5)
