# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of stars that come a batch at a time: the same as of all together."""

import gzip
import re
import tracemalloc
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK4, ICRS, Galactic
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog
from rcasym.catalog.frames import galactocentric_frame, paper_frame
from rcasym.exceptions import CatalogWarning
from rcasym.maps import batches, checkpoint
from rcasym.voxels.bounded import VoxelSummary

ARRAYS = ("count", "mean", "median", "std", "mean_error", "radial_mean", "offset")
# Few voxels, so that what a bounded state takes is less than the values of the stars.
COARSE = DiskBinning(phi=None, R=[7, 9, 11, 13] * u.kpc, Z=[-2, -1, 0, 1, 2] * u.kpc)
NAMES = {"ra": "RAdeg", "dec": "DEdeg", "distance": "Dist", "m_h": "FeH", "age": "Age"}


def plain(cat, unit=u.pc):
    """A catalogue as a table with names and units of its own, and values that are not known."""
    table = QTable({"RAdeg": cat["coord"].ra, "DEdeg": cat["coord"].dec,
                    "Dist": cat["coord"].distance.to(unit), "FeH": np.array(cat["m_h"].value),
                    "Age": cat["age"].to(u.Myr)})
    table["FeH"][::50] = -9999
    table["Dist"][3::70] = np.nan
    return table


@pytest.fixture(scope="module")
def table(mock):
    return plain(mock)


@pytest.fixture(scope="module")
def amap(table):
    with pytest.warns(CatalogWarning):
        return AsymmetryMap.from_catalog(RedClumpCatalog.from_table(table, columns=NAMES))


@pytest.fixture
def files(table, tmp_path):
    """The stars in five files of three formats, one of them without stars."""
    cuts = [0, 3000, 3000, 7001, 15_000, len(table)]
    names = ("a.fits", "b.parquet", "c.parquet", "d.fits", "e.ecsv")
    paths = [tmp_path / name for name in names]
    for path, start, stop in zip(paths, cuts[:-1], cuts[1:], strict=True):
        table[start:stop].write(path)
    return paths


def assert_same_bits(a, b):
    for name in ARRAYS:
        assert_array_equal(getattr(a, name), getattr(b, name))
    assert_array_equal(a.state.values, b.state.values)
    assert (a.n_outside, a.n_masked) == (b.n_outside, b.n_masked)
    assert a.frame.is_equivalent_frame(b.frame)


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestSources:
    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_files(self, files, amap, monkeypatch, workers):
        monkeypatch.setattr(batches, "BATCH", 1234)
        assert_same_bits(AsymmetryMap.from_batches(files, columns=NAMES, workers=workers), amap)
        assert_same_bits(AsymmetryMap.from_batches(files[::-1], columns=NAMES), amap)

    def test_a_folder(self, files, table, amap):
        files[-1].unlink()
        table[15_000:].write(files[-1].with_suffix(".parquet"))
        assert_same_bits(AsymmetryMap.from_batches(files[0].parent, columns=NAMES), amap)

    def test_tables_from_an_iterator(self, table, amap):
        parts = (table[start:start + 777] for start in range(0, len(table), 777))
        assert_same_bits(AsymmetryMap.from_batches(parts, columns=NAMES), amap)

    def test_a_function(self, table, amap):
        def parts():
            yield table[:100]
            yield table[:0]
            yield table[100:]

        assert_same_bits(AsymmetryMap.from_batches(parts, columns=NAMES), amap)

    def test_catalogues_and_paths(self, files, table, amap):
        catalog = RedClumpCatalog.from_table(table[:3000], columns=NAMES)
        mixed = [catalog, *files[1:]]
        assert_same_bits(AsymmetryMap.from_batches(iter(mixed), columns=NAMES), amap)

    def test_galactic_coordinates(self, mock):
        sky = mock["coord"].galactic
        table = QTable({"l": sky.l, "b": sky.b, "distance": sky.distance, "m_h": mock["m_h"]})
        ours = AsymmetryMap.from_batches([table[:500], table[500:]])
        assert_same_bits(ours, AsymmetryMap.from_catalog(RedClumpCatalog.from_table(table)))

    def test_by_age_and_in_another_frame(self, files, table):
        frame = galactocentric_frame(R0=8 * u.kpc)
        ours = AsymmetryMap.from_batches(files, DiskBinning.by_age(), columns=NAMES, frame=frame)
        catalog = RedClumpCatalog.from_table(table, columns=NAMES, frame=frame)
        assert_same_bits(ours, AsymmetryMap.from_catalog(catalog, DiskBinning.by_age()))

    @pytest.mark.parametrize("name", ["cat.fits", "cat.parquet"])
    def test_files_of_catalogues(self, table, tmp_path, name):
        catalog = RedClumpCatalog.from_table(table, columns=NAMES)
        catalog.write(tmp_path / name)
        binning = DiskBinning.by_age()
        ours = AsymmetryMap.from_batches(tmp_path / name, binning)
        theirs = AsymmetryMap.from_catalog(catalog, binning)
        assert_array_equal(ours.count, theirs.count)
        assert_allclose(ours.mean.value, theirs.mean.value, rtol=0, atol=1e-12)
        assert ours.n_masked == theirs.n_masked

    def test_votables_of_any_name_keep_their_frame(self, tmp_path):
        frame = galactocentric_frame(R0=7.5 * u.kpc)
        make_mock_catalog(100, frame=frame).write(tmp_path / "c.xml", format="votable")
        packed = tmp_path / "c.vot.gz"
        packed.write_bytes(gzip.compress((tmp_path / "c.xml").read_bytes()))
        assert AsymmetryMap.from_batches(packed).frame.is_equivalent_frame(frame)

    @pytest.mark.parametrize("suffix", ["fits", "parquet"])
    @pytest.mark.parametrize("sky", [FK4(), Galactic()])
    def test_positions_in_another_frame_are_refused(self, mock, sky, suffix, tmp_path):
        table = QTable({"coord": mock["coord"][:50].transform_to(sky),
                        "m_h": mock["m_h"][:50].value})
        table.write(tmp_path / f"stars.{suffix}")
        with pytest.raises(ValueError, match=f"stars.{suffix} must have a column 'coord' in ICRS .*"
                                             f"in {type(sky).__name__}"):
            AsymmetryMap.from_batches(tmp_path / f"stars.{suffix}")

    def test_masks_beside_the_values(self, table, tmp_path):
        masked = table.copy()
        masked["FeH"] = MaskedColumn(table["FeH"], mask=np.arange(len(table)) % 3 == 0)
        masked.write(tmp_path / "masked.fits", serialize_method="data_mask")
        found = AsymmetryMap.from_batches(tmp_path / "masked.fits", columns=NAMES)
        expected = AsymmetryMap.from_batches([masked], columns=NAMES)
        assert found.n_masked == expected.n_masked > len(table) / 3
        assert_array_equal(found.count, expected.count)

    @pytest.mark.parametrize("frame", [ICRS(), "galcen", 8 * u.kpc])
    def test_frame_that_is_none(self, files, frame):
        with pytest.raises(ValueError, match="frame must be a Galactocentric frame; got"):
            AsymmetryMap.from_batches(files, columns=NAMES, frame=frame)

    def test_binning_that_is_none(self, files):
        with pytest.raises(ValueError, match="binning must be a DiskBinning; got 'fine'"):
            AsymmetryMap.from_batches(files, "fine", columns=NAMES)

    @pytest.mark.parametrize("name", ["m_h", "distance"])
    def test_column_that_is_left_out(self, mock, name):
        table = QTable({"ra": mock["coord"].ra, "dec": mock["coord"].dec,
                        "distance": mock["coord"].distance, "m_h": mock["m_h"]})
        with pytest.raises(ValueError, match=f"'{name}'"):
            AsymmetryMap.from_batches([table], columns={name: None})

    @pytest.mark.parametrize(("name", "content"), [
        ("notes.txt", b"these are no stars\n"), ("stars.h5", b""), ("stars.xml", b""),
        ("stars.ecsv", bytes(4000)), ("stars.h5", bytes(4000)), ("stars.fits.gz", b"\x1f\x8b" * 99),
        ("stars.fits", bytes(2880)), ("stars.parquet", bytes(4000))])
    def test_what_is_no_table_is_named(self, name, content, tmp_path):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(name)) as found:
            AsymmetryMap.from_batches(tmp_path / name)
        assert len(str(found.value)) < 600

    @pytest.mark.parametrize("suffix", ["fits", "parquet", "ecsv", "hdf5", "xml"])
    def test_files_of_catalogues_keep_their_frame(self, suffix, tmp_path):
        if suffix in ("parquet", "hdf5"):
            library = {"parquet": "pyarrow", "hdf5": "h5py"}[suffix]
            pytest.importorskip(library, reason=f"{library} is not installed")
        far, paper = (make_mock_catalog(500, frame=frame)
                      for frame in (galactocentric_frame(R0=7.5 * u.kpc), None))
        for name, catalog in (("far", far), ("paper", paper)):
            catalog.write(tmp_path / f"{name}.{suffix}",
                          **{"format": "votable"} if suffix == "xml" else {})
        found = AsymmetryMap.from_batches(tmp_path / f"far.{suffix}")
        assert found.frame.is_equivalent_frame(far.frame)
        expected = AsymmetryMap.from_catalog(far)
        assert_array_equal(found.count, expected.count)
        assert_allclose(found.mean, expected.mean, rtol=1e-12)
        assert (found.count != AsymmetryMap.from_catalog(paper).count).any()
        both = [tmp_path / f"far.{suffix}", tmp_path / f"paper.{suffix}"]
        with pytest.raises(ValueError, match=rf"paper\.{suffix}.*: batches of one map must share"):
            AsymmetryMap.from_batches(both)
        # No star is in another frame.
        far[:0].write(tmp_path / f"none.{suffix}",
                      **{"format": "votable"} if suffix == "xml" else {})
        for name in ("far", "paper"):
            amap = AsymmetryMap.from_batches([tmp_path / f"none.{suffix}",
                                              tmp_path / f"{name}.{suffix}"])
            assert amap.n_stars > 100
        # The positions in the sky are in all of them.
        assert AsymmetryMap.from_batches(both, frame=paper.frame).frame.is_equivalent_frame(
            paper.frame)

    @pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", "i8"])
    def test_types_of_columns(self, table, tmp_path, dtype):
        other = Table({name: np.nan_to_num(table[name].value, nan=-9999).astype(
            dtype if name == "FeH" else "f8") for name in table.colnames})
        for name in other.colnames:
            other[name].unit = table[name].unit
        theirs = AsymmetryMap.from_catalog(RedClumpCatalog.from_table(other, columns=NAMES))
        assert_same_bits(AsymmetryMap.from_batches([other], columns=NAMES), theirs)
        if dtype != "f2":
            other.write(tmp_path / "stars.fits")
            assert_same_bits(AsymmetryMap.from_batches(tmp_path / "stars.fits", columns=NAMES),
                             theirs)

    def test_units_may_differ_from_file_to_file(self, mock, amap, tmp_path):
        plain(mock)[:9000].write(tmp_path / "a.fits")
        plain(mock, u.kpc)[9000:].write(tmp_path / "b.fits")
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
    words = [str(warning.message) for warning in caught]
    assert len(words) == 2
    assert any("column 'FeH' (m_h): 400 of 20,000 stars have no value" in word for word in words)


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestMemoryLimit:
    @pytest.fixture
    def coarse(self, table):
        return AsymmetryMap.from_catalog(RedClumpCatalog.from_table(table, columns=NAMES), COARSE)

    def test_same_medians(self, files, coarse):
        for limit in ("100 kB", 100e3, 0.1 * u.Mbyte):
            ours = AsymmetryMap.from_batches(files, COARSE, columns=NAMES, memory_limit=limit)
            assert isinstance(ours.state, VoxelSummary)
            assert_array_equal(ours.count, coarse.count)
            assert_array_equal(ours.median, coarse.median)
            for name in ("mean", "std", "radial_mean", "offset"):
                assert_allclose(getattr(ours, name).value, getattr(coarse, name).value, rtol=0,
                                atol=1e-12)

    def test_enough_memory(self, files, amap):
        ours = AsymmetryMap.from_batches(files, columns=NAMES, memory_limit="1 MB")
        assert_same_bits(ours, amap)

    def test_from_an_iterator(self, table):
        parts = (table[start:start + 1000] for start in range(0, len(table), 1000))
        with pytest.raises(ValueError, match="can be read twice: paths, a list, or a function"):
            AsymmetryMap.from_batches(parts, COARSE, columns=NAMES, memory_limit="50 kB")
        with pytest.raises(ValueError, match=r"must be above \d+,\d\d\d bytes for the stars"):
            AsymmetryMap.from_batches(iter([table, table]), COARSE, columns=NAMES,
                                      memory_limit="50 kB")

    @pytest.mark.parametrize("binning", [COARSE, None])
    def test_what_is_said_to_be_needed_is_enough(self, files, binning, monkeypatch):
        monkeypatch.setattr(batches, "BATCH", 1500)
        with pytest.raises(ValueError, match="memory_limit must be .* bytes or more") as found:
            AsymmetryMap.from_batches(files, binning, columns=NAMES, memory_limit="1 kB")
        needed = int(re.search(r"must be ([\d,]+) bytes", str(found.value))[1].replace(",", ""))
        AsymmetryMap.from_batches(files, binning, columns=NAMES, memory_limit=needed)
        assert needed < 1e6

    @pytest.mark.parametrize("bad", ["much", True, -1, 0, np.nan, 3 * u.kpc, [1, 2]])
    def test_bad(self, files, bad):
        with pytest.raises(ValueError, match="memory_limit must be an amount of memory above 0"):
            AsymmetryMap.from_batches(files, columns=NAMES, memory_limit=bad)

    def test_round_trip(self, files, tmp_path):
        ours = AsymmetryMap.from_batches(files, COARSE, columns=NAMES, memory_limit="100 kB")
        for name in ("map.fits", "map.h5"):
            ours.write(tmp_path / name)
            again = AsymmetryMap.read(tmp_path / name)
            for array in ARRAYS:
                assert_array_equal(getattr(again, array), getattr(ours, array))
            assert (again.n_stars, again.n_outside, again.n_masked) == (
                ours.n_stars, ours.n_outside, ours.n_masked)
            with pytest.raises(ValueError, match="values of the stars are not kept"):
                again.test(9 * u.kpc, n=9)

    def test_memory_does_not_grow_with_the_stars(self, monkeypatch):
        # Some 10,000 stars a batch; all of them take 8 bytes each where they are kept.
        monkeypatch.setattr(batches, "BATCH", 10_000)
        cat = make_mock_catalog(10_000)
        part = QTable({"ra": cat["coord"].ra, "dec": cat["coord"].dec,
                       "distance": cat["coord"].distance, "m_h": cat["m_h"]})
        peaks = []
        for n in (20, 80):
            tracemalloc.start()
            AsymmetryMap.from_batches([part] * n, COARSE, memory_limit="1 MB")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestErrors:
    @pytest.mark.parametrize("suffix", [".fits", ".parquet"])
    def test_cut_short(self, table, tmp_path, suffix):
        path = tmp_path / f"stars{suffix}"
        table.write(path)
        path.write_bytes(path.read_bytes()[:len(path.read_bytes()) // 2])
        with pytest.raises(ValueError, match=f"stars{suffix}"):
            AsymmetryMap.from_batches([path], columns=NAMES)

    def test_missing_column_names_the_file(self, files, table):
        table["RAdeg", "DEdeg", "FeH"].write(files[1], overwrite=True)
        with pytest.raises(ValueError, match=r"b\.parquet: the table must have a column 'Dist'"):
            AsymmetryMap.from_batches(files, columns=NAMES)
        with pytest.raises(ValueError, match=r"batch 1: the table must have a column 'DEdeg'"):
            AsymmetryMap.from_batches([table, table["RAdeg", "FeH"]], columns=NAMES)

    def test_wrong_unit_names_the_file(self, files, table):
        other = table[:10]
        other["Dist"] = other["Dist"].value * u.s
        other.write(files[3], overwrite=True)
        with pytest.raises(ValueError, match=r"d\.fits, rows 0 to 9: column 'Dist'.*converts to"):
            AsymmetryMap.from_batches(files, columns=NAMES)

    def test_no_table_in_the_file(self, tmp_path):
        fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "image.fits")
        with pytest.raises(ValueError, match="must have a table"):
            AsymmetryMap.from_batches([tmp_path / "image.fits"])

    def test_what_is_no_batch(self, table, tmp_path):
        for bad, words in ((5, "batches must be an iterable"), (table, "batches must be an iter"),
                           ({"a": 1}, "got dict"), (b"stars.fits", "got bytes"),
                           ([5], "batch 0: batches must be catalogues"),
                           ([], "batches must be one or more"), (tmp_path, "FITS or Parquet")):
            with pytest.raises(ValueError, match=words):
                AsymmetryMap.from_batches(bad)
        with pytest.raises(FileNotFoundError, match="there is no file"):
            AsymmetryMap.from_batches("absent.fits")

    def test_frames_differ(self, mock, table):
        frame = galactocentric_frame(R0=8 * u.kpc)
        with pytest.raises(ValueError, match="batch 0: catalogues of one map must share one"):
            AsymmetryMap.from_batches([mock], frame=frame)

    @pytest.mark.parametrize("bad", [0, -1, 1.5, True])
    def test_workers(self, files, bad):
        with pytest.raises(ValueError, match="workers must be a whole number of 1 or more"):
            AsymmetryMap.from_batches(files, workers=bad)


class Interrupted(Exception):
    pass


@pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning")
class TestCheckpoint:
    @pytest.fixture(autouse=True)
    def often(self, monkeypatch):
        monkeypatch.setattr(checkpoint, "EVERY", 0)
        monkeypatch.setattr(checkpoint, "COST", 0)
        monkeypatch.setattr(batches, "BATCH", 1500)

    @pytest.fixture
    def interrupt(self, monkeypatch):
        """A function that lets the work stop at a number of batches, and counts them."""
        work, done = batches.arrays_of, []

        def stop_at(number):
            done.clear()

            def arrays_of(*args):
                if len(done) == number:
                    raise Interrupted
                done.append(1)
                return work(*args)

            monkeypatch.setattr(batches, "arrays_of", arrays_of)
            return done
        return stop_at

    @pytest.mark.parametrize("limit", [None, "100 kB"])
    @pytest.mark.parametrize("stop", [0, 1, 6, 14, 16, 23])
    def test_goes_on(self, files, interrupt, tmp_path, limit, stop):
        how = {"binning": COARSE, "columns": NAMES, "memory_limit": limit}
        undisturbed = AsymmetryMap.from_batches(files, **how)
        path = tmp_path / "checkpoint"
        done = interrupt(stop)
        try:
            AsymmetryMap.from_batches(files, checkpoint=path, **how)
        except Interrupted:
            # Where nothing was done there is nothing to go on from.
            assert path.exists() == (stop > 0)
        n_done = len(done)
        done = interrupt(None)
        again = AsymmetryMap.from_batches(files, checkpoint=path, **how)
        for name in ARRAYS:
            assert_array_equal(getattr(again, name), getattr(undisturbed, name))
        assert again.n_masked == undisturbed.n_masked
        assert not path.exists()
        # Nothing is done twice, unless the first run came to its end.
        n_batches = 15 if limit is None else 30
        assert len(done) == (n_batches - n_done if n_done < n_batches else n_batches)

    def test_interrupted_when_all_was_done(self, files, tmp_path, monkeypatch):
        path = tmp_path / "checkpoint"
        undisturbed = AsymmetryMap.from_batches(files, columns=NAMES)
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint.Checkpoint, "done", lambda self: None)
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
        again = AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
        assert_same_bits(again, undisturbed)

    def test_batches_in_memory(self, table, interrupt, tmp_path):
        parts = [table[start:start + 3000] for start in range(0, len(table), 3000)]
        undisturbed = AsymmetryMap.from_batches(parts, columns=NAMES)
        interrupt(3)
        with pytest.raises(Interrupted):
            AsymmetryMap.from_batches(iter(parts), columns=NAMES, checkpoint=tmp_path / "c")
        interrupt(None)
        with pytest.raises(ValueError, match="of the same batches; batch 1 has 2,999 stars"):
            AsymmetryMap.from_batches([parts[0], parts[1][1:], *parts[2:]], columns=NAMES,
                                      checkpoint=tmp_path / "c")
        others = [part[::-1] for part in parts]
        with pytest.raises(ValueError, match="batch 0 has 3,000 stars now and had 3,000 others"):
            AsymmetryMap.from_batches(others, columns=NAMES, checkpoint=tmp_path / "c")
        with pytest.raises(ValueError, match="it has 3 of them, and 2 were given"):
            AsymmetryMap.from_batches(parts[:2], columns=NAMES, checkpoint=tmp_path / "c")
        again = AsymmetryMap.from_batches(iter(parts), columns=NAMES, checkpoint=tmp_path / "c")
        assert_same_bits(again, undisturbed)

    @pytest.mark.parametrize("frames", [("far", "paper"), ("paper", "far")])
    def test_of_another_frame(self, table, interrupt, tmp_path, frames):
        far = galactocentric_frame(R0=7.5 * u.kpc)
        catalog = RedClumpCatalog.from_table(table, columns=NAMES, frame=far)
        files = [tmp_path / f"{k}.fits" for k in range(3)]
        for k, file in enumerate(files):
            catalog[k::3].write(file)
        # None is the frame of the files.
        first, second = (None if name == "far" else paper_frame() for name in frames)
        interrupt(2)
        with pytest.raises(Interrupted):
            AsymmetryMap.from_batches(files, frame=first, checkpoint=tmp_path / "c")
        interrupt(None)
        with pytest.raises(ValueError, match="it is of another frame"):
            AsymmetryMap.from_batches(files, frame=second, checkpoint=tmp_path / "c")

    def test_counts_of_missing_values_go_on(self, table, interrupt, tmp_path):
        table = table.copy()
        table["FeH"][::50] = -9999
        parts = [table[start:start + 3000] for start in range(0, len(table), 3000)]

        def warned():
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                AsymmetryMap.from_batches(parts, columns=NAMES, checkpoint=tmp_path / "c")
            return sorted(str(warning.message) for warning in found)

        whole = warned()
        interrupt(3)
        with pytest.raises(Interrupted):
            warned()
        interrupt(None)
        assert any("stars have no value" in words for words in whole)
        assert warned() == whole

    def test_of_another_run(self, files, table, interrupt, tmp_path):
        path = tmp_path / "checkpoint"
        interrupt(3)
        with pytest.raises(Interrupted):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
        interrupt(None)
        for words, args, how in (
                ("another binning", (files, DiskBinning(phi=None)), {}),
                ("other names of columns", (files,), {"columns": NAMES | {"age": None}}),
                ("another frame", (files,), {"frame": galactocentric_frame(R0=8 * u.kpc)}),
                ("another memory_limit", (files,), {"memory_limit": "1 GB"}),
                ("other stars", (files[1:],), {})):
            with pytest.raises(ValueError, match=words):
                AsymmetryMap.from_batches(*args, **{"columns": NAMES, "checkpoint": path} | how)
        table[:10].write(files[-1], overwrite=True)
        with pytest.raises(ValueError, match="other stars"):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)

    def test_no_checkpoint(self, files, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("something else")
        with pytest.raises(ValueError, match="must be a checkpoint"):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
        assert path.read_text() == "something else"

    def test_cannot_be_written(self, files, tmp_path):
        with pytest.raises(FileNotFoundError, match="must be in an existing folder"):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=tmp_path / "no" / "c")

    def test_cut_short(self, files, interrupt, tmp_path):
        path = tmp_path / "checkpoint"
        interrupt(3)
        with pytest.raises(Interrupted):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
        path.write_bytes(path.read_bytes()[:-2000])
        interrupt(None)
        with pytest.raises(ValueError, match="must be a checkpoint"):
            AsymmetryMap.from_batches(files, columns=NAMES, checkpoint=path)
