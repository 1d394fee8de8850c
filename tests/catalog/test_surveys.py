# Licensed under a 3-clause BSD style license - see LICENSE.rst
import gzip

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, RedClumpCatalog
from rcasym.catalog.columns import floats
from rcasym.catalog.surveys import position_from_apogee_id
from rcasym.exceptions import CatalogError, CatalogWarning

IDS = ["2M19052050+4655041", "2M00000002-0000001", "AP17431000-2948123", "2M05320000+2200000"]


def apogee_file(path, **changes):
    """A file with the data model of the APOGEE red clump catalogue: padded text, no units."""
    columns = {
        "APOGEE_ID": np.array(IDS, "S30"), "RA": [286.3, 0.0, 265.8, 83.0],
        "DEC": [46.9, 0.0, -29.8, 22.0], "M_H": np.array([-0.1, np.nan, -9999.0, 0.2], "f4"),
        "M_H_ERR": np.array([0.01, 0.02, -9999.0, 0.04], "f4"),
        "ALPHA_M": np.array([0.05, np.nan, 0.1, 0.2], "f4"),
        "ALPHA_M_ERR": np.array([0.01, np.nan, 0.02, 0.2], "f4"),
        "SNR": np.array([100, 200, 300, 50], "f4"), "RC_DIST": [1.5, 2.5, -9999.99, 3.5],
        "RC_GALR": [0.0] * 4, "STARFLAG": np.array([0, 1, 2, 3], "i8")} | changes
    hdu = fits.BinTableHDU(Table({k: v for k, v in columns.items() if v is not None}))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


@pytest.fixture
def apogee(tmp_path):
    return apogee_file(tmp_path / "apogee-rc-DR17.fits")


def ages_table(**changes):
    columns = {"APOGEE_ID": [IDS[3], IDS[0], IDS[0], "2M99999999+0000000", IDS[2]],
               "spec_age_xgb": [4.0, 9.9, 5.5, 1.0, 3.0],
               "spec_age_xgb_uncert": [0.4, 0.9, 0.5, 0.1, 0.3],
               "spec_age_xgb_flag": ["", "HIGH_VSINI", "", "", "BLUER_THAN_TRAINING_SET "]}
    return Table(columns | changes)


class TestApogee:
    def test_reads_the_data_model(self, apogee):
        cat = RedClumpCatalog.read(apogee, format="apogee-rc")
        assert_array_equal(cat["source_id"], IDS)
        assert set(cat["survey"]) == {"APOGEE"}
        assert_array_equal(cat["m_h"].mask, [False, True, True, False])
        assert_array_equal(cat["alpha_m"].mask, [False, True, False, False])
        assert_array_equal(np.isnan(cat.R), [False, False, True, False])
        assert_allclose(cat["m_h"].value[[0, 3]], [-0.1, 0.2], atol=1e-7)
        assert "age" not in cat.colnames

    @pytest.mark.parametrize("as_file", [True, False])
    def test_joins_ages(self, apogee, tmp_path, as_file):
        ages = ages_table()
        if as_file:
            ages.write(tmp_path / "ages.fits")
            ages = tmp_path / "ages.fits"
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
        # Of two rows of a star the clean one counts; a flagged star and one without row have none.
        assert_array_equal(cat["age"].mask, [False, True, True, False])
        assert_allclose(cat["age"].unmasked.to_value(u.Gyr)[[0, 3]], [5.5, 4.0])
        assert_allclose(cat["age_error"].unmasked.value[[0, 3]], [0.5, 0.4])
        assert (cat.meta["n_age"], cat.meta["n_ageflg"], cat.meta["n_noage"]) == (2, 1, 1)
        cat.write(tmp_path / "stars.fits")

    def test_masked_flags_are_clean_and_flags_may_be_absent(self, apogee):
        ages = ages_table()
        ages["spec_age_xgb_flag"] = np.ma.array(ages["spec_age_xgb_flag"], mask=[1, 0, 1, 1, 1])
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
        assert_array_equal(cat["age"].mask, [False, True, False, False])
        for empty in (0, None, "nan", " "):
            ages["spec_age_xgb_flag"] = np.full(5, empty)
            cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
            assert_array_equal(cat["age"].mask, [False, True, False, False])
        ages["spec_age_xgb_flag"] = np.ma.array(np.zeros(5, int), mask=True)
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
        assert cat.meta["n_age"] == 3
        ages.remove_column("spec_age_xgb_flag")
        with pytest.warns(CatalogWarning, match="no column 'spec_age_xgb_flag', so no age is"):
            cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
        assert cat["age"].unmasked[0] == 9.9 * u.Gyr

    def test_other_age_columns(self, apogee):
        ages = ages_table(AGE=[1.0, 2, 3, 4, 5], E=[0.1] * 5)
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages, age_column="AGE",
                                   age_error_column="E", age_flag_column=None)
        assert_allclose(cat["age"].unmasked.value[[0, 2, 3]], [2, 5, 1])
        with pytest.raises(CatalogError, match="the ages table must have a column 'AGE2'"):
            RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages, age_column="AGE2")

    def test_ages_that_are_none(self, apogee, tmp_path):
        for change, message in (
                (ages_table()[:0], "the ages table must have one or more rows; got 0"),
                (ages_table(spec_age_xgb=["young"] * 5), "table: column 'spec_age_xgb'.*number")):
            with pytest.raises(CatalogError, match=message):
                RedClumpCatalog.read(apogee, format="apogee-rc", ages=change)
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages_table(
            spec_age_xgb=[4.0, 99.0, -9999, 1.0, 3.0]))
        assert cat.meta["n_age"] == 1
        nameless = apogee_file(tmp_path / "n.fits", APOGEE_ID=np.full(4, b"  ", "S30"))
        with pytest.warns(CatalogWarning):
            cat = RedClumpCatalog.read(nameless, format="apogee-rc",
                                       ages=ages_table(APOGEE_ID=[""] * 5))
        assert cat.meta["n_age"] == 0

    def test_other_columns_and_frame_arguments(self, tmp_path):
        path = apogee_file(tmp_path / "a.fits", FE_H=[-0.5, -0.4, -0.3, -0.2])
        cat = RedClumpCatalog.read(path, format="apogee-rc", columns={"m_h": "FE_H"}, survey="DR17",
                                   keep=["STARFLAG"])
        assert_allclose(cat["m_h"].value, [-0.5, -0.4, -0.3, -0.2])
        # The error of [M/H] is not that of [Fe/H].
        assert "m_h_error" not in cat.colnames
        assert_array_equal(cat["STARFLAG"], [0, 1, 2, 3])
        assert set(cat["survey"]) == {"DR17"}

    def test_position_from_id_is_an_option(self, tmp_path):
        path = apogee_file(tmp_path / "a.fits", RA=None, DEC=None)
        with pytest.raises(CatalogError, match=r"a column for ra \(RA\) to be read as 'apogee-rc'"):
            RedClumpCatalog.read(path, format="apogee-rc")
        cat = RedClumpCatalog.read(path, format="apogee-rc", position_from_id=True)
        assert_allclose(cat["coord"].ra.deg[0], 286.33541667)

    def test_positions_of_ids(self):
        coord = position_from_apogee_id([*IDS, "HIP1234", "", "J19052050+4655041"])
        assert_allclose(coord.dec.deg[:4], [46.91780556, -0.1 / 3600, -29.80341667, 22.0])
        assert_allclose(coord.ra.deg[1], 15 * 0.02 / 3600)
        assert_array_equal(np.isnan(coord.ra), [False] * 4 + [True, True, False])

    def test_wrong_files(self, apogee, tmp_path):
        with pytest.raises(CatalogError, match=r"b\.fits must .* distance \(RC_DIST\)"):
            RedClumpCatalog.read(apogee_file(tmp_path / "b.fits", RC_DIST=None), format="apogee-rc")
        (tmp_path / "text.dat").write_text("no table\nat all, is it\n")
        with pytest.raises(CatalogError, match=r"cannot read 'apogee-rc' stars from .*text\.dat"):
            RedClumpCatalog.read(tmp_path / "text.dat", format="apogee-rc")
        fits.PrimaryHDU(np.ones((3, 3))).writeto(tmp_path / "image.fits")
        with pytest.raises(CatalogError, match=r"image.fits must have a table"):
            RedClumpCatalog.read(tmp_path / "image.fits", format="apogee-rc")
        with pytest.raises(ValueError, match="format must be one of 'apogee-rc', 'lamost-.*'apog'"):
            RedClumpCatalog.read(apogee, format="apog")
        with pytest.raises(CatalogError, match="unexpected keyword argument 'ages'"):
            RedClumpCatalog.read(apogee, format="lamost-rc", ages=ages_table())
        whole, squeezed = apogee.read_bytes(), tmp_path / "half.fits.gz"
        for path, content in ((apogee, whole[:6000]), (squeezed, gzip.compress(whole)[:300])):
            path.write_bytes(content)
            with pytest.raises(CatalogError, match=f"cannot read 'apogee-rc' .*{path.name}"):
                RedClumpCatalog.read(path, format="apogee-rc")

    def test_units(self, tmp_path):
        path = apogee_file(tmp_path / "a.fits", RC_DIST=[1500.0, 2500, -9999, 3500])
        for units in ({"distance": "pc"}, {"RC_DIST": "pc"}):
            cat = RedClumpCatalog.read(path, format="apogee-rc", units=units)
            assert_allclose(cat["coord"].distance.kpc, [1.5, 2.5, np.nan, 3.5])
        with pytest.raises(ValueError, match=r"a\.fits: a key of units must be .*; got 'GALR'"):
            RedClumpCatalog.read(path, format="apogee-rc", units={"GALR": "pc"})

    def test_joined_ages_come_from_their_own_table(self, apogee):
        for choice in ({"units": {"age": "Myr"}}, {"columns": {"age": "SNR"}},
                       {"units": {"age_error": "Myr"}}):
            with pytest.raises(CatalogError, match=f"ages= joins; got '{'age'}.*ages table"):
                RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages_table(), **choice)
        ages = ages_table()
        for name in ("spec_age_xgb", "spec_age_xgb_uncert"):
            ages[name] = 1000 * ages[name]
            ages[name].unit = "Myr"
        cat = RedClumpCatalog.read(apogee, format="apogee-rc", ages=ages)
        assert_allclose(cat["age"].unmasked.to_value(u.Gyr)[[0, 3]], [5.5, 4.0])

    def test_a_column_of_surveys(self, tmp_path):
        path = apogee_file(tmp_path / "a.fits", FIELD=["x", "y", "x", "z"])
        cat = RedClumpCatalog.read(path, format="apogee-rc", columns={"survey": "FIELD"})
        assert_array_equal(cat["survey"], ["x", "y", "x", "z"])


class TestLamost:
    def table(self, **changes):
        return Table({"obsid": [11, 12, 13], "ra_obs": [80.0, 90, 100], "dec_obs": [20.0, 30, 40],
                      "dist": [2.0, 3, -9999], "FEH_PASTEL": [-0.2, -0.3, np.nan],
                      "FEH_APOGEE": [-0.1, -0.2, -0.3], "snrg": [20.0, 60, 80],
                      "age": [3.0, 5, 7]} | changes)

    def read(self, tmp_path, columns=None, **changes):
        self.table(**changes).write(tmp_path / "rc.fits")
        return RedClumpCatalog.read(tmp_path / "rc.fits", format="lamost-rc", columns=columns)

    def test_default_names(self, tmp_path):
        cat = self.read(tmp_path)
        assert_allclose(cat["snr"].value, [20, 60, 80])
        assert_array_equal(cat["m_h"].mask, [False, False, True])
        assert_array_equal(cat["source_id"], ["11", "12", "13"])
        assert len(cat.select()) == 1

    @pytest.mark.parametrize(("value", "error"), [("FEH_PASTEL", 0.1), ("FEH_APOGEE", 0.2)])
    def test_own_names_and_errors_that_go_with_them(self, tmp_path, value, error):
        cat = self.read(tmp_path, {"m_h": value, "age": None}, err_FEH_PASTEL=[0.1] * 3,
                        err_FEH_APOGEE=[0.2] * 3)
        assert_allclose(floats(cat, "m_h"), self.table()[value])
        assert set(cat["m_h_error"].value) == {error}
        assert "age" not in cat.colnames

    def test_galactic_positions(self, tmp_path):
        galactic = {"gl": [150.0, 160, 170], "gb": [5.0, -5, 10]}
        cat = self.read(tmp_path, {"l": "gl", "b": "gb"}, **galactic)
        assert_array_equal(np.isnan(cat.R), [False, False, True])
        sky = SkyCoord(cat["coord"].ra, cat["coord"].dec).galactic
        assert_allclose(sky.l.deg, galactic["gl"])

    @pytest.mark.parametrize(("columns", "missing"), [({"l": "snrg"}, "b"), ({"m_h": "FE"}, "FE")])
    def test_missing_columns(self, tmp_path, columns, missing):
        with pytest.raises(CatalogError, match=rf"rc\.fits: .* must have a column '{missing}'"):
            self.read(tmp_path, columns)

    def test_fits_ascii_table(self, tmp_path):
        columns = [fits.Column("RAdeg", "F9.4", array=[80.0, 90.0], unit="deg", ascii=True),
                   fits.Column("DEdeg", "F9.4", array=[20.0, 30.0], unit="deg", ascii=True),
                   fits.Column("Dist", "F7.2", array=[2000.0, 3000.0], unit="pc", ascii=True),
                   fits.Column("__Fe_H_", "F6.2", array=[-0.2, -0.3], ascii=True),
                   fits.Column("e__Fe_H_", "F6.2", array=[0.02, 0.03], ascii=True),
                   fits.Column("ID", "A12", array=["a", "b"], ascii=True)]
        table = fits.TableHDU.from_columns(columns)
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "vizier.fit")
        cat = RedClumpCatalog.read(tmp_path / "vizier.fit", format="lamost-rc")
        assert_allclose(cat["coord"].distance.kpc, [2, 3])
        assert_array_equal(cat["source_id"], ["a", "b"])
        assert_allclose(cat["m_h_error"].value, [0.02, 0.03])

    def test_dr3_table(self, tmp_path):
        path = tmp_path / "dr3.dat"
        path.write_text("# obsid ra dec teff feh dist disterr_low disterr_up Z R lnnu\n"
                        "75606117 337.46744 +6.01526 4829 -1.66 7.79 1.37 1.75 -5.22 8.26 -inf\n"
                        "75606118 237.46744 -6.01526 4829 nan 2.79 0.37 0.75 -5.22 8.26 -1.5\n")
        cat = RedClumpCatalog.read(path, format="lamost-dr3-rgb")
        assert_allclose(cat["distance_error"].value, [1.56, 0.56])
        assert_array_equal(cat["m_h"].mask, [False, True])
        assert_allclose(cat["coord"].dec.deg, [6.01526, -6.01526])

    @pytest.mark.parametrize(("content", "message"), [
        *((text, "dr3.dat, to be read as 'lamost-dr3-rgb', must")
          for text in ("", "RA DEC\n1 2\n", "# obsid ra dec\n1 2 3\n")),
        ("# obsid ra dec feh dist\n1 2 3 -0.4 5\n2 3\n", r"cannot read .*dr3.dat")])
    def test_not_the_dr3_table(self, tmp_path, content, message):
        path = tmp_path / "dr3.dat"
        path.write_text(content)
        with pytest.raises(CatalogError, match=message):
            RedClumpCatalog.read(path, format="lamost-dr3-rgb")


class TestRealTables:
    def test_lamost_dr3(self, data_file):
        cat = RedClumpCatalog.read(data_file("LMDR3_diskRGB2.dat"), format="lamost-dr3-rgb")
        assert len(cat) == 21_954
        outer = (cat.R > 11 * u.kpc) & np.isfinite(cat["m_h"])
        north, south = (np.sum(outer & (np.sign(cat.Z) == sign)) for sign in (1, -1))
        assert north > south > 3000
        joined = RedClumpCatalog.concatenate([cat])
        assert joined.meta["n_repeat"] >= 3090
        amap = AsymmetryMap.from_catalog(joined)
        assert amap.n_stars + amap.n_outside + amap.n_masked == len(joined)
        assert 21_954 == len(joined) + joined.meta["n_repeat"]

    def test_vizier_ascii_table(self, data_file):
        cat = RedClumpCatalog.read(
            data_file("kepler_apogee_miglio2021.fit"), format="lamost-rc", survey="APOGEE",
            columns={"source_id": "APOGEE", "alpha_m": "__alpha_M_"})
        assert len(cat) == 3315
        assert np.isfinite(cat.R).sum() == 3314
        assert cat["age"].unit == u.Gyr
        # Kepler's field: l about 76 deg, b about 13 deg.
        assert abs(np.nanmedian(cat["coord"].galactic.b.deg) - 13) < 2

    def test_real_apogee_columns_and_ids(self, data_file):
        path = data_file("Montalban2021_X_APOGEE_DR17.fits")
        with pytest.raises(CatalogError, match=r"distance \(RC_DIST\)"):
            RedClumpCatalog.read(path, format="apogee-rc")
        with pytest.warns(CatalogWarning, match="GAIAEDR3_R_MED_PHOTOGEO"):
            cat = RedClumpCatalog.read(path, format="apogee-rc",
                                       columns={"distance": "GAIAEDR3_R_MED_PHOTOGEO"})
        assert len(cat) == 95
        assert cat["alpha_m_error"].unit == u.dex
        table = Table.read(path, hdu=1)
        coord = position_from_apogee_id(np.char.decode(table["APOGEE_ID"]))
        sky = SkyCoord(table["RA"], table["DEC"], unit="deg")
        assert np.max(coord.separation(sky)) < 1 * u.arcsec
