# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import (
    AsymmetryMap,
    DiskBinning,
    RedClumpCatalog,
    propagate,
    systematics,
)
from rcasym.catalog.frames import galactocentric_frame
from rcasym.exceptions import BinningError, CatalogError, CatalogWarning, RcasymError
from tests.maps.test_profile import SMALL, small_stars
from tests.maps.test_propagation import with_errors

R_MIN = {"R_min": 10 * u.kpc}


@pytest.fixture(scope="module")
def stars():
    return small_stars(1500)


@pytest.fixture(scope="module")
def table(mock):
    return systematics(mock)


class TestSystematics:
    def row(self, table, variation):
        return table[table["variation"] == variation]

    def test_what_is_varied(self, table):
        kinds = list(dict.fromkeys(table["kind"]))
        assert kinds == ["as given", "R0", "Z0", "distances", "zero points", "survey",
                         "radial mean", "statistic", "R_min", "bins"]
        assert len(table) == 6 * len(set(table["variation"]))
        for name in ("Z0 = 0 pc", "Z0 = 30 pc", "distances × 0.95", "distances × 1.05",
                     "LAMOST alone", "APOGEE alone", "means", "radial mean of voxels",
                     "R_min = 10.4 kpc", "R_min = 11.6 kpc", "R bins shifted by half",
                     "Z bins shifted by half"):
            assert len(self.row(table, name)) == 6

    def test_as_given_is_the_profile(self, table, mock):
        slices = AsymmetryMap.from_catalog(mock).profile().slices()
        given = self.row(table, "as given")
        for name in slices.colnames:
            if name in given.colnames:
                assert_allclose(np.asarray(given[name]), np.asarray(slices[name]), rtol=1e-9)
        assert_array_equal(given["shift"].value, 0)

    def test_chance_where_other_stars_take_part(self, table):
        given = self.row(table, "as given")["offset_difference_error"]
        for name in set(table["variation"]):
            row = self.row(table, name)
            chance = np.asarray(row["shift_error_in_errors"])
            if row["kind"][0] in ("survey", "R_min"):
                ratio = (row["offset_difference_error"] / given).value
                assert_allclose(chance, np.sqrt(np.abs(ratio**2 - 1)))
                assert np.all(chance[np.isfinite(ratio)] > 0)
            else:
                assert np.isnan(chance).all()

    def test_shifts_are_in_errors(self, table):
        given = self.row(table, "as given")
        for name in set(table["variation"]):
            row = self.row(table, name)
            assert_allclose(row["shift"].value,
                            (row["offset_difference"] - given["offset_difference"]).value)
            assert_allclose(row["shift_in_errors"],
                            (row["shift"] / given["offset_difference_error"]).value)

    @pytest.mark.parametrize(("variation", "how"), [
        ("R0 = 8.5 kpc", {"R0": 8.5 * u.kpc}), ("Z0 = 0 pc", {"Z0": 0 * u.pc})])
    def test_another_place_of_the_sun(self, table, mock, variation, how):
        other = RedClumpCatalog.from_table(mock, frame=galactocentric_frame(**how))
        slices = AsymmetryMap.from_catalog(other).profile().slices()
        row = self.row(table, variation)
        assert_array_equal(row["n_north"], slices["n_north"])
        assert_allclose(row["offset_difference"].value, slices["offset_difference"].value)

    def test_distances_surveys_and_zero_points(self, table, mock):
        coord = mock["coord"]
        for name, changed in (
            ("distances × 1.05", {"ra": coord.ra, "dec": coord.dec,
                                  "distance": 1.05 * coord.distance, "m_h": mock["m_h"]}),
            ("APOGEE −0.03 dex", {"coord": coord, "m_h": mock["m_h"] - 0.03 * u.dex * (
                mock["survey"] == "APOGEE")}),
        ):
            other = RedClumpCatalog.from_table(type(mock)(changed))
            slices = AsymmetryMap.from_catalog(other).profile().slices()
            assert_allclose(self.row(table, name)["offset_difference"].value,
                            slices["offset_difference"].value)
        alone = AsymmetryMap.from_catalog(mock[mock["survey"] == "APOGEE"]).profile().slices()
        assert_allclose(self.row(table, "APOGEE alone")["offset_difference"].value,
                        alone["offset_difference"].value)

    def test_other_statistics_and_bins(self, table, mock):
        means = AsymmetryMap.from_catalog(mock).profile(statistic="mean").slices()
        assert_allclose(self.row(table, "means")["offset_difference"].value,
                        means["offset_difference"].value)
        farther = AsymmetryMap.from_catalog(mock).profile(11.6 * u.kpc).slices()
        assert_allclose(self.row(table, "R_min = 11.6 kpc")["offset_difference"].value,
                        farther["offset_difference"].value)
        R = np.append(np.arange(6.5, 15.2, 0.6), [6.2, 11, 15.2]) * u.kpc
        Z = np.append(np.arange(0.15, 2.1, 0.3), 2.1)
        Z = np.concatenate([-Z[::-1], [0], Z]) * u.kpc
        for name, edges in (("R", {"R": np.sort(R)}), ("Z", {"Z": Z})):
            row = self.row(table, f"{name} bins shifted by half")
            shifted = AsymmetryMap.from_catalog(mock, DiskBinning(**edges)).profile().slices()
            assert_allclose(row["offset_difference"].value, shifted["offset_difference"].value)
            # The same stars.
            assert_array_equal(row["n_north"], self.row(table, "as given")["n_north"])

    def test_without_surveys(self, stars):
        table = systematics(stars, SMALL, **R_MIN)
        assert not {"zero points", "survey"} & set(table["kind"])
        assert len(table.plot()) == 2

    def test_stars_astride_the_plane_are_told(self):
        cat = with_errors(small_stars(300), 0.1, 0.1)
        binning = DiskBinning(R=[8, 10, 12] * u.kpc, Z=[-1, -0.3, 0.3, 1] * u.kpc, phi=None)
        for function in (systematics, lambda *args, **how: propagate(*args, n=2, **how)):
            with pytest.warns(CatalogWarning, match="astride the mid-plane") as told:
                function(cat, binning, R_min=8 * u.kpc)
            assert len(told) == 1

    def test_survey_of_one_side(self):
        cat = small_stars(1500)
        cat["survey"] = np.where((cat.Z > 0) & (np.arange(1500) % 2 > 0), "A", "B")
        table = systematics(cat, SMALL, **R_MIN)
        alone = self.row(table, "A alone")
        assert np.isnan(alone["shift_in_errors"]).all()
        texts = [text.get_text() for text in table.plot()[0].texts]
        assert texts == ["not known"]

    def test_equal_metallicities(self, stars):
        cat = stars.copy()
        cat["m_h"] = np.full(len(cat), -0.45) * u.dex
        table = systematics(cat, SMALL, **R_MIN)
        assert_array_equal(table["shift_in_errors"], 0)

    def test_users_frame_is_kept(self, stars):
        frame = galactocentric_frame(R0=8.2 * u.kpc, Z0=10 * u.pc)
        other = RedClumpCatalog.from_table(stars, frame=frame)
        table = systematics(other, SMALL, **R_MIN)
        assert_allclose(self.row(table, "Z0 = 10 pc")["shift"].value, 0, atol=1e-12)

    def test_rules(self, stars):
        with pytest.raises(CatalogError, match="must be a RedClumpCatalog; got int"):
            systematics(5)
        with pytest.raises(BinningError, match="must be a DiskBinning; got 'fine'"):
            systematics(stars, "fine", **R_MIN)

    @pytest.mark.parametrize("bad", [np.nan * u.dex, [0.1, 0.2] * u.dex])
    def test_zero_point(self, stars, bad):
        with pytest.raises(RcasymError, match="zero_point must be one finite value in dex"):
            systematics(stars, SMALL, zero_point=bad, **R_MIN)

    def test_zero_point_unit(self, stars):
        with pytest.raises(RcasymError, match="zero_point must have a unit that converts to dex"):
            systematics(stars, SMALL, zero_point=1 * u.kpc, **R_MIN)

    def test_plot_of_some_variations(self, table):
        some = table[table["kind"] == "Z0"]
        axes = some.plot()
        assert len(axes) == 6
        assert [text.get_text() for text in axes[0].get_yticklabels()] == [
            f"Z0 = {pc:g} pc" for pc in (0, 10, 20.8, 30)]
        for none in (table[:0], self.row(table, "as given")):
            with pytest.raises(RcasymError, match="one or more rows to be drawn"):
                none.plot()

    def test_plot(self, table):
        axes = table.plot()
        assert len(axes) == 6
        assert len({ax.get_xlim() for ax in axes}) == 1
        low, high = axes[0].get_xlim()
        assert low == -high
        drawn = [bar.get_width() for bar in axes[2].containers[-1]]
        expected = table[(table["phi_min"].value == -5) & (table["kind"] != "as given")]
        assert_allclose(drawn, expected["shift_in_errors"])
        assert [text.get_text() for text in axes[0].get_yticklabels()] == list(
            expected["variation"])
