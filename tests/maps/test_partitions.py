# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of partitions, by threads, processes or a cluster: the same bits each time."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog
from rcasym.catalog import chunks
from rcasym.catalog.chunks import StarFile
from rcasym.catalog.frames import galactocentric_frame
from rcasym.exceptions import CatalogError, CatalogWarning, RcasymError
from rcasym.maps import partitions
from rcasym.utils import parallel
from rcasym.voxels.bounded import VoxelSummary
from tests.maps.test_batches import ARRAYS, COARSE, NAMES, assert_same_bits, plain

dask = pytest.importorskip("dask", reason="dask is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning"),
    # Some versions of dask do where a client is there besides.
    pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning"),
]
SCHEDULERS = [None, "threads", "synchronous", "processes"]


@pytest.fixture(scope="module")
def table(mock):
    return plain(mock)


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    """The stars in twelve files of three formats, one of them without stars."""
    folder = tmp_path_factory.mktemp("stars")
    cuts = [0, 3000, 3000, *range(4000, 12_001, 1000), len(table)]
    paths = [folder / f"{k:02}.{'parquet' if k % 3 else 'fits'}" for k in range(len(cuts) - 1)]
    paths[-1] = paths[-1].with_suffix(".ecsv")
    for path, start, stop in zip(paths, cuts[:-1], cuts[1:], strict=True):
        table[start:stop].write(path)
    return paths


@pytest.fixture(scope="module")
def expected(files):
    with pytest.warns(CatalogWarning):
        return AsymmetryMap.from_batches(files, columns=NAMES)


@pytest.fixture(scope="module")
def frame(table):
    """The stars as a pandas table, in the units of a catalogue."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    return pandas.DataFrame({
        "ra": table["RAdeg"].value, "dec": table["DEdeg"].value,
        "distance": table["Dist"].to_value(u.kpc), "m_h": table["FeH"],
        "age": table["Age"].to_value(u.Gyr), "other": "x"})


@pytest.fixture(scope="module")
def of_frame(frame):
    with pytest.warns(CatalogWarning):
        return AsymmetryMap.from_batches([Table.from_pandas(frame)])


@pytest.fixture(scope="module")
def dask_frame(frame):
    dask_frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
    return dask_frames.from_pandas(frame, npartitions=11)


class TestFiles:
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_same_bits(self, files, expected, monkeypatch, scheduler):
        monkeypatch.setattr(partitions, "PARTITION", 200)
        ours = AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=scheduler)
        assert_same_bits(ours, expected)
        assert not ours.state.values.flags.writeable

    def test_sums_of_sums(self, files, expected, monkeypatch):
        monkeypatch.setattr(partitions, "PARTITION", 300)
        for most in (1, 3):
            monkeypatch.setattr(partitions, "GATHERED", most)
            assert_same_bits(AsymmetryMap.from_parquet(files, columns=NAMES), expected)

    def test_works_as_any_other(self, files, expected, tmp_path):
        ours = AsymmetryMap.from_parquet(files, columns=NAMES)
        assert_same_bits(ours + ours, expected + expected)
        ours.write(tmp_path / "map.fits")
        assert_same_bits(AsymmetryMap.read(tmp_path / "map.fits"), expected)
        assert_array_equal(ours.profile()["difference"], expected.profile()["difference"])
        assert ours.test(n=99, rng=1).p_value == expected.test(n=99, rng=1).p_value

    def test_warnings_are_as_before(self, files, monkeypatch):
        monkeypatch.setattr(partitions, "PARTITION", 100)
        before = list(warnings.filters)
        AsymmetryMap.from_parquet(files, columns=NAMES)
        assert list(warnings.filters) == before

    def test_pieces_of_a_partition(self, files, expected, monkeypatch):
        monkeypatch.setattr(partitions, "BATCH", 123)
        assert_same_bits(AsymmetryMap.from_parquet(files, columns=NAMES), expected)

    def test_one_file_and_a_folder(self, files, table):
        ours = AsymmetryMap.from_parquet(files[0], columns=NAMES)
        assert_same_bits(ours, AsymmetryMap.from_batches(files[0], columns=NAMES))
        ours = AsymmetryMap.from_parquet(str(files[0].parent), columns=NAMES)
        assert_same_bits(ours, AsymmetryMap.from_batches(files[:-1], columns=NAMES))

    def test_by_age_and_in_another_frame(self, files):
        how = {"columns": NAMES, "frame": galactocentric_frame(R0=8 * u.kpc)}
        ours = AsymmetryMap.from_parquet(files, DiskBinning.by_age(), **how)
        assert_same_bits(ours, AsymmetryMap.from_batches(files, DiskBinning.by_age(), **how))

    def test_relative_paths_and_groups_of_rows(self, table, tmp_path, monkeypatch):
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        stars = pandas.DataFrame({"ra": table["RAdeg"].value, "dec": table["DEdeg"].value,
                                  "distance": 2.0, "m_h": table["FeH"]})
        stars.to_parquet(tmp_path / "stars.parquet", row_group_size=1900)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(partitions, "PARTITION", 4000)
        file = StarFile.open("stars.parquet")
        assert file.cuts(4000)[:2] == [(0, 3800), (3800, 7600)] and len(file.cuts(4000)) == 6
        for start, stop in [(0, 5), (1800, 1950), (3800, 7600), (19_999, 20_000), (7, 7)]:
            read = [row for part in file.read(["ra"], 1000, start, stop) for row in part["ra"]]
            assert_array_equal(read, stars["ra"][start:stop])
        assert_same_bits(AsymmetryMap.from_parquet("stars.parquet", scheduler="processes"),
                         AsymmetryMap.from_batches("stars.parquet"))

    def test_no_stars(self, table, tmp_path):
        table[:0].write(tmp_path / "none.parquet")
        with pytest.warns(CatalogWarning, match="the map is empty"):
            ours = AsymmetryMap.from_parquet(tmp_path, columns=NAMES)
        assert ours.n_stars == ours.n_outside == ours.n_masked == 0

    def test_lost_values_are_counted_over_all(self, files):
        with pytest.warns(CatalogWarning) as caught:
            AsymmetryMap.from_parquet(files, columns=NAMES)
        words = [str(warning.message) for warning in caught]
        assert len(words) == 2
        assert any("column 'FeH' (m_h): 400 of 20,000 stars have no value" in word
                   for word in words)

    def test_a_bar_on_a_terminal_only(self, files, capsys, monkeypatch):
        AsymmetryMap.from_parquet(files[:1], columns=NAMES)
        assert capsys.readouterr() == ("", "")
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        AsymmetryMap.from_parquet(files[:1], columns=NAMES, progress=False)
        assert capsys.readouterr() == ("", "")
        AsymmetryMap.from_parquet(files[:1], columns=NAMES)
        out, err = capsys.readouterr()
        assert out == "" and "stars" in err and "100% Completed" in err

    def test_one_core_a_partition(self, files, monkeypatch):
        seen = []
        monkeypatch.setattr(partitions, "arrays_of",
                            lambda *args: seen.append(parallel.n_threads()) or 1 / 0)
        for scheduler in ("threads", "synchronous"):
            with pytest.raises(CatalogError, match="ZeroDivisionError"):
                AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=scheduler)
        assert seen[0] == 1 and seen[-1] == parallel.n_threads()


class TestMemoryLimit:
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_same_medians(self, files, monkeypatch, scheduler):
        monkeypatch.setattr(partitions, "PARTITION", 250)
        exact = AsymmetryMap.from_batches(files, COARSE, columns=NAMES)
        ours, again = (AsymmetryMap.from_parquet(files, COARSE, columns=NAMES, scheduler=scheduler,
                                                 memory_limit="100 kB") for _ in range(2))
        assert isinstance(ours.state, VoxelSummary)
        assert_array_equal(ours.count, exact.count)
        assert_array_equal(ours.median, exact.median)
        assert (ours.n_outside, ours.n_masked) == (exact.n_outside, exact.n_masked)
        for name in ("mean", "std", "radial_mean", "offset"):
            assert_allclose(getattr(ours, name).value, getattr(exact, name).value, rtol=0,
                            atol=1e-12)
        for name in ARRAYS:
            assert_array_equal(getattr(ours, name), getattr(again, name))

    @pytest.mark.parametrize("limit", ["1 MB", "200 kB"])
    def test_enough_memory(self, files, limit):
        # All stars take 320 kB, those inside the grid 184 kB.
        binning = DiskBinning(R=[8, 9, 10] * u.kpc, phi=None)
        exact = AsymmetryMap.from_batches(files, binning, columns=NAMES)
        assert 100e3 < 16 * exact.n_stars < 200e3
        ours = AsymmetryMap.from_parquet(files, binning, columns=NAMES, memory_limit=limit)
        assert_same_bits(ours, exact)

    def test_as_batches_decide(self, files):
        for limit in ("1 MB", "100 kB"):
            theirs, ours = (make(files, COARSE, columns=NAMES, memory_limit=limit)
                            for make in (AsymmetryMap.from_batches, AsymmetryMap.from_parquet))
            assert type(ours.state) is type(theirs.state)

    def test_lost_values_are_counted_once(self, files):
        with pytest.warns(CatalogWarning, match="400 of 20,000 stars"):
            AsymmetryMap.from_parquet(files, COARSE, columns=NAMES, memory_limit="100 kB")

    def test_too_small(self, files):
        with pytest.raises(RcasymError, match="memory_limit must be .* bytes or more") as found:
            AsymmetryMap.from_parquet(files, columns=NAMES, memory_limit="10 kB")
        needed = int(re.search(r"must be ([\d,]+) bytes", str(found.value))[1].replace(",", ""))
        AsymmetryMap.from_parquet(files, columns=NAMES, memory_limit=needed)


def of_wrong_unit(table):
    other = table[:10]
    other["Dist"] = other["Dist"].value * u.s
    return other


class TestErrors:
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_the_partition_is_named(self, files, table, tmp_path, monkeypatch, scheduler):
        bad = tmp_path / "bad.fits"
        of_wrong_unit(table).write(bad)
        monkeypatch.setattr(partitions, "PARTITION", 5)
        with pytest.raises(CatalogError,
                           match=r"bad\.fits, rows [05] to [49]: column 'Dist'.*converts to"):
            AsymmetryMap.from_parquet([files[1], bad], columns=NAMES, scheduler=scheduler)

    def test_missing_column(self, files, table, tmp_path, monkeypatch):
        table["RAdeg", "DEdeg", "FeH"].write(tmp_path / "bad.parquet")
        monkeypatch.setattr(dask, "compute", None)  # it is found before
        with pytest.raises(CatalogError, match=r"bad\.parquet: .* must have a column 'Dist'"):
            AsymmetryMap.from_parquet([*files, tmp_path / "bad.parquet"], columns=NAMES)

    def test_unit_of_each_file(self, mock, files, tmp_path):
        plain(mock, u.pc)[:9000].write(tmp_path / "a.parquet")
        plain(mock, u.kpc)[9000:].write(tmp_path / "b.fits")
        assert_same_bits(AsymmetryMap.from_parquet(tmp_path, columns=NAMES),
                         AsymmetryMap.from_batches(tmp_path, columns=NAMES))

    @pytest.mark.parametrize("suffix", [".fits", ".parquet"])
    def test_cut_short(self, table, tmp_path, suffix):
        path = tmp_path / f"stars{suffix}"
        table.write(path)
        path.write_bytes(path.read_bytes()[:-20_000])
        with pytest.raises(CatalogError, match=f"stars{suffix}"):
            AsymmetryMap.from_parquet(path, columns=NAMES, retries=0)

    def test_no_files(self, tmp_path):
        for bad, words in (([], "files must be one or more; got none"),
                           (tmp_path, "must hold FITS or Parquet files"),
                           (5, "paths must be a path of a file or a folder, or several; got int"),
                           ([5], "paths must be a path .* got int")):
            with pytest.raises(CatalogError, match=words):
                AsymmetryMap.from_parquet(bad)
        with pytest.raises(FileNotFoundError, match="there is no file"):
            AsymmetryMap.from_parquet("absent.parquet")

    @pytest.mark.parametrize("bad", ["thread", 5, "", ["threads"], object()])
    def test_scheduler(self, files, bad):
        with pytest.raises(RcasymError, match="scheduler must be one of 'threads', 'processes', "
                                              "'synchronous', a partitions.Client or None; got"):
            AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=bad)

    @pytest.mark.parametrize("bad", [0, -1, np.nan, "soon", 3 * u.kpc, [1, 2]])
    def test_timeout(self, files, bad):
        with pytest.raises(RcasymError, match="timeout must be a time above 0, in seconds"):
            AsymmetryMap.from_parquet(files, columns=NAMES, timeout=bad)

    @pytest.mark.parametrize("bad", [-1, 1.5, True, None])
    def test_retries(self, files, bad):
        with pytest.raises(RcasymError, match="retries must be a whole number of 0 or more"):
            AsymmetryMap.from_parquet(files, columns=NAMES, retries=bad)

    @pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
    def test_time_is_up(self, files, monkeypatch, scheduler):
        work = partitions.arrays_of
        monkeypatch.setattr(partitions, "arrays_of",
                            lambda *args: (time.sleep(0.3), work(*args))[1])
        start = time.time()
        with pytest.raises(RcasymError, match=r"timeout of 0.5 s is over \(stars\), with \d+ of "
                                              r"11 partitions unfinished: .*, rows 0 to 999; .*"):
            AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=scheduler,
                                      timeout=0.5 * u.s)
        assert time.time() - start < 10

    def test_a_process_that_is_killed(self, files, dask_frame):
        def poison(stars, partition_info=None):
            if partition_info and partition_info["number"] == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            return stars

        with pytest.raises(CatalogError, match="partition .*: each process .* was killed"):
            AsymmetryMap.from_hats(dask_frame.map_partitions(poison, meta=dask_frame._meta),
                                   scheduler="processes")


class TestRetries:
    @pytest.fixture
    def flaky(self, monkeypatch):
        """Files of which the first so many readings fail."""
        failures, read = [], chunks._fits_parts

        def fail(n, error):
            def parts(*args):
                if len(failures) < n:
                    failures.append(1)
                    raise error
                yield from read(*args)
            failures.clear()
            monkeypatch.setattr(chunks, "_fits_parts", parts)
            return failures
        return fail

    def test_a_disk_that_recovers(self, files, expected, flaky):
        failures = flaky(3, OSError("stale file handle"))
        assert_same_bits(AsymmetryMap.from_parquet(files, columns=NAMES, retries=3), expected)
        assert len(failures) == 3

    def test_a_disk_that_does_not(self, files, flaky):
        failures = flaky(100, OSError("stale file handle"))
        with pytest.raises(CatalogError, match=r"00\.fits, rows 0 to 2,999: .*stale file handle"):
            AsymmetryMap.from_parquet(files[:1], columns=NAMES, retries=2)
        assert len(failures) == 3

    def test_stars_that_are_wrong_stay_wrong(self, files, flaky):
        failures = flaky(100, ValueError("no such type"))
        with pytest.raises(CatalogError, match=r"00\.fits.*no such type"):
            AsymmetryMap.from_parquet(files[:1], columns=NAMES, retries=2)
        assert len(failures) == 1


class TestFrames:
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_same_bits(self, dask_frame, of_frame, scheduler):
        assert_same_bits(AsymmetryMap.from_hats(dask_frame, scheduler=scheduler), of_frame)

    def test_pieces_and_empty_partitions(self, dask_frame, of_frame, monkeypatch):
        monkeypatch.setattr(partitions, "BATCH", 333)
        assert_same_bits(AsymmetryMap.from_hats(dask_frame), of_frame)
        some = dask_frame[dask_frame["ra"] < 10]
        assert AsymmetryMap.from_hats(some).n_stars < of_frame.n_stars
        none = AsymmetryMap.from_hats(dask_frame[dask_frame["ra"] < -10])
        assert none.n_stars == none.n_outside == none.n_masked == 0

    def test_memory_limit(self, dask_frame, frame):
        exact = AsymmetryMap.from_batches([Table.from_pandas(frame)], COARSE)
        ours = AsymmetryMap.from_hats(dask_frame, COARSE, memory_limit="100 kB")
        assert_array_equal(ours.median, exact.median)
        assert_allclose(ours.mean.value, exact.mean.value, rtol=0, atol=1e-12)
        ours = AsymmetryMap.from_hats(dask_frame, COARSE, memory_limit="1 MB")
        assert_same_bits(ours, exact)

    def test_other_types(self, frame, of_frame):
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        dask_frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe is missing")
        other = frame.drop(columns="other").convert_dtypes(dtype_backend="pyarrow")
        other["distance"] = other["distance"].where(other["distance"].notna(), pandas.NA)
        ours = AsymmetryMap.from_hats(dask_frames.from_pandas(other, npartitions=3))
        assert_same_bits(ours, of_frame)

    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_the_partition_is_named(self, dask_frame, scheduler):
        def fail(stars):
            if 0 in stars.index:
                raise OSError("no such pixel")
            return stars

        bad = dask_frame.map_partitions(fail, meta=dask_frame._meta)
        with pytest.raises(CatalogError, match="partition 0 of 11.*OSError: no such pixel"):
            AsymmetryMap.from_hats(bad, scheduler=scheduler)

    def test_text_instead_of_numbers(self, dask_frame):
        with pytest.raises(CatalogError, match=r"partition \d+ of 11: column 'other' \(m_h\)"):
            AsymmetryMap.from_hats(dask_frame, columns={"m_h": "other"})

    def test_what_is_no_catalogue(self, dask_frame, table):
        with pytest.raises(CatalogError, match="must have a column 'distance'"):
            AsymmetryMap.from_hats(dask_frame[["ra", "dec", "m_h"]])
        for bad in (table, 5, None):
            with pytest.raises(CatalogError, match="path_or_catalog must be the path of a HATS"):
                AsymmetryMap.from_hats(bad)


def run_python(code, **environment):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True,
                          text=True, env=os.environ | environment)


@pytest.mark.parametrize(("missing", "call", "words"), [
    ("dask", "from_parquet('x.parquet')", "need dask, .*pip install 'rcasym[dask]'"),
    ("lsdb", "from_hats('x')", "need lsdb, .*pip install 'rcasym[lsdb]'")])
def test_what_is_missing_is_said(missing, call, words):
    code = (f"import sys; sys.modules[{missing!r}] = None\n"
            "from rcasym import AsymmetryMap\n"
            f"AsymmetryMap.{call}")
    last = run_python(code).stderr.strip().splitlines()[-1]
    before, after = words.split(".*")
    assert last.startswith("rcasym.exceptions.RcasymError") and before in last and after in last


@contextmanager
def client_of(n_workers):
    """A client of workers, each a process that is started anew when it dies."""
    module = pytest.importorskip("distributed", reason="distributed is not installed")
    with (module.LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0",
                              silence_logs="CRITICAL") as cluster,
          module.Client(cluster) as client):
        yield client


@pytest.fixture(scope="module")
def client():
    with client_of(2) as client:
        yield client


@pytest.fixture
def poisoned(dask_frame, tmp_path):
    """A function that gives the stars with a partition that kills its worker once, or always."""
    def make(always):
        def work(stars, mark=tmp_path / "mark"):
            time.sleep(0.05)
            if 5000 in stars.index and (always or not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return stars

        return dask_frame.map_partitions(work, meta=dask_frame._meta)
    return make


class TestCluster:
    def test_same_bits(self, client, files, expected, dask_frame, of_frame, monkeypatch):
        monkeypatch.setattr(partitions, "PARTITION", 200)
        ours = AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=client, timeout=300)
        assert_same_bits(ours, expected)
        ours = AsymmetryMap.from_hats(dask_frame, scheduler=client)
        assert_same_bits(ours, of_frame)

    def test_memory_limit(self, client, files, monkeypatch):
        monkeypatch.setattr(partitions, "PARTITION", 250)
        how = {"binning": COARSE, "columns": NAMES, "memory_limit": "100 kB"}
        ours, here = (AsymmetryMap.from_parquet(files, scheduler=scheduler, **how)
                      for scheduler in (client, "synchronous"))
        assert isinstance(ours.state, VoxelSummary)
        for name in ARRAYS:
            assert_array_equal(getattr(ours, name), getattr(here, name))

    def test_the_partition_is_named(self, client, files, table, dask_frame, tmp_path):
        of_wrong_unit(table).write(tmp_path / "bad.fits")
        with pytest.raises(CatalogError, match=r"bad\.fits, rows 0 to 9: column 'Dist'.*converts"):
            AsymmetryMap.from_parquet([*files, tmp_path / "bad.fits"], columns=NAMES,
                                      scheduler=client)

        def fail(stars):
            if 0 in stars.index:
                raise OSError("no such pixel")
            return stars

        bad = dask_frame.map_partitions(fail, meta=dask_frame._meta)
        with pytest.raises(CatalogError, match="partition 0 of 11: OSError: no such pixel"):
            AsymmetryMap.from_hats(bad, scheduler=client)

    def test_a_partition_that_recovers(self, client, dask_frame, of_frame, tmp_path):
        def fail(stars, folder=tmp_path):
            if 0 in stars.index and len(list(folder.iterdir())) < 2:
                (folder / str(time.time())).touch()
                raise OSError("no such pixel")
            return stars

        bad = dask_frame.map_partitions(fail, meta=dask_frame._meta)
        assert_same_bits(AsymmetryMap.from_hats(bad, scheduler=client, retries=2), of_frame)
        assert len(list(tmp_path.iterdir())) == 2

    def test_time_is_up(self, client, dask_frame):
        def wait(stars):
            time.sleep(0.5)
            return stars

        slow = dask_frame.map_partitions(wait, meta=dask_frame._meta)
        start = time.time()
        with pytest.raises(RcasymError, match=r"timeout of 0.7 s is over \(stars\), with \d+ of 11 "
                                              "partitions unfinished: partition .* of 11"):
            AsymmetryMap.from_hats(slow, scheduler=client, timeout=0.7)
        assert time.time() - start < 10

    def test_asynchronous(self, client, files):
        async def connect():
            async with type(client)(client.scheduler.address, asynchronous=True) as other:
                with pytest.raises(RcasymError, match="scheduler must be a Client with async"):
                    AsymmetryMap.from_parquet(files, scheduler=other)

        asyncio.run(connect())

    def test_a_worker_that_dies(self, client, poisoned, of_frame, tmp_path):
        ours = AsymmetryMap.from_hats(poisoned(always=False), scheduler=client, timeout=300)
        assert (tmp_path / "mark").exists()
        assert_same_bits(ours, of_frame)

    @pytest.mark.slow
    @pytest.mark.parametrize("limit", [None, "100 kB"])
    def test_a_worker_that_is_killed(self, client, files, monkeypatch, limit):
        monkeypatch.setattr(partitions, "PARTITION", 50)
        how = {"binning": COARSE, "columns": NAMES, "memory_limit": limit}
        here = AsymmetryMap.from_parquet(files, scheduler="synchronous", **how)
        victim, killed = next(iter(client.run(os.getpid).values())), []

        def kill():
            time.sleep(0.5)
            os.kill(victim, signal.SIGKILL)
            killed.append(time.time())

        killer = threading.Thread(target=kill)
        killer.start()
        ours = AsymmetryMap.from_parquet(files, scheduler=client, timeout=300, **how)
        done = time.time()
        killer.join()
        assert killed[0] < done
        for name in ARRAYS:
            assert_array_equal(getattr(ours, name), getattr(here, name))
        if limit is None:
            assert_same_bits(ours, here)

    @pytest.mark.slow
    @pytest.mark.parametrize("timeout", [2, 45])
    def test_a_partition_that_always_kills(self, poisoned, timeout):
        # A cluster of its own, which may be left without workers. The scheduler gives the partition
        # up after some deaths, unless it waits for workers that do not come back.
        start = time.time()
        with client_of(2) as client, pytest.raises(RcasymError) as caught:
            AsymmetryMap.from_hats(poisoned(always=True), scheduler=client, timeout=timeout)
        assert time.time() - start < timeout + 40
        assert re.search(r"partition 2 of 11: each process that worked on it was killed|"
                         rf"timeout of {timeout} s is over .* partition 2 of 11", str(caught.value))

    def test_workers_without_the_package(self, files):
        def hide():
            from importlib import metadata

            def version(name):
                raise metadata.PackageNotFoundError(name)

            metadata.version = version

        with client_of(1) as client:
            client.run(hide)
            with pytest.raises(RcasymError, match=r"all workers must have the package rcasym .*; "
                                                  r"tcp://.* has none"):
                AsymmetryMap.from_parquet(files, columns=NAMES, scheduler=client)


@pytest.mark.parametrize("values", [["0.25"] * 8, [True] * 8, ["2020-01-01"] * 8])
def test_what_is_no_number_is_refused_in_frames_too(values):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    dask_frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe is missing")
    stars = pandas.DataFrame({"ra": np.arange(8.0), "dec": 0.0, "distance": 2.0})
    stars["m_h"] = pandas.to_datetime(values) if values[0] == "2020-01-01" else values
    with pytest.raises(CatalogError, match="m_h"):
        AsymmetryMap.from_hats(dask_frames.from_pandas(stars, npartitions=2))


def test_files_of_catalogues_keep_their_frame(tmp_path):
    frame = galactocentric_frame(R0=7.5 * u.kpc)
    catalog = make_mock_catalog(500, frame=frame)
    catalog.write(tmp_path / "far.parquet")
    make_mock_catalog(500).write(tmp_path / "paper.parquet")
    found = AsymmetryMap.from_parquet(tmp_path / "far.parquet")
    assert found.frame.is_equivalent_frame(frame)
    assert_array_equal(found.count, AsymmetryMap.from_catalog(catalog).count)
    with pytest.raises(CatalogError, match="paper.parquet.*files of one map must share one"):
        AsymmetryMap.from_parquet(tmp_path)



FAULTS = """
import resource
import numpy as np
from rcasym.maps.partitions import KeptMemory

def faults(n=50):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n):
        np.ones(250_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(5)
print(faults())
with KeptMemory(), KeptMemory():
    faults(5)
    print(faults())
print(faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this is of the GNU C library")
def test_workers_keep_memory_while_they_work():
    def run(**variables):
        env = {k: v for k, v in os.environ.items() if k != "MALLOC_TRIM_THRESHOLD_"} | variables
        found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True,
                               check=True, env=env)
        return [int(word) for word in found.stdout.split()]

    before, within, after = run(MALLOC_TRIM_THRESHOLD_="65536")
    assert within < 0.1 * min(before, after)
    assert max(run()) < 0.1 * before



@pytest.fixture(scope="module")
def path(frame, tmp_path_factory):
    """The stars as a HATS catalogue."""
    lsdb = pytest.importorskip("lsdb", reason="lsdb is not installed")
    path = tmp_path_factory.mktemp("hats") / "stars"
    with warnings.catch_warnings():
        # of lsdb about pandas
        warnings.filterwarnings("ignore", "The inplace keyword")
        catalog = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", partition_rows=3000,
                                      catalog_name="stars", margin_threshold=None)
        catalog.write_catalog(path, catalog_name="stars", progress_bar=False)
    return path


# lsdb does so with pandas.
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
class TestHats:
    def test_a_path(self, path, of_frame):
        assert_same_bits(AsymmetryMap.from_hats(path), of_frame)
        assert_same_bits(AsymmetryMap.from_hats(str(path), scheduler="synchronous"), of_frame)

    def test_an_open_catalogue(self, path, of_frame, frame):
        import lsdb

        catalog = lsdb.open_catalog(path)
        assert_same_bits(AsymmetryMap.from_hats(catalog), of_frame)
        north = AsymmetryMap.from_hats(catalog.query("dec > 0"))
        theirs = AsymmetryMap.from_batches([Table.from_pandas(frame[frame["dec"] > 0])])
        assert_same_bits(north, theirs)

    def test_a_cluster(self, path, of_frame, client):
        assert_same_bits(AsymmetryMap.from_hats(path, scheduler=client, timeout=300), of_frame)

    def test_memory_limit(self, path, frame):
        exact = AsymmetryMap.from_batches([Table.from_pandas(frame)], COARSE)
        ours = AsymmetryMap.from_hats(path, COARSE, memory_limit="100 kB")
        assert isinstance(ours.state, VoxelSummary)
        assert_array_equal(ours.median, exact.median)

    def test_by_age_under_another_name(self, path, frame, of_frame):
        ours = AsymmetryMap.from_hats(path, DiskBinning.by_age(), columns={"age": "age"})
        theirs = AsymmetryMap.from_batches([Table.from_pandas(frame)], DiskBinning.by_age())
        assert_same_bits(ours, theirs)

    def test_errors(self, path, tmp_path):
        with pytest.raises(CatalogError, match="must have a column 'FeH'"):
            AsymmetryMap.from_hats(path, columns={"m_h": "FeH"})
        with pytest.raises(CatalogError, match="absent as a HATS catalogue"):
            AsymmetryMap.from_hats(tmp_path / "absent")
