# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from rcasym import AsymmetryMap, DiskBinning
from rcasym.exceptions import CatalogWarning
from tests.conftest import catalog_at
from tests.maps.helpers import SMALL, assert_same_profile, small_map, small_stars


@pytest.fixture(scope="module")
def stars():
    cat = small_stars(1500)
    # More metal rich in the North at azimuths above 0.
    cat["m_h"] = cat["m_h"] + 0.1 * np.sign(cat.Z.value) * (cat.phi.value > 0) * u.dex
    return cat


@pytest.fixture(scope="module")
def amap(stars):
    return small_map(stars)


@pytest.fixture(scope="module")
def result(amap):
    return amap.test(10 * u.kpc, n=999, rng=1)


class TestResult:
    def test_detects_an_injected_asymmetry(self, result):
        assert result.p_value == result.p_value_squares == 1e-3
        quiet, loud = result.slices
        assert loud["p_value_corrected"] == 0.002
        assert quiet["p_value_corrected"] > 0.05
        assert_allclose(loud["difference"].value, 0.2, atol=3 * loud["difference_error"].value)

    def test_table(self, result, amap, stars):
        assert_array_equal(result.table["level"], ["bin"] * 4 + ["slice"] * 2 + ["all"])
        assert_array_equal(result.bins["phi_min"], [-10, -10, 0, 0] * u.deg)
        assert_array_equal(result.bins["abs_Z_max"], [0.5, 1, 0.5, 1] * u.kpc)
        assert_array_equal(result.slices["phi_max"], [0, 10] * u.deg)
        assert_array_equal(result.slices["abs_Z_max"], [1, 1] * u.kpc)
        assert result.table["phi_min"][-1] == -10 * u.deg
        assert result.table["phi_max"][-1] == 10 * u.deg
        for name in ("n_north", "n_south", "n_unpaired"):
            assert result.slices[name].sum() == result.bins[name].sum() == result.table[name][-1]
        everything = result.table["n_north"] + result.table["n_south"] + result.table["n_unpaired"]
        assert everything[-1] == amap.count[:, 1:].sum() == np.sum(stars.R.value >= 10)
        profile = amap.profile(10 * u.kpc)
        assert_array_equal(profile["n_north"], result.bins["n_north"])
        assert repr(result).startswith("<AsymmetryTest: North - South = +0.")
        assert "p_value = 0.001" in repr(result) and "999 permutations" in repr(result)
        with pytest.raises(AttributeError):
            result.p_value = 0

    def test_differences_agree_with_a_regression(self, result, stars):
        """The estimate is that of least squares with one term per voxel."""
        R, phi, Z, m_h = (np.asarray(x) for x in (stars.R, stars.phi, stars.Z, stars["m_h"]))
        for row in result.bins:
            here = ((row["phi_min"].value <= phi) & (phi < row["phi_max"].value) & (R >= 10)
                    & (row["abs_Z_min"].value <= np.abs(Z)) & (np.abs(Z) < row["abs_Z_max"].value))
            ring = (R[here] >= 11).astype(int)
            design = np.column_stack([Z[here] > 0, ring == 0, ring == 1]).astype(float)
            fit, squares, *_ = np.linalg.lstsq(design, m_h[here], rcond=None)
            assert_allclose(row["difference"].value, fit[0], atol=1e-12)
            covariance = np.linalg.inv(design.T @ design) * squares[0] / (here.sum() - 3)
            assert_allclose(row["difference_error"].value, np.sqrt(covariance[0, 0]), rtol=0.1)

    def test_one_voxel_agrees_with_scipy(self):
        binning = DiskBinning(R=[10, 12] * u.kpc, Z=[-1, 0, 1] * u.kpc, phi=None)
        cat = small_stars(60, seed=5)
        cat = cat[cat.R.value >= 10]
        cat["m_h"] = cat["m_h"] + 0.05 * np.sign(cat.Z.value) * u.dex
        ours = AsymmetryMap.from_catalog(cat, binning).test(10 * u.kpc, rng=1)
        m_h, north = cat["m_h"].value, cat.Z.value > 0
        theirs = stats.permutation_test(
            (m_h[north], m_h[~north]), lambda a, b: np.abs(np.mean(a) - np.mean(b)),
            alternative="greater", n_resamples=9999, random_state=2)
        assert_allclose(ours.p_value, theirs.pvalue, atol=0.015)
        # With a single bin both statistics are equivalent.
        assert ours.p_value == ours.p_value_squares
        assert_allclose(ours.difference.value, m_h[north].mean() - m_h[~north].mean())

    def test_correction_agrees_with_scipy(self, result):
        for name in ("p_value", "p_value_squares"):
            for table in (result.bins, result.slices):
                assert_allclose(table[f"{name}_corrected"],
                                stats.false_discovery_control(table[name]))


class TestSeeds:
    def test_same_seed_gives_the_same_result(self, amap, stars, result, tmp_path):
        amap.write(tmp_path / "map.h5")
        mixed = stars[np.random.default_rng(0).permutation(len(stars))]
        equal = AsymmetryMap.read(tmp_path / "map.h5"), AsymmetryMap.from_batches(
            [mixed[700:], mixed[:1], mixed[1:700]], SMALL)
        for other in equal:
            assert_same_profile(other.profile(10 * u.kpc), amap.profile(10 * u.kpc))
            assert_array_equal(other.bootstrap(10 * u.kpc, n=50, rng=1),
                               amap.bootstrap(10 * u.kpc, n=50, rng=1))
        for other in (amap.test(10 * u.kpc, n=999, rng=np.random.default_rng(1)),
                      *(each.test(10 * u.kpc, n=999, rng=1) for each in equal)):
            for name in result.table.colnames:
                assert_array_equal(np.asarray(other.table[name]), np.asarray(result.table[name]))
        assert not np.array_equal(amap.test(10 * u.kpc, n=999, rng=2).table["p_value"],
                                  result.table["p_value"])

    @pytest.mark.parametrize("cores", [1, 7, None])
    def test_result_does_not_depend_on_the_number_of_cores(self, amap, result, monkeypatch, cores):
        def draw_bootstraps():
            return [amap.bootstrap(10 * u.kpc, n=50, rng=1, statistic=statistic)
                    for statistic in ("median", "mean")]

        monkeypatch.setattr("os.cpu_count", lambda: 2)
        expected = draw_bootstraps()
        monkeypatch.setattr("os.cpu_count", lambda: cores)
        assert_array_equal(draw_bootstraps(), expected)
        again = amap.test(10 * u.kpc, n=999, rng=1)
        assert_array_equal(again.table["p_value"], result.table["p_value"])

    def test_generators(self, amap):
        for rng in (np.random.Generator(np.random.MT19937(1)),
                    np.random.Generator(np.random.RandomState(1)._bit_generator),
                    np.random.Generator(np.random.Philox(1))):
            assert 0 < amap.test(10 * u.kpc, n=99, rng=rng).p_value <= 1
        rng = np.random.default_rng(5)
        state = rng.bit_generator.state
        first, second = (amap.test(10 * u.kpc, n=99, rng=rng).table["p_value"] for _ in range(2))
        assert not np.array_equal(first, second)
        rng.bit_generator.state = state
        assert_array_equal(amap.test(10 * u.kpc, n=99, rng=rng).table["p_value"], first)


class TestMissingData:
    def test_one_hemisphere(self, stars):
        amap = small_map(stars[stars.Z > 0])
        with pytest.warns(CatalogWarning, match="no voxel between R_min and R_max has stars on both"
                                                " sides"):
            result = amap.test(10 * u.kpc, n=99)
        assert np.isnan([result.p_value, result.p_value_squares, result.difference.value]).all()
        assert np.isnan(result.table["p_value_corrected"]).all()
        assert result.table["n_unpaired"][-1] == np.sum((stars.R >= 10 * u.kpc) & (stars.Z > 0))
        assert len(amap.profile(10 * u.kpc).plot(test=result)) == 3

    def test_one_azimuth_without_the_south(self, stars):
        cat = stars[(stars.phi > 0) | (stars.Z > 0)]
        result = small_map(cat).test(10 * u.kpc, n=99, rng=1)
        assert_array_equal(np.isnan(result.slices["p_value"]), [True, False])
        assert_array_equal(result.slices["p_value_corrected"][1], result.slices["p_value"][1])
        assert result.p_value == 0.01

    def test_equal_metallicities(self):
        cat = small_stars(400)
        for value in (-0.2, 0.1):
            cat["m_h"] = np.full(400, value) * u.dex
            result = small_map(cat).test(10 * u.kpc, n=99, rng=1)
            assert set(result.table["p_value"]) == set(result.table["p_value_squares"]) == {1.0}
            assert_allclose(result.table["difference"].value, 0, atol=1e-12)

    def test_one_star_per_side(self):
        binning = DiskBinning(R=[10, 12] * u.kpc, Z=[-1, 0, 1] * u.kpc, phi=None)
        cat = catalog_at([11, 11], [0, 0], [0.5, -0.5], [0.1, -0.4])
        result = AsymmetryMap.from_catalog(cat, binning).test(10 * u.kpc, n=99, rng=1)
        # Exchanging two stars only changes the sign of their difference.
        assert result.p_value == 1
        assert_allclose(result.difference.value, 0.5)
        assert np.isnan(result.difference_error)
