# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, AsymmetryProfile, DiskBinning
from rcasym.exceptions import BinningError, CatalogWarning, RcasymError
from rcasym.maps.hemispheres import split_hemispheres
from rcasym.maps.profile import ESTIMATES
from tests.conftest import catalog_at, random_stars
from tests.maps.helpers import SMALL, assert_same_profile, filled, small_map, small_stars


@pytest.fixture(scope="module")
def stars():
    return small_stars()


@pytest.fixture(scope="module")
def amap(stars):
    return small_map(stars)


class TestNumbers:
    @pytest.mark.parametrize("statistic", ["median", "mean"])
    @pytest.mark.parametrize(("R_min", "R_max"), [(8, 12), (10, 12), (10, 11)])
    def test_agrees_with_a_plain_loop(self, stars, amap, statistic, R_min, R_max):
        profile = amap.profile(R_min * u.kpc, R_max * u.kpc, statistic)
        take = getattr(np, statistic)
        R, phi, Z, m_h = (np.asarray(x) for x in (stars.R, stars.phi, stars.Z, stars["m_h"]))
        offset = m_h.copy()
        for low, high in ((8, 10), (10, 11), (11, 12)):
            for side in (phi < 0, phi >= 0):
                ring = side & (low <= R) & (R < high)
                offset[ring] -= m_h[ring].mean()
        assert len(profile) == 4
        for row in profile:
            here = ((row["phi_min"].value <= phi) & (phi < row["phi_max"].value) & (R_min <= R)
                    & (R < R_max) & (row["abs_Z_min"].value <= np.abs(Z))
                    & (np.abs(Z) < row["abs_Z_max"].value))
            north, south = here & (Z > 0), here & (Z < 0)
            assert (row["n_north"], row["n_south"]) == (north.sum(), south.sum())
            assert_allclose(row["north"].value, take(m_h[north]), atol=1e-12)
            assert_allclose(row["south"].value, take(m_h[south]), atol=1e-12)
            n, s = take(m_h[north]), take(m_h[south])
            assert_allclose(row["difference"].value, n - s, atol=1e-12)
            assert_allclose(row["offset_difference"].value,
                            take(offset[north]) - take(offset[south]), atol=1e-12)
            assert_allclose(row["asymmetry"], (n - s) / abs(n + s), atol=1e-11)

    def test_definitions(self, amap):
        modulus, literal, linear = (amap.profile(10 * u.kpc, definition=name)
                                    for name in ("modulus", "equation1", "linear"))
        n, s = modulus["north"].value, modulus["south"].value
        assert np.all(n < 0)
        assert_allclose(literal["asymmetry"], (n - s) / (n + s))
        assert_allclose(modulus["asymmetry"], -np.asarray(literal["asymmetry"]))
        assert_allclose(literal["asymmetry_low"], -np.asarray(modulus["asymmetry_high"]))
        assert_allclose(linear["asymmetry"], np.tanh(0.5 * np.log(10) * (n - s)), atol=1e-12)
        assert_array_equal(np.sign(modulus["asymmetry"]), np.sign(modulus["difference"].value))

    def test_columns_and_units(self, amap):
        profile = amap.profile(10 * u.kpc)
        assert isinstance(profile, AsymmetryProfile)
        assert profile.colnames[:8] == ["phi_min", "phi_max", "abs_Z_min", "abs_Z_max", "n_north",
                                        "n_south", "north", "north_error"]
        for name in ESTIMATES:
            low, value, high = (filled(profile, f"{name}{end}") for end in ("_low", "", "_high"))
            assert np.all((low < value) & (value < high))
            assert np.all(filled(profile, f"{name}_error") > 0)
            if name != "asymmetry":
                assert profile[name].unit == u.dex
        assert profile.meta["R_min"] == "10 kpc"
        stars_elsewhere = amap.count[:, 0].sum()
        assert profile.meta["n_left_out"] == stars_elsewhere

    def test_matched_difference_agrees_with_the_permutation_test(self, amap):
        profile = amap.profile(10 * u.kpc)
        test = amap.test(10 * u.kpc, n=9, rng=1)
        for ours, theirs in ((profile, test.bins), (profile.slices(), test.slices)):
            for end in ("", "_error"):
                assert_allclose(ours[f"matched_difference{end}"].value,
                                theirs[f"difference{end}"].value, rtol=1e-12)
        for n, min_count in ((60, 3), (200, 1), (200, 50)):
            binning = DiskBinning(**{axis.name: axis.edges for axis in SMALL.axes},
                                  min_count=min_count)
            sparse = small_map(small_stars(n, seed=n), binning)
            ours, theirs = sparse.profile(None).slices(), sparse.test(None, n=9, rng=1).slices
            for end in ("", "_error"):
                assert_allclose(ours[f"matched_difference{end}"].value,
                                theirs[f"difference{end}"].value, rtol=1e-12)
        # With a single voxel per bin it is the difference of the means.
        one = amap.profile(11 * u.kpc, statistic="mean")
        for end in ("", "_error"):
            assert_allclose(one[f"matched_difference{end}"].value, one[f"difference{end}"].value,
                            rtol=0.02 if end else 1e-12)
        n, s = (np.asarray(one[name]) for name in ("n_north", "n_south"))
        assert_allclose(one["n_pairs"], n * s / (n + s))

    def test_intervals_widen_with_confidence(self, amap):
        narrow, wide = (amap.profile(10 * u.kpc, confidence=c) for c in (0.683, 0.954))
        for name in ESTIMATES:
            assert np.all(filled(wide, f"{name}_low") < filled(narrow, f"{name}_low"))
            assert np.all(filled(wide, f"{name}_high") > filled(narrow, f"{name}_high"))
            assert_array_equal(filled(wide, f"{name}_error"), filled(narrow, f"{name}_error"))

    def test_by_age_from_11_kpc(self):
        cat = random_stars(5000, 3, age=np.random.default_rng(0).uniform(0, 14, 5000) * u.Gyr)
        amap = AsymmetryMap.from_catalog(cat, DiskBinning.by_age())
        profile = amap.profile()
        assert_array_equal(profile["age_min"][::7], [0, 2, 4, 6, 8, 10] * u.Gyr)
        assert set(profile["phi_min"].value) == {-5}
        north, south = split_hemispheres(amap.count[0, :, 8:])
        assert_array_equal(profile["n_north"].reshape(6, 7), north.sum(axis=1))
        assert_array_equal(profile["n_south"].reshape(6, 7), south.sum(axis=1))

    def test_slices(self, amap):
        profile = amap.profile(10 * u.kpc)
        slices = profile.slices()
        assert_array_equal(slices["phi_min"], [-10, 0] * u.deg)
        for row, bins in zip(slices, (profile[:2], profile[2:]), strict=True):
            n, s = np.asarray(bins["n_north"]), np.asarray(bins["n_south"])
            weights = n * s / (n + s)
            assert (row["n_north"], row["n_south"]) == (n.sum(), s.sum())
            assert_allclose(row["difference"].value,
                            np.average(bins["difference"].value, weights=weights))
            assert_allclose(row["difference_error"].value, np.sqrt(np.sum(
                (weights * bins["difference_error"].value)**2)) / weights.sum())
        # Rows may be selected and reordered.
        again = profile[[3, 0, 2, 1]].slices()
        assert_array_equal(again["phi_min"], [0, -10] * u.deg)
        assert_allclose(again["difference"].value, slices["difference"].value[::-1])


class TestInvariance:
    @settings(max_examples=15)
    @given(st.integers(0, 10_000), st.integers(20, 1500),
           st.sampled_from(["modulus", "equation1", "linear"]), st.sampled_from(["median", "mean"]))
    def test_mirror(self, seed, n, definition, statistic):
        cat = small_stars(n, seed)
        other = catalog_at(cat.R, cat.phi, -cat.Z, cat["m_h"].value)
        a, b = (small_map(c).profile(10 * u.kpc, None, statistic, definition)
                for c in (cat, other))
        assert_array_equal(a["n_north"], b["n_south"])
        assert_array_equal(a["asymmetry_reason"], [
            text.replace("North", "x").replace("South", "North").replace("x", "South")
            for text in b["asymmetry_reason"]])
        for name in ("north", "offset_north"):
            for end in ("", "_error", "_low", "_high"):
                assert_array_equal(a[f"{name}{end}"], b[f"{name.replace('north', 'south')}{end}"])
        for name in ("difference", "offset_difference", "matched_difference", "asymmetry"):
            for end, other_end in (("", ""), ("_low", "_high"), ("_high", "_low")):
                assert_array_equal(filled(a, f"{name}{end}"), -filled(b, f"{name}{other_end}"))
            assert_array_equal(filled(a, f"{name}_error"), filled(b, f"{name}_error"))


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "h5"])
def test_round_trip(amap, tmp_path, suffix):
    profile = amap.profile(10 * u.kpc)
    profile["asymmetry"].mask[1] = True
    path = tmp_path / f"profile.{suffix}"
    how = {"serialize_meta": True, "path": "profile"} if suffix == "h5" else {}
    profile.write(path, **how)
    again = AsymmetryProfile.read(path)
    assert isinstance(again, AsymmetryProfile)
    assert_same_profile(again, profile)
    assert len(again.slices()) == 2
    assert len(again.plot()) == 3
    assert isinstance(again["north", "south"], AsymmetryProfile)


class TestBootstrap:
    def test_agrees_with_the_profile(self, amap):
        profile = amap.profile(10 * u.kpc)
        north, south = amap.bootstrap(10 * u.kpc, n=4000, rng=2)
        assert north.shape == (4000, 4)
        assert north.unit == u.dex
        assert_allclose(north.std(axis=0).value, profile["north_error"].value, rtol=0.07)
        assert_allclose((north - south).std(axis=0).value, profile["difference_error"].value,
                        rtol=0.07)


class TestMissingData:
    def test_one_hemisphere(self):
        cat = small_stars(400)
        amap = small_map(cat[cat.Z > 0])
        for definition in ("modulus", "equation1", "linear"):
            profile = amap.profile(10 * u.kpc, definition=definition)
            assert np.isfinite(profile["north"]).all()
            assert np.isnan(profile["south"]).all()
            assert np.isnan(profile["difference"]).all()
            assert profile["asymmetry"].mask.all()
            assert set(profile["asymmetry_reason"]) == {"no stars in the South"}
        assert np.isnan(profile.slices()["difference"]).all()
        assert not any(ax.containers for ax in profile.plot()[1:])

    def test_no_stars(self):
        with pytest.warns(match="the map is empty"):
            amap = small_map(catalog_at([20], [0], [0], [0]))
        profile = amap.profile(10 * u.kpc)
        assert set(profile["asymmetry_reason"]) == {"no stars on both sides"}
        assert not profile["n_north"].any()
        assert len(profile.plot()) == 3

    def test_few_stars_are_counted_but_not_used(self):
        cat = catalog_at([10.5] * 6, [1] * 6, [0.1, 0.1, 0.1, -0.1, -0.1, 0.7], [0.1] * 6)
        profile = small_map(cat).profile(10 * u.kpc)[2:]
        assert_array_equal(profile["n_north"], [3, 1])
        assert_array_equal(profile["n_south"], [2, 0])
        assert_array_equal(np.isnan(profile["north"]), [False, True])
        assert np.isnan(profile["south"]).all()
        assert list(profile["asymmetry_reason"]) == ["fewer than 3 stars in the South",
                                                     "no stars in the South"]
        # matched_difference uses all voxels that have both sides.
        assert_array_equal(np.isnan(profile["matched_difference"]), [False, True])
        assert_allclose(profile["n_pairs"], [6 / 5, 0])

    def test_one_star_has_no_error(self):
        binning = DiskBinning(R=[8, 12] * u.kpc, Z=[-1, 0, 1] * u.kpc, phi=None, min_count=1)
        amap = small_map(catalog_at([10, 10], [1, 1], [0.1, -0.1], [-0.1, -0.3]), binning)
        for statistic in ("median", "mean"):
            profile = amap.profile(8 * u.kpc, statistic=statistic)
            assert_allclose(profile["difference"].value, 0.2)
            for name in ("north_error", "north_low", "difference_error", "difference_high"):
                assert np.isnan(profile[name]).all()
            # Without an error, N + S cannot be distinguished from 0.
            assert profile["asymmetry"].mask.all()
            assert profile["asymmetry_reason"][0] == "one star without an error on both sides"
            linear = amap.profile(8 * u.kpc, statistic=statistic, definition="linear")
            assert_allclose(linear["asymmetry"], np.tanh(0.1 * np.log(10)))

    def test_equal_metallicities(self):
        cat = small_stars(400)
        cat["m_h"] = np.full(400, -0.2) * u.dex
        for statistic in ("median", "mean"):
            profile = small_map(cat).profile(10 * u.kpc, statistic=statistic)
            for name in ("difference", "difference_low", "difference_high", "offset_difference",
                         "north_error"):
                assert_allclose(profile[name].value, 0, atol=1e-12)
            assert_allclose(profile["asymmetry"], 0, atol=1e-12)

    def test_sum_near_zero_is_masked(self):
        north = small_stars(500)
        R, phi, Z = (np.tile(x, 2) for x in (north.R, north.phi, np.abs(north.Z)))
        Z[500:] *= -1
        for sign, masked in ((-1, True), (1, False)):
            # The medians of North and South are equal except for the sign.
            m_h = np.append(north["m_h"].value, sign * north["m_h"].value)
            amap = small_map(catalog_at(R, phi, Z, m_h))
            profile = amap.profile(10 * u.kpc)
            assert set(profile["asymmetry_reason"]) == {
                "N + S is not distinguishable from 0" if masked else ""}
            assert profile["asymmetry"].mask.all() == masked
            assert np.isfinite(profile["difference"]).all()
            linear = amap.profile(10 * u.kpc, definition="linear")
            assert not linear["asymmetry"].mask.any()

    def test_masked_stars(self):
        cat = small_stars(600)
        m_h = cat["m_h"].value.copy()
        m_h[::3] = np.nan
        masked = catalog_at(cat.R, cat.phi, cat.Z, m_h)
        known = np.isfinite(m_h)
        assert_same_profile(small_map(masked).profile(10 * u.kpc),
                    small_map(cat[known]).profile(10 * u.kpc))

    def test_stars_astride_the_plane_are_left_out_and_counted(self):
        binning = DiskBinning(R=[8, 10, 12] * u.kpc, Z=[-1, -0.3, 0.3, 1] * u.kpc, phi=None)
        cat = small_stars(600)
        astride = np.sum(np.abs(cat.Z.value) < 0.3)
        with pytest.warns(CatalogWarning, match=f"^{astride} stars in the bin .* astride the mid"):
            profile = small_map(cat, binning).profile(8 * u.kpc)
        assert_allclose(profile["abs_Z_min"].value, [0.3])
        assert profile["n_north"][0] == np.sum(cat.Z.value > 0.3)
        assert profile.meta["n_left_out"] == astride


class TestArguments:
    @pytest.mark.parametrize(("R", "message"), [
        ([10.4], "R_min must be an edge of R of the binning; got 10.4 kpc, the nearest are 10, 11, "
                 "12 kpc"),
        ([10, 30], "R_max must be an edge .* got 30.0 kpc"),
        ([11, 10], "R_min must .* below R_max; got 11 and 10 kpc"),
        ([12], "R_min must .* below R_max; got 12 and 12 kpc"), ([np.nan], "got nan kpc"),
        ([[10, 11]], "R_min must be one edge")])
    def test_rejects_bad_ranges_of_R(self, amap, R, message):
        how = {name: value * u.kpc for name, value in zip(("R_min", "R_max"), R, strict=False)}
        for method in (amap.profile, amap.test, amap.bootstrap):
            with pytest.raises(BinningError, match=message):
                method(**how)

    def test_rejects_other_units_of_R(self, amap):
        with pytest.raises(u.UnitsError, match="R_min"):
            amap.profile(10 * u.deg)
        with pytest.raises(TypeError, match="R_min"):
            amap.bootstrap(10)

    def test_rejects_a_grid_without_hemispheres(self):
        amap = small_map(small_stars(50), DiskBinning(R=[8, 12] * u.kpc, Z=[-1, 1] * u.kpc))
        for method in (amap.profile, amap.test, amap.bootstrap):
            with pytest.raises(BinningError, match="Z must have bins on both sides .* got 1 from"):
                method(8 * u.kpc)

    def test_edges_of_R_have_a_tolerance(self, amap):
        expected = amap.profile(10 * u.kpc)
        assert_same_profile(amap.profile((1e4 + 1e-7) * u.pc), expected)
        assert_same_profile(amap.profile(None), amap.profile(8 * u.kpc, 12 * u.kpc))

    @pytest.mark.parametrize(("method", "how", "message"), [
        ("profile", {"statistic": "mode"}, "statistic must be one of 'median', 'mean'; got 'mode'"),
        ("profile", {"definition": "ratio"}, "must be one of 'modulus', 'equation1', 'linear'"),
        *(("profile", {"confidence": bad}, f"confidence must be between 0 and 1; got {bad!r}")
          for bad in (1, "high", np.nan)),
        *(("bootstrap", {"n": bad}, "n must be a whole number of 1 or more")
          for bad in (0, 1.5, True)),
        ("bootstrap", {"rng": "seed"}, "rng must be a seed"),
        ("bootstrap", {"statistic": "mode"}, "statistic must be one of 'median', 'mean'"),
        *(("test", {"n": bad}, f"n must be a whole number of 1 or more; got {bad!r}")
          for bad in (0, -5, 2.5, "many", True)),
        *(("test", {"n": 9, "rng": bad}, "rng must be a seed or a numpy Generator; got")
          for bad in ("seed", 1.5, -1))])
    def test_rejects_invalid_choices(self, amap, method, how, message):
        with pytest.raises(RcasymError, match=message):
            getattr(amap, method)(10 * u.kpc, **how)
