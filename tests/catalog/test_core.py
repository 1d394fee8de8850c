# Licensed under a 3-clause BSD style license - see LICENSE.rst
import pickle
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactocentric, Longitude, SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table, hstack, join, unique, vstack
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog
from rcasym.catalog import galactocentric_frame, paper_frame
from rcasym.catalog.columns import floats
from rcasym.exceptions import CatalogError, CatalogWarning, RcasymError
from tests.conftest import catalog_at


def plain_table(n=4, **changes):
    columns = {"ra": np.linspace(10, 100, n), "dec": np.linspace(-5, 60, n),
               "distance": np.linspace(1, 4, n), "m_h": np.linspace(-0.5, 0.1, n)}
    return Table({name: values for name, values in (columns | changes).items()
                  if values is not None})


class TestFromTable:
    def test_plain_numbers_are_in_the_canonical_units(self):
        cat = RedClumpCatalog.from_table(plain_table(age=[1, 2, 3, 4], snr=[10, 20, 30, 40]))
        assert cat["m_h"].unit == u.dex
        assert cat["age"].unit == u.Gyr
        assert_allclose(cat["coord"].distance.to_value(u.kpc), [1, 2, 3, 4])

    def test_units_are_converted(self):
        table = plain_table(age=Column([1e9, 2e9, 3e9, 4e9], unit="yr"))
        table["distance"] = Column([1000.0, 2000, 3000, 4000], unit="pc")
        table["ra"] = Column([1.0, 2, 3, 4], unit="hourangle")
        cat = RedClumpCatalog.from_table(table)
        assert_allclose(cat["age"].value, [1, 2, 3, 4])
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
        assert_allclose(cat["coord"].ra.deg, [15, 30, 45, 60])

    @pytest.mark.parametrize("unit", [u.dex, u.dimensionless_unscaled, u.Unit("dex(1)"), None])
    def test_units_of_abundances(self, unit):
        table = plain_table()
        table["m_h"].unit = unit
        assert_allclose(RedClumpCatalog.from_table(table)["m_h"].value, table["m_h"])

    def test_names_of_another_table(self):
        table = plain_table()
        table.rename_columns(["ra", "m_h"], ["RAJ2000", "FEH"])
        cat = RedClumpCatalog.from_table(table, columns={"ra": "RAJ2000", "m_h": "FEH"},
                                         survey="LAMOST")
        assert_allclose(cat["m_h"].value, table["FEH"])
        assert set(cat["survey"]) == {"LAMOST"}

    def test_galactic_positions(self):
        table = plain_table()
        sky = SkyCoord(table["ra"], table["dec"], unit="deg").galactic
        galactic = plain_table(ra=None, dec=None, l=sky.l.deg, b=sky.b.deg)
        assert_allclose(RedClumpCatalog.from_table(galactic)["coord"].ra.deg, table["ra"])
        both = plain_table(l=sky.l.deg + 5, b=sky.b.deg)
        assert_allclose(RedClumpCatalog.from_table(both)["coord"].ra.deg, table["ra"])
        asked = RedClumpCatalog.from_table(both, columns={"l": "l", "b": "b"})
        assert np.all(np.abs(asked["coord"].galactic.l.deg - sky.l.deg - 5) % 360 < 1e-9)

    def test_positions_agree_with_astropy(self):
        rng = np.random.default_rng(3)
        table = plain_table(1000, ra=rng.uniform(0, 360, 1000), dec=rng.uniform(-90, 90, 1000),
                            distance=rng.uniform(0.1, 10, 1000))
        cat = RedClumpCatalog.from_table(table)
        frame = Galactocentric(
            galcen_distance=np.hypot(8.34, 0.025) * u.kpc, z_sun=25 * u.pc, roll=0 * u.deg,
            galcen_coord=SkyCoord(266.4051 * u.deg, -28.936175 * u.deg).icrs.frame)
        expected = SkyCoord(table["ra"], table["dec"], table["distance"],
                            unit=("deg", "deg", "kpc")).transform_to(frame)
        assert_allclose(cat.R.to_value(u.kpc), np.hypot(expected.x, expected.y).to_value(u.kpc),
                        rtol=0, atol=1e-10)
        assert_allclose(cat.Z.to_value(u.kpc), expected.z.to_value(u.kpc), rtol=0, atol=1e-10)
        assert_allclose(cat.phi.to_value(u.deg),
                        np.degrees(np.arctan2(expected.y, -expected.x).value), atol=1e-9)

    @pytest.mark.parametrize("bad", [-9999, -9999.99, -999.0, -99.9, np.nan, np.inf, -np.inf])
    def test_missing_values_are_masked_in_silence(self, bad):
        for name in ("age", "age_error", "alpha_m", "m_h_error", "snr"):
            table = plain_table(**{name: [0.1, bad, 0.3, 0.4]})
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                cat = RedClumpCatalog.from_table(table)
            assert_array_equal(cat[name].mask, [False, True, False, False])

    @pytest.mark.parametrize("bad", [-9999, -9999.99, -999.0, -99.9, np.nan, np.inf, -np.inf])
    def test_missing_metallicities_are_counted(self, bad):
        with pytest.warns(CatalogWarning, match="'m_h': 1 of 4 stars have no value"):
            cat = RedClumpCatalog.from_table(plain_table(m_h=np.array([0.1, bad, 0.3, 0.4], "f4")))
        assert_array_equal(cat["m_h"].mask, [False, True, False, False])

    def test_sentinels_are_those_of_the_tables_unit(self):
        table = plain_table(age=[-9999.0, 1e3, 2e3, 3e3])
        table["dec"] = Column([-1200.0, 100, -99, -600], unit="arcmin")
        table["age"].unit = "Myr"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cat = RedClumpCatalog.from_table(table)
        assert_allclose(cat["coord"].dec.deg, [-20, 100 / 60, -99 / 60, -10])
        assert_array_equal(cat["age"].mask, [True, False, False, False])
        table["age"][0] = -120
        with pytest.warns(CatalogWarning, match=r"'age': 1 of 4 values are not in .* -0\.12"):
            RedClumpCatalog.from_table(table)

    @pytest.mark.parametrize("bad", [-9999, np.nan, np.inf])
    @pytest.mark.parametrize("name", ["ra", "dec", "distance"])
    def test_missing_positions_are_nan(self, name, bad):
        values = np.array([10.0, bad, 12.0, 13.0])
        with pytest.warns(CatalogWarning, match=f"'{name}': 1 of 4 stars have no value"):
            cat = RedClumpCatalog.from_table(plain_table(**{name: values}))
        assert_array_equal(np.isnan(cat.R), [False, True, False, False])
        assert cat.validate()["missing"][0] == 1

    def test_masked_values_stay_masked(self):
        masked = MaskedColumn([1.0, 2, 3, 4], mask=[True, False, False, True])
        with pytest.warns(CatalogWarning, match="'distance': 2 of 4 stars have no value .masked"):
            cat = RedClumpCatalog.from_table(plain_table(m_h=masked, distance=masked))
        assert_array_equal(cat["m_h"].mask, masked.mask)
        assert_array_equal(np.isnan(cat.Z), masked.mask)
        assert_array_equal(np.isnan(floats(cat, "m_h")), masked.mask)

    @pytest.mark.parametrize(("name", "bad", "rule"), [
        ("distance", -1.0, r"\(0, 500\] kpc"), ("distance", 0.0, r"\(0, 500\] kpc"),
        ("age", -0.5, r"\[0, 90\] Gyr"),
        ("age", 99.9, r"\[0, 90\] Gyr"), ("distance", 999.0, r"\(0, 500\] kpc"),
        ("ra", 400.0, r"\[0, 360\] deg"),
        ("ra", -10.0, r"\[0, 360\] deg"), ("dec", 95.0, r"\[-90, 90\] deg"),
        ("m_h", 99.9, r"\[-10, 10\] dex"), ("snr", -3.0, r"\[0, 1e\+06\]"),
        ("m_h_error", -0.1, r"\[0, 10\] dex")])
    def test_senseless_values_are_masked_and_counted(self, name, bad, rule):
        values = np.array([1.0, bad, 2.0, 3.0])
        with pytest.warns(CatalogWarning, match=f"{name}.*1 of 4 values are not in {rule}"):
            cat = RedClumpCatalog.from_table(plain_table(**{name: values}))
        missing = cat.validate()
        row = "position" if name in ("distance", "ra", "dec") else name
        assert missing["missing"][missing["column"] == row] == 1
        assert len(cat) == 4

    def test_the_warning_names_the_tables_own_column(self):
        with pytest.warns(CatalogWarning, match=r"column 'D' \(distance\)"):
            RedClumpCatalog.from_table(plain_table(distance=None, D=[1.0, -2, 3, 4]),
                                       columns={"distance": "D"})

    def test_numbers_of_pandas(self):
        cat = RedClumpCatalog.from_table(plain_table(age=np.array([1, None, 2.5, np.nan], object)))
        assert_array_equal(floats(cat, "age"), [1, np.nan, 2.5, np.nan])

    def test_longitudes_wrapped_at_180(self):
        table = QTable(plain_table())
        table["ra"] = Longitude([-5, 5, 170, -170] * u.deg, wrap_angle=180 * u.deg)
        assert_allclose(RedClumpCatalog.from_table(table)["coord"].ra.deg, [355, 5, 170, 190])

    def test_warnings_point_at_the_user(self):
        with pytest.warns(CatalogWarning) as caught:
            RedClumpCatalog.from_table(plain_table(age=[-1, 1, 2, 3], distance=[-1.0, 1, 2, 3]))
        assert [warning.filename for warning in caught] == [__file__, __file__]

    def test_extra_columns_are_copied(self):
        table = plain_table(teff=[1, 2, 3, 4])
        cat = RedClumpCatalog.from_table(table, keep="teff")
        cat["teff"][0] = 5
        assert table["teff"][0] == 1

    def test_the_table_stays_as_it_was(self):
        table = QTable(plain_table(age=[1.0, -9999, 3, 4]))
        before = table.copy()
        with pytest.warns(CatalogWarning):
            RedClumpCatalog.from_table(plain_table(m_h=table["age"]))
        RedClumpCatalog.from_table(table)
        for name in table.colnames:
            assert_array_equal(table[name], before[name])
            table[name][0] = 7

    def test_floats_leave_the_column_writeable(self, mock):
        few = mock[:5].copy()
        assert not floats(few, "m_h").flags.writeable
        few["m_h"][0] = 0.25 * u.dex
        assert floats(few, "m_h")[0] == 0.25

    def test_extra_columns_on_request(self):
        cat = RedClumpCatalog.from_table(plain_table(teff=[1, 2, 3, 4]), keep=["teff"])
        assert_array_equal(cat["teff"], [1, 2, 3, 4])
        assert "teff" not in RedClumpCatalog.from_table(plain_table(teff=[1, 2, 3, 4])).colnames

    def test_ids_are_text_without_padding(self):
        cat = RedClumpCatalog.from_table(plain_table(source_id=[b"a  ", b"bb ", b"c  ", b"d  "]))
        assert_array_equal(cat["source_id"], ["a", "bb", "c", "d"])
        cat = RedClumpCatalog.from_table(plain_table(source_id=[1, 2, 3, 2**62]))
        assert cat["source_id"][3] == str(2**62)

    def test_a_catalogue_goes_through_unchanged(self, mock):
        again = RedClumpCatalog.from_table(mock)
        assert_allclose(again.Z.value, mock.Z.value, atol=1e-12)
        other = galactocentric_frame(R0=8 * u.kpc)
        moved = RedClumpCatalog.from_table(mock, frame=other)
        assert moved.frame.is_equivalent_frame(other)
        assert RedClumpCatalog.from_table(moved).frame.is_equivalent_frame(other)

    def test_another_frame(self):
        frame = galactocentric_frame(R0=8 * u.kpc, Z0=0 * u.pc)
        cat = RedClumpCatalog.from_table(plain_table(), frame=frame)
        assert cat.frame.is_equivalent_frame(frame)
        assert np.all(cat.R < RedClumpCatalog.from_table(plain_table()).R)


class TestUnits:
    @pytest.mark.parametrize("given", [{"distance": "pc"}, {"D": u.pc}, {"D": 1000 * u.mpc}])
    @pytest.mark.parametrize("own", [None, "pc", "kpc", "s"])
    def test_take_precedence_by_either_name(self, given, own):
        table = plain_table(distance=None, D=[1000.0, 2000, 3000, 4000])
        table["D"].unit = own
        cat = RedClumpCatalog.from_table(table, columns={"distance": "D"}, units=given)
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])

    def test_of_every_kind_of_column(self):
        table = plain_table(age=[1e3, 2e3, -9999, 4e3], age_error=[0.1e9] * 4, snr=[1.0, 2, 3, 4],
                            distance_error=[10.0, 20, 30, 40])
        table["ra"], table["dec"] = np.deg2rad(table["ra"]), 60 * table["dec"]
        plain = RedClumpCatalog.from_table(plain_table())
        cat = RedClumpCatalog.from_table(table, units={
            "ra": "rad", "dec": "arcmin", "age": "Myr", "age_error": u.yr, "distance_error": "pc",
            "snr": u.percent, "m_h": u.dex})
        assert_allclose(cat["coord"].separation_3d(plain["coord"]).kpc, 0, atol=1e-12)
        assert_array_equal(cat["age"].mask, [False, False, True, False])
        assert_allclose(cat["age"].unmasked.to_value(u.Gyr)[[0, 1, 3]], [1, 2, 4])
        assert_allclose(cat["age_error"].to_value(u.Gyr), 0.1)
        assert_allclose(cat["distance_error"].to_value(u.kpc), [0.01, 0.02, 0.03, 0.04])
        assert_allclose(cat["snr"].value, [0.01, 0.02, 0.03, 0.04])
        assert_array_equal(cat["m_h"], plain["m_h"])

    @pytest.mark.parametrize("quantities", [False, True])
    def test_of_galactic_positions(self, quantities):
        plain = RedClumpCatalog.from_table(plain_table())
        sky = plain["coord"].galactic
        table = plain_table(ra=None, dec=None, l=sky.l.rad, b=sky.b.rad)
        if quantities:
            table = QTable(table)
            table["l"], table["b"] = table["l"] * u.deg, table["b"] * u.deg
        cat = RedClumpCatalog.from_table(table, units={"l": "rad", "b": "rad"})
        assert_allclose(cat["coord"].separation_3d(plain["coord"]).kpc, 0, atol=1e-12)

    def test_a_column_that_is_read_twice(self):
        table = plain_table(FEH=[0.1, 0.2, 0.3, 0.4], d=[1e3, 2e3, 3e3, 4e3])
        cat = RedClumpCatalog.from_table(
            table, columns={"distance": "d", "distance_error": "d"}, units={"d": "pc"})
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
        assert_allclose(cat["distance_error"].to_value(u.kpc), [1, 2, 3, 4])

    def test_the_name_of_the_catalogue_comes_first(self):
        table = plain_table(distance=[1e3, 2e3, 3e3, 4e3], d=[1.0, 2, 3, 4])
        cat = RedClumpCatalog.from_table(
            table, columns={"distance": "d", "distance_error": "distance"},
            units={"distance": "kpc", "distance_error": "pc"})
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
        assert_allclose(cat["distance_error"].to_value(u.kpc), [1, 2, 3, 4])

    @pytest.mark.parametrize("key", ["coord", "galcen", "ra", "distance", "survey", "source_id",
                                     "METALS", "mass", "l"])
    def test_keys_that_no_column_has(self, key, mock):
        table = QTable(mock[:5])
        table["METALS"] = np.ones(5)
        table["distance"] = table["ra"] = np.ones(5) * u.kpc
        with pytest.raises(RcasymError, match=f"a key of units must be one of .*; got '{key}'"):
            RedClumpCatalog.from_table(table, units={key: "pc"})

    @pytest.mark.parametrize(("columns", "key"), [
        (None, "l"), (None, "b"), ({"l": "l", "b": "b"}, "ra"), ({"age": None}, "age"),
        ({"age": "tau"}, "AGE")])
    def test_columns_that_are_not_read(self, columns, key):
        table = plain_table(l=[1.0, 2, 3, 4], b=[1.0, 2, 3, 4], age=[1.0, 2, 3, 4],
                            tau=[1.0, 2, 3, 4], AGE=[1.0, 2, 3, 4])
        with pytest.raises(RcasymError, match=f"a key of units must be .*; got '{key}'"):
            RedClumpCatalog.from_table(table, columns=columns, units={key: "rad"})

    @pytest.mark.parametrize("unit", ["parsecs long", None, [1, 2], "dexx"])
    def test_units_that_astropy_does_not_know(self, unit):
        with pytest.raises(CatalogError, match=r"units\['m_h'\] must be a unit that astropy knows"):
            RedClumpCatalog.from_table(plain_table(), units={"m_h": unit})

    @pytest.mark.parametrize(("key", "unit"), [("distance", "s"), ("m_h", "kpc"), ("ra", "kpc"),
                                               ("age", "")])
    def test_units_that_do_not_convert(self, key, unit):
        with pytest.raises(CatalogError, match=f"column '{key}' must have a unit that converts"):
            RedClumpCatalog.from_table(plain_table(age=[1, 2, 3, 4]), units={key: unit})

    def test_two_units_for_one_column(self):
        table = plain_table(distance=None, D=[1.0, 2, 3, 4])
        with pytest.raises(CatalogError, match="one unit per column; got 'D' twice"):
            RedClumpCatalog.from_table(table, columns={"distance": "D"},
                                       units={"distance": "pc", "D": "kpc"})


class TestBadInput:
    @pytest.mark.parametrize(("columns", "extra"), [
        ({"coord": "coord", "ra": "ra"}, "coord"), ({"distance": "distance"}, "distance"),
        ({"l": "ra", "b": "dec", "dec": "dec"}, "dec")])
    def test_two_positions(self, columns, extra):
        table = QTable(plain_table())
        table["coord"] = SkyCoord([1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.kpc)
        with pytest.raises(CatalogError, match=f"columns must name one position; got '{extra}'"):
            RedClumpCatalog.from_table(table, columns=columns)

    def test_a_position_that_is_left_out(self):
        table = QTable(plain_table())
        table["coord"] = SkyCoord([1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.kpc)
        plain = RedClumpCatalog.from_table(table, columns={"coord": None})
        assert_allclose(plain["coord"].ra.deg, table["ra"])
        cat = RedClumpCatalog.from_table(table, columns={"ra": None})
        assert_allclose(cat["coord"].ra.deg, [1, 2, 3, 4])

    @pytest.mark.parametrize("source", ["AGE2", None])
    def test_keep_of_a_column_that_is_replaced(self, source):
        table = plain_table(age=[1.0, 2, 3, 4], AGE2=[1.0, 2, 3, 4])
        with pytest.raises(CatalogError, match="keep must not name .* replaces or .*; got 'age'"):
            RedClumpCatalog.from_table(table, columns={"age": source}, keep=["age"])
        assert "AGE2" in RedClumpCatalog.from_table(table, columns={"age": "AGE2"},
                                                    keep=["AGE2"]).colnames

    def test_two_surveys(self):
        with pytest.raises(CatalogError, match=r"survey must not be given beside .* got 'LAMOST'"):
            RedClumpCatalog.from_table(plain_table(S=["a"] * 4), columns={"survey": "S"},
                                       survey="LAMOST")

    @pytest.mark.parametrize("name", ["ra", "dec", "distance", "m_h"])
    def test_missing_column(self, name):
        with pytest.raises(CatalogError, match=f"column '{name}'"):
            RedClumpCatalog.from_table(plain_table(**{name: None}))

    def test_missing_column_suggests_one(self):
        with pytest.raises(CatalogError, match="'mh'.*nearest 'm_h'"):
            RedClumpCatalog.from_table(plain_table(), columns={"m_h": "mh"})

    def test_no_columns(self):
        with pytest.raises(CatalogError, match="column 'ra'; it has no columns at all"):
            RedClumpCatalog.from_table(Table())

    def test_no_rows(self):
        with pytest.raises(CatalogError, match="one or more rows; got 0"):
            RedClumpCatalog.from_table(plain_table()[:0])

    def test_unknown_key(self):
        with pytest.raises(ValueError, match="'metallicity'"):
            RedClumpCatalog.from_table(plain_table(), columns={"metallicity": "m_h"})

    @pytest.mark.parametrize(("name", "unit"), [("distance", "s"), ("age", "kpc"), ("m_h", "km"),
                                                ("ra", "kpc")])
    def test_unit_that_does_not_convert(self, name, unit):
        table = plain_table(age=[1.0, 2, 3, 4])
        table[name].unit = unit
        with pytest.raises(CatalogError, match=f"column '{name}' must have a unit.*got {unit}"):
            RedClumpCatalog.from_table(table)

    def test_unit_that_astropy_does_not_know(self):
        table = plain_table()
        table["m_h"].unit = u.Unit("[Sun]", parse_strict="silent")
        with pytest.raises(CatalogError, match=r"'m_h' must have a unit.*set it to None"):
            RedClumpCatalog.from_table(table)

    @pytest.mark.parametrize("name", ["ra", "distance", "m_h", "age"])
    def test_text_where_numbers_belong(self, name):
        with pytest.raises(CatalogError, match=f"column '{name}' must hold numbers.*'young'"):
            RedClumpCatalog.from_table(plain_table(**{name: ["young", "old", "old", "old"]}))

    def test_arrays_where_numbers_belong(self):
        with pytest.raises(CatalogError, match="'m_h' must hold one number per star"):
            RedClumpCatalog.from_table(plain_table(m_h=np.ones((4, 2))))

    def test_not_a_table(self):
        with pytest.raises(CatalogError, match="must be an astropy Table; got dict"):
            RedClumpCatalog.from_table({"ra": [1]})

    def test_frame_that_is_none(self):
        with pytest.raises(CatalogError, match="frame must be a Galactocentric"):
            RedClumpCatalog.from_table(plain_table(), frame="icrs")

    def test_positions_without_distance(self):
        table = QTable({"coord": SkyCoord([1, 2] * u.deg, [3, 4] * u.deg), "m_h": [0.1, 0.2]})
        with pytest.raises(CatalogError, match="'coord' must hold SkyCoord positions with a dist"):
            RedClumpCatalog.from_table(table)

    def test_repeated_ids(self):
        with pytest.warns(CatalogWarning, match="'source_id': 2 of 4 rows repeat the id"):
            cat = RedClumpCatalog.from_table(plain_table(source_id=["a", "b", "a", "a"]))
        with pytest.warns(CatalogWarning, match="'source_id'"):
            cat.validate()

    def test_survey_is_one_name(self):
        with pytest.raises(CatalogError, match="survey must be one name; got ndarray"):
            RedClumpCatalog.from_table(plain_table(), survey=np.array(["a"] * 4))

    def test_columns_that_became_wrong(self, mock):
        wrong = mock[:5]
        wrong["m_h"] = ["a"] * 5
        with pytest.raises(CatalogError, match="column 'm_h' must hold numbers"):
            wrong.validate()
        wrong["m_h"] = [1, 2, 3, 4, 5] * u.kpc
        with pytest.raises(CatalogError, match="column 'm_h' must have a unit that converts to de"):
            AsymmetryMap.from_catalog(wrong)

    def test_one_star(self):
        cat = RedClumpCatalog.from_table(plain_table(1))
        assert len(cat) == 1
        assert cat.R.shape == (1,)

    def test_validate_names_what_is_wrong(self, mock):
        with pytest.raises(CatalogError, match="column 'm_h'"):
            mock["coord", "galcen"].validate()
        wrong = mock[:5]
        wrong["galcen"] = wrong["coord"]
        with pytest.raises(CatalogError, match="must be in a Galactocentric frame; got icrs"):
            wrong.validate()
        with pytest.raises(CatalogError, match="column 'galcen'"):
            _ = mock["m_h",].R


class TestAsTable:
    def test_slices_masks_and_subsets(self, mock):
        north = mock[mock.Z > 0]
        assert isinstance(north, RedClumpCatalog)
        assert np.all(north.Z > 0)
        assert len(mock[::7]) == -(-len(mock) // 7)
        some = mock["coord", "galcen", "m_h"]
        assert isinstance(some, RedClumpCatalog)
        assert_allclose(some.R.value, mock.R.value)
        assert len(mock[[3, 1]]) == 2

    def test_groups_and_unique(self, mock):
        groups = mock[:500].group_by("survey").groups
        assert sum(len(group) for group in groups) == 500
        assert all(isinstance(group, RedClumpCatalog) and group.frame.is_equivalent_frame(
            paper_frame()) for group in groups)
        assert len(unique(mock, keys="survey")) == 2

    def test_copy_pickle_stack_join_sort(self, mock):
        few = mock[:20]
        for again in (few.copy(), pickle.loads(pickle.dumps(few))):
            assert isinstance(again, RedClumpCatalog)
            assert_array_equal(again.Z, few.Z)
        assert isinstance(vstack([few, few]), RedClumpCatalog)
        joined = join(few, Table({"source_id": few["source_id"], "k": np.arange(20)}), "source_id")
        assert isinstance(joined, RedClumpCatalog)
        assert len(joined.R) == 20
        assert len(hstack([few, Table({"k": np.arange(20)})]).R) == 20
        # A slice shares its rows with the whole.
        few = few.copy()
        few.sort("m_h")
        assert np.all(np.diff(few["m_h"]) >= 0)

    def test_masked_positions_are_unknown(self, mock):
        few = mock["source_id", "coord", "galcen", "m_h"][:5]
        outer = join(few, Table({"source_id": ["zzz"]}), keys="source_id", join_type="outer")
        assert_array_equal(np.isnan(outer.R), [False] * 5 + [True])
        assert DiskBinning().index(outer)[-1] == -1
        assert AsymmetryMap.from_catalog(outer).n_masked == 1
        assert outer.validate()["missing"][0] == 1
        assert len(outer.select()) == 5
        assert len(RedClumpCatalog.concatenate([outer])) == 6
        masked = few.copy()
        masked["coord"][2] = np.ma.masked
        assert AsymmetryMap.from_catalog(masked).n_masked == 1


class TestRoundTrip:
    @pytest.fixture
    def cat(self):
        rng = np.random.default_rng(5)
        cat = catalog_at([8.0, 9, 10, 11], [0, 10, -10, 170], [0.1, -0.5, 2, -3],
                         [-0.1, np.nan, -0.3, 0.2], survey="LAMOST",
                         age=[1.0, 2, -9999, 4] * u.Gyr, snr=rng.uniform(10, 90, 4),
                         source_id=["a", "bb", "", "dddd"],
                         frame=galactocentric_frame(R0=8.1 * u.kpc))
        cat.meta["n_common"] = 3
        cat["field"] = SkyCoord([1, 2, 3, 4] * u.deg, [5, 6, 7, 8] * u.deg)
        return cat

    @pytest.mark.parametrize(("name", "kwargs"), [
        ("stars.fits", {}), ("stars.h5", {}), ("stars.hdf5", {"path": "inner/table"}),
        ("stars.parquet", {}), ("stars.ecsv", {})])
    def test_keeps_everything(self, cat, name, kwargs, tmp_path):
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        if ".h" in name:
            pytest.importorskip("h5py")
        path = tmp_path / name
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cat.write(path, **kwargs)
            again = RedClumpCatalog.read(path, **kwargs)
        assert type(again) is RedClumpCatalog
        assert set(again.colnames) == set(cat.colnames)
        assert again.frame.is_equivalent_frame(cat.frame)
        for column in ("m_h", "age", "snr"):
            assert_array_equal(floats(again, column), floats(cat, column))
            assert again[column].unit == cat[column].unit
        for column in ("m_h", "age"):
            assert_array_equal(again[column].mask, cat[column].mask)
        for column in ("source_id", "survey"):
            assert again[column].dtype.kind == "U"
            assert_array_equal(again[column], cat[column])
        assert isinstance(again["coord"], SkyCoord)
        assert_allclose(again["coord"].separation_3d(cat["coord"]).value, 0, atol=1e-12)
        assert_allclose(again.Z.value, cat.Z.value, atol=1e-12)
        assert again["m_h"].dtype.isnative
        assert_allclose(again["field"].separation(cat["field"]).deg, 0, atol=1e-12)
        assert again.meta["n_common"] == 3
        changed = RedClumpCatalog.read(path, survey="DR9", frame=paper_frame(), **kwargs)
        assert set(changed["survey"]) == {"DR9"}
        assert changed.frame.is_equivalent_frame(paper_frame())
        assert "field" in changed.colnames
        assert changed.meta["n_common"] == 3

    def test_formats_by_name(self, cat, tmp_path):
        cat.write(tmp_path / "stars", format="fits")
        again = RedClumpCatalog.read(tmp_path / "stars", format="fits")
        assert_array_equal(floats(again, "age"), floats(cat, "age"))
        assert again.frame.is_equivalent_frame(cat.frame)

    @pytest.mark.parametrize("name", ["stars.fits", "stars.ecsv"])
    def test_survey_stays_text(self, name, tmp_path):
        a = catalog_at([8.0], [0], [0.1], [0], survey="LAMOST")
        b = catalog_at([9.0], [0], [0.1], [0])
        RedClumpCatalog.concatenate([a, b]).write(tmp_path / name)
        again = RedClumpCatalog.read(tmp_path / name)
        assert_array_equal(again["survey"], ["LAMOST", ""])
        assert not hasattr(again["survey"], "mask")

    def test_a_foreign_file_goes_through_from_table(self, tmp_path):
        path = tmp_path / "plain.csv"
        plain_table(FEH=[-0.1, -9999, 0.3, 0.4]).write(path)
        cat = RedClumpCatalog.read(path, columns={"m_h": "FEH"}, survey="LAMOST")
        assert_array_equal(cat["m_h"].mask, [False, True, False, False])

    def test_existing_files_are_kept(self, cat, tmp_path):
        cat.write(tmp_path / "stars.fits")
        with pytest.raises(OSError, match="exists"):
            cat.write(tmp_path / "stars.fits")
        cat.write(tmp_path / "stars.fits", overwrite=True)

    @pytest.mark.parametrize(("name", "format"), [
        ("stars.xml", "votable"), ("stars.xml", None), ("stars.VOT", None), ("s.votable", None),
        ("stars.parquet", "votable.parquet"), ("stars.fits", "votable")])
    def test_votables_are_not_written(self, cat, name, format, tmp_path):
        with pytest.raises(CatalogError, match="FITS, ECSV, Parquet and HDF5 do; got '.*vot") as no:
            cat.write(tmp_path / name, format=format)
        assert not (tmp_path / name).exists()
        assert (format or name.lower()) in str(no.value)

    @pytest.mark.parametrize("format", [None, "votable"])
    def test_votables_are_read(self, format, tmp_path):
        table = plain_table(age=MaskedColumn([1e3, 2, 3e3, 4e3], mask=[0, 1, 0, 0], unit="Myr"),
                            ID=["a", "bb", "", "d"])
        table.write(tmp_path / "stars.xml", format="votable")
        cat = RedClumpCatalog.read(tmp_path / "stars.xml", format=format, survey="LAMOST",
                                   columns={"source_id": "ID"}, units={"distance": "pc"})
        assert_allclose(cat["coord"].distance.to_value(u.pc), [1, 2, 3, 4])
        assert_array_equal(floats(cat, "age"), [1, np.nan, 3, 4])
        assert_array_equal(cat["source_id"], ["a", "bb", "", "d"])

    @pytest.mark.parametrize("name", ["plain.csv", "plain.fits", "plain.ecsv", "plain.parquet",
                                      "plain.h5", "plain.xml"])
    def test_choices_of_from_table(self, name, tmp_path):
        pytest.importorskip({"h5": "h5py"}.get(name[-2:], "pyarrow"))
        path, frame = tmp_path / name, galactocentric_frame(R0=8 * u.kpc)
        table = plain_table(distance=None, D=[1e3, 2e3, 3e3, 4e3], FEH=[0.1, 0.2, 0.3, 0.4],
                            age=[1.0, 2, 3, 4], teff=[1, 2, 3, 4])
        table.write(path, **{"h5": {"path": "t"}, "ml": {"format": "votable"}}.get(name[-2:], {}))
        cat = RedClumpCatalog.read(
            path, columns={"distance": "D", "m_h": "FEH"}, units={"D": "pc", "age": "Myr"},
            survey="GALAH", frame=frame, keep=["teff"])
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
        assert_allclose(cat["m_h"].value, [0.1, 0.2, 0.3, 0.4])
        assert_allclose(cat["age"].to_value(u.Gyr), [0.001, 0.002, 0.003, 0.004])
        assert set(cat["survey"]) == {"GALAH"}
        assert cat.frame.is_equivalent_frame(frame)
        assert_array_equal(cat["teff"], [1, 2, 3, 4])
        for wrong in ({"units": {"mass": "g"}}, {"columns": {"m_h": "METALS"}},
                      {"frame": "icrs"}, {"keep": ["mass"]}, {"survey": 5}):
            with pytest.raises(ValueError, match=f"{name}.*{next(iter(wrong))}|column '"):
                RedClumpCatalog.read(path, **{"columns": {"distance": "D"}} | wrong)

    def test_choices_for_a_catalogue_that_was_written(self, mock, tmp_path):
        path = tmp_path / "stars.fits"
        cat = mock[:50].copy()
        cat["age_2"], cat["flag"] = 1000 * cat["age"].value, np.arange(50)
        cat.write(path)
        again = RedClumpCatalog.read(path, columns={"age": "age_2"}, units={"age": "Myr"})
        assert_allclose(again["age"].to_value(u.Gyr), cat["age"].to_value(u.Gyr))
        assert {"flag", "age_2", "true_Z"} <= set(again.colnames)
        again = RedClumpCatalog.read(path, units={"age": "Myr", "m_h": "dex"})
        assert_allclose(again["age"].to_value(u.Gyr), 0.001 * cat["age"].to_value(u.Gyr))
        assert_array_equal(again["m_h"], cat["m_h"])
        assert "age" not in RedClumpCatalog.read(path, columns={"age": None}).colnames
        only = RedClumpCatalog.read(path, keep=["flag"])
        assert_array_equal(only["flag"], cat["flag"])
        assert not {"age_2", "true_Z"} & set(only.colnames)
        for wrong, words in (({"units": {"distance": "pc"}}, "key of units must be"),
                             ({"units": {"coord": "pc"}}, "key of units must be"),
                             ({"columns": {"distance": "true_distance"}}, "must name one position"),
                             ({"columns": {"age": "tau"}}, "must have a column 'tau'"),
                             ({"keep": ["tau"]}, "must have a column 'tau'")):
            with pytest.raises(ValueError, match=f"stars.fits: .*{words}"):
                RedClumpCatalog.read(path, **wrong)

    def test_arguments_that_no_reader_has(self, mock, tmp_path):
        mock[:5].write(tmp_path / "stars.fits")
        with pytest.raises(CatalogError, match=r"cannot read stars from .*stars\.fits: .*'colums'"):
            RedClumpCatalog.read(tmp_path / "stars.fits", colums={"m_h": "FEH"})

    def test_truncated_fits(self, mock, tmp_path):
        path = tmp_path / "stars.fits"
        mock.write(path)
        whole = path.read_bytes()
        for part in (0.9, 0.5, 0.01):
            path.write_bytes(whole[:int(part * len(whole))])
            with pytest.raises(CatalogError, match=r"cannot read .*stars\.fits"):
                RedClumpCatalog.read(path)

    def test_not_a_table_at_all(self, tmp_path):
        path = tmp_path / "stars.fits"
        path.write_bytes(b"\x00\x01nonsense" * 100)
        with pytest.raises(CatalogError, match=r"cannot read .*stars\.fits"):
            RedClumpCatalog.read(path)
        with pytest.raises(FileNotFoundError):
            RedClumpCatalog.read(tmp_path / "none.fits")
        with pytest.raises(IsADirectoryError):
            RedClumpCatalog.read(tmp_path, format="fits")
        (tmp_path / "stars.bin").write_bytes(b"\x00\x01nonsense" * 100)
        with pytest.raises(CatalogError, match=r"stars\.bin: it is not a table that astropy recog"):
            RedClumpCatalog.read(tmp_path / "stars.bin")


class TestConcatenate:
    def test_stars_in_common_and_repeats(self):
        a = catalog_at([8, 9, 10, 8], [0, 5, -5, 0], [0.5, -0.5, 1, 0.5], [0.1, 0.2, 0.3, 0.4],
                       survey="LAMOST")
        b = catalog_at([9, 11], [5, 7], [-0.5, 1], [0.5, 0.6], survey="APOGEE",
                       age=[3, 4] * u.Gyr)
        both = RedClumpCatalog.concatenate([a, b])
        assert both.meta["n_common"] == 1
        assert both.meta["n_repeat"] == 1
        assert_allclose(both["m_h"].value, [0.1, 0.2, 0.3, 0.6])
        assert_array_equal(both["age"].mask, [True, True, True, False])
        assert_array_equal(both["survey"], ["LAMOST"] * 3 + ["APOGEE"])
        other_order = RedClumpCatalog.concatenate([b, a])
        assert_allclose(other_order["m_h"].value, [0.5, 0.6, 0.1, 0.3])
        everything = RedClumpCatalog.concatenate([a, b], duplicates="all")
        assert len(everything) == 6
        assert everything.meta["n_common"] == 1
        with pytest.raises(CatalogError, match="1 stars in common .* 1 repeat observations"):
            RedClumpCatalog.concatenate([a, b], duplicates="error")
        with pytest.raises(ValueError, match="duplicates must be one of .*'best'"):
            RedClumpCatalog.concatenate([a, b], duplicates="best")

    def test_max_separation(self):
        a = RedClumpCatalog.from_table(plain_table(1))
        table = plain_table(1)
        table["dec"] += 3 / 3600
        b = RedClumpCatalog.from_table(table)
        assert len(RedClumpCatalog.concatenate([a, b])) == 2
        assert len(RedClumpCatalog.concatenate([a, b], max_separation=4 * u.arcsec)) == 1
        with pytest.raises(u.UnitsError, match="max_separation"):
            RedClumpCatalog.concatenate([a, b], max_separation=1 * u.kpc)

    def test_three_surveys(self):
        a, b, c = (catalog_at([8, 9 + k], [0, 5], [0.5, -0.5], [k, k + 0.5]) for k in range(3))
        three = RedClumpCatalog.concatenate([a, b, c])
        assert three.meta["n_common"] == 2
        assert_allclose(three["m_h"].value, [0, 0.5, 1.5, 2.5])

    def test_a_repeat_of_a_common_star_goes_too(self):
        a = RedClumpCatalog.from_table(plain_table(1))
        table = vstack([plain_table(1), plain_table(1)])
        table["dec"] += np.array([0.9, 1.5]) / 3600
        both = RedClumpCatalog.concatenate([a, RedClumpCatalog.from_table(table)])
        assert len(both) == 1
        assert (both.meta["n_common"], both.meta["n_repeat"]) == (1, 1)

    def test_stars_without_position_are_kept(self):
        table = plain_table(distance=[1.0, np.nan, np.nan, 2.0])
        table["ra"][1] = np.nan
        cat = RedClumpCatalog.from_table(table)
        both = RedClumpCatalog.concatenate([cat, cat])
        # The direction of the third star is known, so it is found again; the second's is not.
        assert len(both) == 5
        assert both.meta["n_common"] == 3

    def test_frames_must_agree(self):
        a = RedClumpCatalog.from_table(plain_table())
        b = RedClumpCatalog.from_table(plain_table(), frame=galactocentric_frame(R0=8 * u.kpc))
        with pytest.raises(CatalogError, match="galcen_distance = 8.34.* and 8"):
            RedClumpCatalog.concatenate([a, b])

    def test_many_rows_at_one_place(self):
        table = plain_table(20_000, ra=np.zeros(20_000), dec=np.zeros(20_000))
        one = RedClumpCatalog.concatenate([RedClumpCatalog.from_table(table)])
        assert (len(one), one.meta["n_repeat"]) == (1, 19_999)

    @pytest.mark.parametrize("separation", [0 * u.arcsec, -1 * u.arcsec, np.nan * u.arcsec,
                                            [1, 2] * u.arcsec])
    def test_separation_that_is_none(self, separation, mock):
        with pytest.raises(CatalogError, match="max_separation must be one angle above 0"):
            mock.match(mock, separation)
        with pytest.raises(CatalogError, match="max_separation"):
            RedClumpCatalog.concatenate([mock], max_separation=separation)

    def test_one_catalogue_is_no_sequence(self, mock):
        with pytest.raises(CatalogError, match="got one catalogue, put it in a list"):
            RedClumpCatalog.concatenate(mock)
        with pytest.raises(CatalogError, match="must hold catalogues; got int"):
            RedClumpCatalog.concatenate([1])

    def test_nothing_to_concatenate(self):
        with pytest.raises(CatalogError, match="got none"):
            RedClumpCatalog.concatenate([])
