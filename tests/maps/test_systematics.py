# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, propagate, systematics
from rcasym.catalog.frames import galactocentric_frame
from rcasym.exceptions import BinningError, CatalogError, CatalogWarning, RcasymError
from tests.maps.helpers import SMALL, add_errors, small_stars

R_MIN = {"R_min": 10 * u.kpc}


@pytest.fixture(scope="module")
def stars():
    return small_stars(1500)


@pytest.fixture(scope="module")
def table(mock):
    return systematics(mock)


class TestSystematics:
    def select(self, table, variation):
        return table[table["variation"] == variation]

    def test_list_of_variations(self, table):
        kinds = list(dict.fromkeys(table["kind"]))
        assert kinds == ["as given", "R0", "Z0", "distances", "zero points", "survey",
                         "radial mean", "statistic", "R_min", "bins"]
        assert len(table) == 6 * len(set(table["variation"]))
        for name in ("Z0 = 0 pc", "Z0 = 30 pc", "distances × 0.95", "distances × 1.05",
                     "LAMOST alone", "APOGEE alone", "means", "radial mean of voxels",
                     "R_min = 10.4 kpc", "R_min = 11.6 kpc", "R bins shifted by half",
                     "Z bins shifted by half"):
            assert len(self.select(table, name)) == 6

    def test_first_rows_are_those_of_the_profile(self, table, mock):
        slices = AsymmetryMap.from_catalog(mock).profile().slices()
        given = self.select(table, "as given")
        for name in slices.colnames:
            if name in given.colnames:
                assert_allclose(np.asarray(given[name]), np.asarray(slices[name]), rtol=1e-9)
        assert_array_equal(given["shift"].value, 0)

    def test_shifts_and_their_chance(self, table):
        given = self.select(table, "as given")
        for name in set(table["variation"]):
            rows = self.select(table, name)
            assert_allclose(rows["shift"].value,
                            (rows["offset_difference"] - given["offset_difference"]).value)
            assert_allclose(rows["shift_in_errors"],
                            (rows["shift"] / given["offset_difference_error"]).value)
            chance = np.asarray(rows["shift_error_in_errors"])
            # Only where other stars take part.
            if rows["kind"][0] in ("survey", "R_min"):
                ratio = (rows["offset_difference_error"] / given["offset_difference_error"]).value
                assert_allclose(chance, np.sqrt(np.abs(ratio**2 - 1)))
                assert np.all(chance[np.isfinite(ratio)] > 0)
            else:
                assert np.isnan(chance).all()

    def check(self, rows, catalog, binning=None, **how):
        """Compare rows with the slices of a map that is made for the purpose."""
        slices = AsymmetryMap.from_catalog(catalog, binning).profile(**how).slices()
        assert_allclose(rows["offset_difference"].value, slices["offset_difference"].value)
        assert_array_equal(rows["n_north"], slices["n_north"])

    @pytest.mark.parametrize(("variation", "how"), [
        ("R0 = 8.5 kpc", {"R0": 8.5 * u.kpc}), ("Z0 = 0 pc", {"Z0": 0 * u.pc})])
    def test_other_positions_of_the_sun(self, table, mock, variation, how):
        other = RedClumpCatalog.from_table(mock, frame=galactocentric_frame(**how))
        self.check(self.select(table, variation), other)

    def test_other_stars_statistics_and_bins(self, table, mock):
        coord, m_h, apogee = mock["coord"], mock["m_h"], mock["survey"] == "APOGEE"
        for name, changed in (
            ("distances × 1.05", {"ra": coord.ra, "dec": coord.dec,
                                  "distance": 1.05 * coord.distance, "m_h": m_h}),
            ("APOGEE −0.03 dex", {"coord": coord, "m_h": m_h - 0.03 * u.dex * apogee}),
        ):
            self.check(self.select(table, name), RedClumpCatalog.from_table(type(mock)(changed)))
        self.check(self.select(table, "APOGEE alone"), mock[apogee])
        self.check(self.select(table, "means"), mock, statistic="mean")
        self.check(self.select(table, "R_min = 11.6 kpc"), mock, R_min=11.6 * u.kpc)
        R = np.sort(np.append(np.arange(6.5, 15.2, 0.6), [6.2, 11, 15.2])) * u.kpc
        Z = np.append(np.arange(0.15, 2.1, 0.3), 2.1)
        Z = np.concatenate([-Z[::-1], [0], Z]) * u.kpc
        for name, edges in (("R", {"R": R}), ("Z", {"Z": Z})):
            rows = self.select(table, f"{name} bins shifted by half")
            self.check(rows, mock, DiskBinning(**edges))
            # The same stars.
            assert_array_equal(rows["n_north"], self.select(table, "as given")["n_north"])

    def test_radial_mean_of_voxels(self, stars):
        rows = self.select(systematics(stars, SMALL, **R_MIN), "radial mean of voxels")
        R, phi, Z, m_h = (np.asarray(x) for x in (stars.R, stars.phi, stars.Z, stars["m_h"]))
        place = [np.digitize(x, axis.edges.value)
                 for x, axis in zip((phi, R, Z), SMALL.axes, strict=True)]
        offset = m_h.copy()
        for ring in {(i, j) for i, j in zip(place[0], place[1], strict=True)}:
            here = (place[0] == ring[0]) & (place[1] == ring[1])
            offset[here] -= np.mean([m_h[here & (place[2] == k)].mean() for k in range(1, 5)])
        for k, row in enumerate(rows, 1):
            bins = [offset[(place[0] == k) & (R >= 10) & (place[2] == side)]
                    for side in (3, 2, 4, 1)]
            differences = [np.median(bins[i]) - np.median(bins[i + 1]) for i in (0, 2)]
            weights = [1 / (1 / len(bins[i]) + 1 / len(bins[i + 1])) for i in (0, 2)]
            assert_allclose(row["offset_difference"].value,
                            np.average(differences, weights=weights), atol=1e-12)

    def test_one_survey(self, stars):
        table = systematics(stars, SMALL, **R_MIN)
        assert not {"zero points", "survey"} & set(table["kind"])
        assert len(table.plot()) == 2

    def test_warns_once_about_stars_astride_the_plane(self):
        cat = add_errors(small_stars(300), 0.1, 0.1)
        binning = DiskBinning(R=[8, 10, 12] * u.kpc, Z=[-1, -0.3, 0.3, 1] * u.kpc, phi=None)
        for function in (systematics, lambda *args, **how: propagate(*args, n=2, **how)):
            with pytest.warns(CatalogWarning, match="astride the mid-plane") as caught:
                function(cat, binning, R_min=8 * u.kpc)
            assert len(caught) == 1

    def test_survey_on_one_side_only(self):
        cat = small_stars(1500)
        cat["survey"] = np.where((cat.Z > 0) & (np.arange(1500) % 2 > 0), "A", "B")
        table = systematics(cat, SMALL, **R_MIN)
        alone = self.select(table, "A alone")
        assert np.isnan(alone["shift_in_errors"]).all()
        texts = [text.get_text() for text in table.plot()[0].texts]
        assert texts == ["unknown"]

    def test_frame_of_the_catalogue_is_the_reference(self, stars):
        frame = galactocentric_frame(R0=8.2 * u.kpc, Z0=10 * u.pc)
        other = RedClumpCatalog.from_table(stars, frame=frame)
        table = systematics(other, SMALL, **R_MIN)
        assert_allclose(self.select(table, "Z0 = 10 pc")["shift"].value, 0, atol=1e-12)
        # Where all metallicities are equal, nothing shifts.
        other["m_h"] = np.full(len(other), -0.45) * u.dex
        assert_array_equal(systematics(other, SMALL, **R_MIN)["shift_in_errors"], 0)

    @pytest.mark.parametrize(("given", "error", "message"), [
        ({"catalog": 5}, CatalogError, "must be a RedClumpCatalog; got int"),
        ({"binning": "fine"}, BinningError, "must be a DiskBinning; got 'fine'"),
        *(({"zero_point": bad}, RcasymError, "zero_point must be one finite value in dex")
          for bad in (np.nan * u.dex, [0.1, 0.2] * u.dex)),
        ({"zero_point": 1 * u.kpc}, RcasymError, "zero_point must have a unit that converts to")])
    def test_rejects_bad_arguments(self, stars, given, error, message):
        with pytest.raises(error, match=message):
            systematics(**{"catalog": stars, "binning": SMALL} | R_MIN | given)

    def test_plot(self, table):
        axes = table.plot()
        assert len(axes) == 6
        assert len({ax.get_xlim() for ax in axes}) == 1
        low, high = axes[0].get_xlim()
        assert low == -high
        drawn = [bar.get_width() for bar in axes[2].containers[-1]]
        expected = table[(table["phi_min"].value == -5) & (table["kind"] != "as given")]
        assert_allclose(drawn, expected["shift_in_errors"])
        for rows in (table, table[table["kind"] == "Z0"]):
            labels = [text.get_text() for text in rows.plot()[0].get_yticklabels()]
            assert labels == [name for name in dict.fromkeys(rows["variation"])
                              if name != "as given"]
        for none in (table[:0], self.select(table, "as given")):
            with pytest.raises(RcasymError, match="one or more rows to be drawn"):
                none.plot()
