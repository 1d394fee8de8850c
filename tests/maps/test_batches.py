# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps from batches, which equal the map of all stars together."""

import pickle
import re
import tracemalloc

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK4, ICRS, Galactic
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog
from rcasym.catalog import galactocentric_frame
from rcasym.exceptions import CatalogError, CatalogWarning, RcasymError, ValuesNotKeptError
from rcasym.maps import batches
from tests.maps.helpers import NAMES, assert_same_map, make_raw_table

COARSE = DiskBinning(phi=None, R=[7, 9, 11, 13] * u.kpc, Z=[-2, -1, 0, 1, 2] * u.kpc)


@pytest.fixture(scope="module")
def table(mock):
    return make_raw_table(mock)


@pytest.fixture(scope="module")
def amap(table):
    with pytest.warns(CatalogWarning):
        return AsymmetryMap.from_catalog(RedClumpCatalog.from_table(table, columns=NAMES))


@pytest.fixture
def files(table, tmp_path):
    """Five files in three formats, one of them without stars."""
    cuts = [0, 3000, 3000, 7001, 15_000, len(table)]
    names = ("a.fits", "b.parquet", "c.parquet", "d.fits", "e.ecsv")
    paths = [tmp_path / name for name in names]
    for path, start, stop in zip(paths, cuts[:-1], cuts[1:], strict=True):
        table[start:stop].write(path)
    return paths


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestInputs:
    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_files(self, files, amap, monkeypatch, workers):
        monkeypatch.setattr(batches, "BATCH", 1234)
        assert_same_map(AsymmetryMap.from_batches(files, columns=NAMES, workers=workers), amap)
        assert_same_map(AsymmetryMap.from_batches(files[::-1], columns=NAMES), amap)
        one, some = (AsymmetryMap.from_batches(files, columns=NAMES, medians=False, workers=n)
                     for n in (1, workers))
        assert_array_equal(one.mean, some.mean)
        assert_array_equal(one.std, some.std)

    def test_folder(self, files, table, amap):
        files[-1].unlink()
        table[15_000:].write(files[-1].with_suffix(".parquet"))
        assert_same_map(AsymmetryMap.from_batches(files[0].parent, columns=NAMES), amap)

    def test_tables_catalogues_and_paths(self, files, table, amap):
        parts = (table[start:start + 777] for start in range(0, len(table), 777))
        assert_same_map(AsymmetryMap.from_batches(parts, columns=NAMES), amap)
        mixed = [RedClumpCatalog.from_table(table[:3000], columns=NAMES), *files[1:]]
        assert_same_map(AsymmetryMap.from_batches(iter(mixed), columns=NAMES), amap)

    def test_tables_with_other_positions(self, mock):
        sky = mock["coord"].galactic
        galactic = QTable({"l": sky.l, "b": sky.b, "distance": sky.distance, "m_h": mock["m_h"]})
        for table, catalog in ((galactic, RedClumpCatalog.from_table(galactic)),
                               (QTable(mock), mock)):
            ours = AsymmetryMap.from_batches([table[:9000], table[9000:]])
            assert_same_map(ours, AsymmetryMap.from_catalog(catalog))

    def test_by_age_in_another_frame(self, files, table, tmp_path):
        frame = galactocentric_frame(R0=8 * u.kpc)
        catalog = RedClumpCatalog.from_table(table, columns=NAMES, frame=frame)
        theirs = AsymmetryMap.from_catalog(catalog, DiskBinning.by_age())
        ours = AsymmetryMap.from_batches(files, DiskBinning.by_age(), columns=NAMES, frame=frame)
        assert_same_map(ours, theirs)
        # A catalogue that was written, with masked values.
        catalog.write(tmp_path / "catalog.parquet")
        ours = AsymmetryMap.from_batches(tmp_path / "catalog.parquet", DiskBinning.by_age())
        assert_array_equal(ours.count, theirs.count)
        assert_allclose(ours.mean.value, theirs.mean.value, rtol=0, atol=1e-12)
        assert ours.n_masked == theirs.n_masked

    @pytest.mark.parametrize("suffix", ["fits", "parquet"])
    @pytest.mark.parametrize("sky", [FK4(), Galactic()])
    def test_rejects_positions_in_other_sky_frames(self, mock, sky, suffix, tmp_path):
        table = QTable({"coord": mock["coord"][:50].transform_to(sky),
                        "m_h": mock["m_h"][:50].value})
        table.write(tmp_path / f"stars.{suffix}")
        with pytest.raises(ValueError, match=f"stars.{suffix} must have a column 'coord' in ICRS .*"
                                             f"in {type(sky).__name__}"):
            AsymmetryMap.from_batches(tmp_path / f"stars.{suffix}")

    def test_masks_in_separate_columns(self, table, tmp_path):
        masked = table.copy()
        masked["FeH"] = MaskedColumn(table["FeH"], mask=np.arange(len(table)) % 3 == 0)
        masked.write(tmp_path / "masked.fits", serialize_method="data_mask")
        ours = AsymmetryMap.from_batches(tmp_path / "masked.fits", columns=NAMES)
        expected = AsymmetryMap.from_batches([masked], columns=NAMES)
        assert ours.n_masked == expected.n_masked > len(table) / 3
        assert_array_equal(ours.count, expected.count)

    @pytest.mark.parametrize("suffix", ["fits", "fits.gz", "parquet", "ecsv", "hdf5"])
    def test_catalogue_files_keep_their_frame(self, suffix, tmp_path):
        if suffix in ("parquet", "hdf5"):
            library = {"parquet": "pyarrow", "hdf5": "h5py"}[suffix]
            pytest.importorskip(library, reason=f"{library} is not installed")
        far, paper = (make_mock_catalog(500, frame=frame)
                      for frame in (galactocentric_frame(R0=7.5 * u.kpc), None))
        for name, catalog in (("far", far), ("paper", paper)):
            catalog.write(tmp_path / f"{name}.{suffix}")
        ours = AsymmetryMap.from_batches(tmp_path / f"far.{suffix}")
        assert ours.frame.is_equivalent_frame(far.frame)
        expected = AsymmetryMap.from_catalog(far)
        assert_array_equal(ours.count, expected.count)
        assert_allclose(ours.mean, expected.mean, rtol=1e-12)
        assert (ours.count != AsymmetryMap.from_catalog(paper).count).any()
        both = [tmp_path / f"far.{suffix}", tmp_path / f"paper.{suffix}"]
        with pytest.raises(ValueError, match=rf"paper\.{suffix}.*: batches of one map must share"):
            AsymmetryMap.from_batches(both)
        # A file without stars agrees with any frame.
        far[:0].write(tmp_path / f"none.{suffix}")
        for name in ("far", "paper"):
            paths = [tmp_path / f"{part}.{suffix}" for part in ("none", name)]
            assert AsymmetryMap.from_batches(paths).n_stars > 100
        # Positions on the sky can be transformed to any frame.
        assert AsymmetryMap.from_batches(both, frame=paper.frame).frame.is_equivalent_frame(
            paper.frame)

    @pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", "i8"])
    def test_column_types(self, table, tmp_path, dtype):
        other = Table({name: np.nan_to_num(table[name].value, nan=-9999).astype(
            dtype if name == "FeH" else "f8") for name in table.colnames})
        for name in other.colnames:
            other[name].unit = table[name].unit
        theirs = AsymmetryMap.from_catalog(RedClumpCatalog.from_table(other, columns=NAMES))
        assert_same_map(AsymmetryMap.from_batches([other], columns=NAMES), theirs)
        if dtype != "f2":
            other.write(tmp_path / "stars.fits")
            assert_same_map(AsymmetryMap.from_batches(tmp_path / "stars.fits", columns=NAMES),
                             theirs)

    def test_units_argument(self, table, amap):
        bare = Table({name: table[name].value if name != "FeH" else table[name]
                      for name in table.colnames})
        units = {"distance": "pc", "Age": u.Myr}
        assert_same_map(AsymmetryMap.from_batches([bare], columns=NAMES, units=units), amap)
        with pytest.raises(RcasymError, match="a key of units must be one of .*; got 'dist'"):
            AsymmetryMap.from_batches([bare], columns=NAMES, units={"dist": "pc"})

    def test_files_may_have_different_units(self, mock, amap, tmp_path):
        make_raw_table(mock)[:9000].write(tmp_path / "a.fits")
        make_raw_table(mock, u.kpc)[9000:].write(tmp_path / "b.fits")
        ours = AsymmetryMap.from_batches(tmp_path, columns=NAMES)
        assert abs(ours.count - amap.count).max() <= 2

    def test_no_stars(self, table, tmp_path):
        table[:0].write(tmp_path / "none.parquet")
        with pytest.warns(CatalogWarning, match="the map is empty"):
            ours = AsymmetryMap.from_batches([tmp_path / "none.parquet"], columns=NAMES)
        assert ours.n_stars == ours.n_outside == ours.n_masked == 0
        ours.write(tmp_path / "map.fits")


def test_lost_values_are_counted_over_all_batches(table):
    parts = [table[start:start + 1000] for start in range(0, len(table), 1000)]
    with pytest.warns(CatalogWarning) as caught:
        AsymmetryMap.from_batches(parts, columns=NAMES)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert any("column 'FeH' (m_h): 400 of 20,000 stars have no value" in message
               for message in messages)


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestWithoutMedians:
    @pytest.fixture
    def moments(self, files):
        return AsymmetryMap.from_batches(files, columns=NAMES, medians=False)

    def test_arrays_agree_with_those_of_a_full_map(self, moments, amap):
        assert_array_equal(moments.count, amap.count)
        for name in ("mean", "std", "mean_error", "radial_mean", "offset", "difference"):
            assert_allclose(getattr(moments, name).value, getattr(amap, name).value, rtol=0,
                            atol=1e-12)
        assert (moments.n_stars, moments.n_outside, moments.n_masked) == (
            amap.n_stars, amap.n_outside, amap.n_masked)
        assert repr(moments) == repr(amap)
        assert len(moments.plot()) == 6

    def test_profile_of_means(self, moments, amap):
        ours, theirs = (each.profile(statistic="mean") for each in (moments, amap))
        for name in theirs.colnames:
            if theirs[name].dtype.kind == "f":
                one, other = (np.ma.filled(profile[name], np.nan) for profile in (ours, theirs))
                assert_allclose(one, other, rtol=1e-9, atol=1e-11)

    def test_raises_where_values_are_needed(self, moments, amap):
        assert not hasattr(moments, "median")
        for call in (lambda: moments.median, moments.profile, lambda: moments.test(n=9),
                     lambda: moments.bootstrap(n=9), lambda: moments.plot("median")):
            with pytest.raises(ValuesNotKeptError, match="medians=False"):
                call()
        for one, other in ((moments, amap), (amap, moments)):
            with pytest.raises(ValuesNotKeptError, match="must both keep the values"):
                one + other

    def test_addition(self, table, moments):
        parts = [AsymmetryMap.from_batches([table[k::2]], columns=NAMES, medians=False)
                 for k in range(2)]
        sums = [parts[0] + parts[1]]
        # Pickled, as between processes.
        parts = [pickle.loads(pickle.dumps(part)) for part in parts]
        sums.append(parts[0] + parts[1])
        for both in sums:
            assert_array_equal(both.count, moments.count)
            assert_allclose(both.std.value, moments.std.value, rtol=0, atol=1e-12)
            assert (both.n_outside, both.n_masked) == (moments.n_outside, moments.n_masked)
        assert_array_equal(sums[0].std, sums[1].std)

    @pytest.mark.parametrize("name", ["map.fits", "map.h5"])
    def test_round_trip(self, moments, tmp_path, name):
        moments.write(tmp_path / name)
        again = AsymmetryMap.read(tmp_path / name)
        for array in ("count", "mean", "std", "radial_mean", "offset"):
            assert_array_equal(getattr(again, array), getattr(moments, array))
        assert (again.n_outside, again.n_masked) == (moments.n_outside, moments.n_masked)
        assert not hasattr(again, "median")
        assert (again + moments).n_stars == 2 * moments.n_stars

    def test_memory_does_not_grow_with_the_number_of_stars(self, mock):
        part = QTable({"ra": mock["coord"].ra, "dec": mock["coord"].dec,
                       "distance": mock["coord"].distance, "m_h": mock["m_h"]})
        peaks = []
        for n in (10, 60):
            tracemalloc.start()
            AsymmetryMap.from_batches((part for _ in range(n)), COARSE, medians=False)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestErrors:
    @pytest.mark.parametrize(("name", "content"), [
        ("notes.txt", b"not a table\n"), ("stars.h5", b""), ("stars.xml", b""),
        ("stars.ecsv", bytes(4000)), ("stars.h5", bytes(4000)), ("stars.fits.gz", b"\x1f\x8b" * 99),
        ("stars.fits", bytes(2880)), ("stars.parquet", bytes(4000)), ("stars.fits", None),
        ("stars.parquet", None)])
    def test_error_names_a_file_that_is_not_a_table(self, table, name, content, tmp_path):
        path = tmp_path / name
        if content is None:
            table.write(path)
            content = path.read_bytes()[:path.stat().st_size // 2]
        path.write_bytes(content)
        with pytest.raises(CatalogError, match=re.escape(name)) as raised:
            AsymmetryMap.from_batches(path, columns=NAMES)
        assert len(str(raised.value)) < 600

    @pytest.mark.parametrize(("given", "message"), [
        ({"batches": 5}, "batches must be a path"),
        ({"batches": QTable()}, "batches must be a path, or a"),
        ({"batches": lambda: iter([])}, "got function"), ({"batches": {"a": 1}}, "got dict"),
        ({"batches": b"stars.fits"}, "got bytes"),
        ({"batches": [5]}, "batch 0: batches must be catalogues"),
        ({"batches": []}, "batches must be one or more"),
        *(({"frame": frame}, "frame must be a Galactocentric frame; got")
          for frame in (ICRS(), "galcen", 8 * u.kpc)),
        ({"frame": galactocentric_frame(R0=8 * u.kpc)},
         "batch 0: catalogues of one map must share one"),
        ({"binning": "fine"}, "binning must be a DiskBinning; got 'fine'"),
        *(({"workers": bad}, "workers must be a whole number of 1 or more")
          for bad in (0, -1, 1.5, True))])
    def test_rejects_bad_arguments(self, mock, given, message):
        with pytest.raises(RcasymError, match=message):
            AsymmetryMap.from_batches(**{"batches": [mock]} | given)

    @pytest.mark.parametrize("name", ["m_h", "distance"])
    def test_rejects_needed_columns_set_to_none(self, mock, name):
        sky = mock["coord"]
        table = QTable({"ra": sky.ra, "dec": sky.dec, "distance": sky.distance, "m_h": mock["m_h"]})
        with pytest.raises(CatalogError, match=f"'{name}'"):
            AsymmetryMap.from_batches([table], columns={name: None})

    def test_rejects_files_and_folders_without_tables(self, tmp_path):
        with pytest.raises(CatalogError, match="FITS or Parquet"):
            AsymmetryMap.from_batches(tmp_path)
        fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
        with pytest.raises(CatalogError, match=r"image\.fits must have a table; got images alone"):
            AsymmetryMap.from_batches([tmp_path / "image.fits"])
        with pytest.raises(FileNotFoundError, match="there is no file"):
            AsymmetryMap.from_batches("absent.fits")


    def test_error_names_the_file_with_a_missing_column(self, files, table):
        table["RAdeg", "DEdeg", "FeH"].write(files[1], overwrite=True)
        with pytest.raises(ValueError, match=r"b\.parquet: the table must have a column 'Dist'"):
            AsymmetryMap.from_batches(files, columns=NAMES)
        with pytest.raises(ValueError, match="batch 0: the table, .* must have a column 'age'"):
            AsymmetryMap.from_batches([table], DiskBinning.by_age(), columns={
                name: column for name, column in NAMES.items() if name != "age"})
        with pytest.raises(ValueError, match=r"batch 1: the table must have a column 'DEdeg'"):
            AsymmetryMap.from_batches([table, table["RAdeg", "FeH"]], columns=NAMES)

    def test_error_names_the_file_with_a_wrong_unit(self, files, table):
        other = table[:10]
        other["Dist"] = other["Dist"].value * u.s
        other.write(files[3], overwrite=True)
        with pytest.raises(ValueError, match=r"d\.fits, rows 0 to 9: column 'Dist'.*converts to"):
            AsymmetryMap.from_batches(files, columns=NAMES)


@pytest.mark.parametrize("how", [{"columns": {"m_h": "FEH"}}, {"units": {"distance": "pc"}}])
def test_names_and_units_of_catalogues_alone_are_refused(mock, how):
    with pytest.raises(CatalogError, match="columns and units must describe tables or files"):
        AsymmetryMap.from_batches([mock[:100], mock[100:200]], **how)
