# Licensed under a 3-clause BSD style license - see LICENSE.rst
import pickle
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactocentric, Longitude, SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table, join, vstack
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog
from rcasym.catalog import galactocentric_frame, paper_frame
from rcasym.catalog.columns import floats
from rcasym.exceptions import CatalogError, CatalogWarning, RcasymError
from tests.catalog.helpers import plain_table

MISSING = [-9999, -9999.99, -999.0, -99.9, np.nan, np.inf, -np.inf]
COORD = SkyCoord([1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.deg, [1, 2, 3, 4] * u.kpc)


def with_coord():
    table = QTable(plain_table())
    table["coord"] = COORD
    return table


class TestFromTable:
    def test_plain_numbers_are_in_the_canonical_units(self):
        cat = RedClumpCatalog.from_table(plain_table(age=[1, 2, 3, 4], snr=[10, 20, 30, 40]))
        assert cat["m_h"].unit == u.dex
        assert cat["age"].unit == u.Gyr
        assert_allclose(cat["coord"].distance.to_value(u.kpc), [1, 2, 3, 4])

    def test_units_are_converted(self):
        cat = RedClumpCatalog.from_table(plain_table(
            age=Column([1e9, 2e9, 3e9, 4e9], unit="yr"),
            ra=Column([1.0, 2, 3, 4], unit="hourangle"),
            distance=Column([1000.0, 2000, 3000, 4000], unit="pc")))
        assert_allclose(cat["age"].value, [1, 2, 3, 4])
        assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
        assert_allclose(cat["coord"].ra.deg, [15, 30, 45, 60])

    @pytest.mark.parametrize("unit", [u.dex, u.dimensionless_unscaled, u.Unit("dex(1)"), None])
    def test_units_of_abundances(self, unit):
        table = plain_table()
        table["m_h"].unit = unit
        assert_allclose(RedClumpCatalog.from_table(table)["m_h"].value, table["m_h"])

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

    @pytest.mark.parametrize("bad", MISSING)
    def test_missing_values_are_masked_and_only_metallicities_counted(self, bad):
        for name in ("age", "age_error", "alpha_m", "m_h_error", "snr"):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                cat = RedClumpCatalog.from_table(plain_table(**{name: [0.1, bad, 0.3, 0.4]}))
            assert_array_equal(cat[name].mask, [False, True, False, False])
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
        with pytest.warns(CatalogWarning, match=f"'{name}': 1 of 4 stars have no value"):
            cat = RedClumpCatalog.from_table(plain_table(**{name: [10.0, bad, 12.0, 13.0]}))
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
        with pytest.warns(CatalogWarning, match=f"{name}.*1 of 4 values are not in {rule}"):
            cat = RedClumpCatalog.from_table(plain_table(**{name: [1.0, bad, 2.0, 3.0]}))
        missing = cat.validate()
        row = "position" if name in ("distance", "ra", "dec") else name
        assert missing["missing"][missing["column"] == row] == 1
        assert len(cat) == 4

    def test_warnings_name_the_tables_own_column_and_point_at_the_user(self):
        with pytest.warns(CatalogWarning, match=r"column 'D' \(distance\)") as caught:
            RedClumpCatalog.from_table(
                plain_table(distance=None, D=[1.0, -2, 3, 4], age=[-1, 1, 2, 3]),
                columns={"distance": "D"})
        assert [warning.filename for warning in caught] == [__file__, __file__]

    def test_numbers_of_pandas(self):
        cat = RedClumpCatalog.from_table(plain_table(age=np.array([1, None, 2.5, np.nan], object)))
        assert_array_equal(floats(cat, "age"), [1, np.nan, 2.5, np.nan])

    def test_longitudes_wrapped_at_180(self):
        table = QTable(plain_table())
        table["ra"] = Longitude([-5, 5, 170, -170] * u.deg, wrap_angle=180 * u.deg)
        assert_allclose(RedClumpCatalog.from_table(table)["coord"].ra.deg, [355, 5, 170, 190])

    def test_extra_columns_are_copied_on_request(self):
        table = plain_table(teff=[1, 2, 3, 4])
        assert "teff" not in RedClumpCatalog.from_table(table).colnames
        for keep in ("teff", ["teff"]):
            cat = RedClumpCatalog.from_table(table, keep=keep)
            assert_array_equal(cat["teff"], [1, 2, 3, 4])
            cat["teff"][0] = 5
        assert table["teff"][0] == 1
        read_twice = RedClumpCatalog.from_table(table, columns={"age": "teff"}, keep=["teff"])
        assert {"age", "teff"} <= set(read_twice.colnames)

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

    def test_ids_are_text_without_padding(self):
        cat = RedClumpCatalog.from_table(plain_table(source_id=[b"a  ", b"bb ", b"c  ", b"d  "]))
        assert_array_equal(cat["source_id"], ["a", "bb", "c", "d"])
        cat = RedClumpCatalog.from_table(plain_table(source_id=[1, 2, 3, 2**62]))
        assert cat["source_id"][3] == str(2**62)

    def test_frames(self, mock):
        assert_allclose(RedClumpCatalog.from_table(mock).Z.value, mock.Z.value, atol=1e-12)
        other = galactocentric_frame(R0=8 * u.kpc, Z0=0 * u.pc)
        moved = RedClumpCatalog.from_table(mock, frame=other)
        assert moved.frame.is_equivalent_frame(other)
        assert RedClumpCatalog.from_table(moved).frame.is_equivalent_frame(other)
        near = RedClumpCatalog.from_table(plain_table(), frame=other)
        assert np.all(near.R < RedClumpCatalog.from_table(plain_table()).R)

    @pytest.mark.parametrize(("left_out", "ra"), [("coord", plain_table()["ra"]),
                                                  ("ra", [1, 2, 3, 4])])
    def test_a_position_that_is_left_out(self, left_out, ra):
        cat = RedClumpCatalog.from_table(with_coord(), columns={left_out: None})
        assert_allclose(cat["coord"].ra.deg, ra)


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

    @pytest.mark.parametrize(("error", "units"), [
        ("d", {"d": "pc"}),
        # The name in the catalogue comes before that in the table.
        ("distance", {"d": "pc", "distance_error": "pc"})])
    def test_columns_that_are_read_for_distance_and_error(self, error, units):
        table = plain_table(distance=[1e3, 2e3, 3e3, 4e3], d=[1e3, 2e3, 3e3, 4e3])
        cat = RedClumpCatalog.from_table(
            table, columns={"distance": "d", "distance_error": error}, units=units)
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
        names = ("l", "b", "age", "tau", "AGE")
        table = plain_table(**{name: [1.0, 2, 3, 4] for name in names})
        with pytest.raises(RcasymError, match=f"a key of units must be .*; got '{key}'"):
            RedClumpCatalog.from_table(table, columns=columns, units={key: "rad"})


NUMBERS = [1.0, 2, 3, 4]
BAD_INPUT = [
    # Positions.
    (with_coord(), {"columns": {"coord": "coord", "ra": "ra"}}, "one position; got 'coord'"),
    (with_coord(), {"columns": {"distance": "distance"}}, "must name one position; got 'distance'"),
    (with_coord(), {"columns": {"l": "ra", "b": "dec", "dec": "dec"}}, "position; got 'dec'"),
    (QTable({"coord": SkyCoord([1, 2] * u.deg, [3, 4] * u.deg), "m_h": [0.1, 0.2]}), {},
     "'coord' must hold SkyCoord positions with a dist"),
    # Columns.
    *((plain_table(**{name: None}), {}, f"column '{name}'")
      for name in ("ra", "dec", "distance", "m_h")),
    (plain_table(), {"columns": {"m_h": "mh"}}, "'mh'.*nearest 'm_h'"),
    (plain_table(age=NUMBERS, AGE2=NUMBERS), {"columns": {"age": "AGE2"}, "keep": ["age"]},
     "keep must not name .* replaces or .*; got 'age'"),
    (plain_table(age=NUMBERS), {"columns": {"age": None}, "keep": ["age"]},
     "keep must not name .* replaces or .*; got 'age'"),
    (plain_table(S=["a"] * 4), {"columns": {"survey": "S"}, "survey": "LAMOST"},
     "survey must not be given beside .* got 'LAMOST'"),
    (plain_table(), {"survey": np.array(["a"] * 4)}, "survey must be one name; got ndarray"),
    # Tables and values.
    (Table(), {}, "column 'ra'; it has no columns at all"),
    (plain_table()[:0], {}, "one or more rows; got 0"),
    ({"ra": [1]}, {}, "must be an astropy Table; got dict"),
    *((plain_table(**{name: ["young", "old", "old", "old"]}), {},
       f"column '{name}' must hold numbers.*'young'") for name in ("ra", "distance", "m_h", "age")),
    (plain_table(m_h=np.ones((4, 2))), {}, "'m_h' must hold one number per star"),
    (plain_table(), {"frame": "icrs"}, "frame must be a Galactocentric"),
    # Units.
    *((plain_table(**{name: Column(NUMBERS, unit=unit)}), {},
       f"column '{name}' must have a unit.*got {unit}")
      for name, unit in (("distance", "s"), ("age", "kpc"), ("m_h", "km"), ("ra", "kpc"))),
    (plain_table(m_h=Column(NUMBERS, unit=u.Unit("[Sun]", parse_strict="silent"))), {},
     "'m_h' must have a unit.*set it to None"),
    *((plain_table(), {"units": {"m_h": unit}},
       r"units\['m_h'\] must be a unit that astropy knows")
      for unit in ("parsecs long", None, [1, 2], "dexx")),
    *((plain_table(age=NUMBERS), {"units": {key: unit}},
       f"column '{key}' must have a unit that converts")
      for key, unit in (("distance", "s"), ("m_h", "kpc"), ("ra", "kpc"), ("age", ""))),
    (plain_table(distance=None, D=NUMBERS),
     {"columns": {"distance": "D"}, "units": {"distance": "pc", "D": "kpc"}},
     "one unit per column; got 'D' twice"),
]


class TestBadInput:
    @pytest.mark.parametrize(("table", "how", "message"), BAD_INPUT)
    def test_from_table(self, table, how, message):
        with pytest.raises(CatalogError, match=message):
            RedClumpCatalog.from_table(table, **how)

    def test_unknown_key_of_columns(self):
        with pytest.raises(ValueError, match="'metallicity'"):
            RedClumpCatalog.from_table(plain_table(), columns={"metallicity": "m_h"})

    def test_repeated_ids(self):
        with pytest.warns(CatalogWarning, match="'source_id': 2 of 4 rows repeat the id"):
            cat = RedClumpCatalog.from_table(plain_table(source_id=["a", "b", "a", "a"]))
        with pytest.warns(CatalogWarning, match="'source_id'"):
            cat.validate()

    def test_columns_that_became_wrong(self, mock):
        wrong = mock[:5]
        wrong["m_h"] = ["a"] * 5
        with pytest.raises(CatalogError, match="column 'm_h' must hold numbers"):
            wrong.validate()
        wrong["m_h"] = [1, 2, 3, 4, 5] * u.kpc
        with pytest.raises(CatalogError, match="column 'm_h' must have a unit that converts to de"):
            AsymmetryMap.from_catalog(wrong)
        wrong["galcen"] = wrong["coord"]
        with pytest.raises(CatalogError, match="must be in a Galactocentric frame; got icrs"):
            wrong.validate()
        with pytest.raises(CatalogError, match="column 'm_h'"):
            mock["coord", "galcen"].validate()
        with pytest.raises(CatalogError, match="column 'galcen'"):
            _ = mock["m_h",].R


class TestAsTable:
    def test_slices_masks_and_subsets(self, mock):
        north = mock[mock.Z > 0]
        assert isinstance(north, RedClumpCatalog)
        assert np.all(north.Z > 0)
        some = mock["coord", "galcen", "m_h"]
        assert isinstance(some, RedClumpCatalog)
        assert_allclose(some.R.value, mock.R.value)
        assert RedClumpCatalog.from_table(plain_table(1)).R.shape == (1,)

    def test_operations_keep_class_and_frame(self, mock):
        few = mock[:20]
        for again in (few.copy(), pickle.loads(pickle.dumps(few))):
            assert isinstance(again, RedClumpCatalog)
            assert_array_equal(again.Z, few.Z)
        joined = join(few, Table({"source_id": few["source_id"], "k": np.arange(20)}), "source_id")
        groups = few.group_by("survey").groups
        for other in (vstack([few, few]), joined, *groups):
            assert isinstance(other, RedClumpCatalog)
            assert other.frame.is_equivalent_frame(paper_frame())
            assert len(other.R) == len(other)
        assert len(joined) == sum(map(len, groups)) == 20

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
