# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of dask DataFrames and HATS catalogues, bit-identical with any scheduler."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning
from rcasym.catalog import galactocentric_frame
from rcasym.exceptions import CatalogError, CatalogWarning, RcasymError, ValuesNotKeptError
from rcasym.maps import partitions
from rcasym.utils import parallel
from tests.maps.helpers import assert_same_map, make_raw_table

dask = pytest.importorskip("dask", reason="dask is not installed")
dask_frames = pytest.importorskip("dask.dataframe", reason="dask.dataframe is not installed")
pandas = pytest.importorskip("pandas", reason="pandas is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::rcasym.exceptions.CatalogWarning"),
    # Some versions of dask warn if a distributed client exists too.
    pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning"),
]
SCHEDULERS = ["threads", "synchronous", "processes"]


@pytest.fixture(scope="module")
def frame(mock):
    """Stars as a pandas DataFrame, in the units of a catalogue."""
    table = make_raw_table(mock)
    return pandas.DataFrame({
        "ra": table["RAdeg"].value, "dec": table["DEdeg"].value,
        "distance": table["Dist"].to_value(u.kpc), "m_h": table["FeH"],
        "age": table["Age"].to_value(u.Gyr), "other": "x"})


@pytest.fixture(scope="module")
def expected(frame):
    with pytest.warns(CatalogWarning):
        return AsymmetryMap.from_batches([Table.from_pandas(frame)])


@pytest.fixture(scope="module")
def stars(frame):
    return dask_frames.from_pandas(frame, npartitions=11)


def fail_in_first_partition(stars):
    def fail(part):
        if 0 in part.index:
            raise OSError("no such pixel")
        return part

    return stars.map_partitions(fail, meta=stars._meta)


class TestSchedulers:
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_agrees_with_batches(self, stars, expected, scheduler):
        with dask.config.set(scheduler=scheduler):
            assert_same_map(AsymmetryMap.from_dask(stars), expected)
            moments = AsymmetryMap.from_dask(stars, medians=False)
        assert_array_equal(moments.count, expected.count)
        assert_allclose(moments.std.value, expected.std.value, rtol=0, atol=1e-12)
        with pytest.raises(ValuesNotKeptError):
            moments.median  # noqa: B018

    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test_error_names_the_partition(self, stars, scheduler):
        with dask.config.set(scheduler=scheduler):
            with pytest.raises(CatalogError, match="partition 0 of 11: OSError: no such pixel"):
                AsymmetryMap.from_dask(fail_in_first_partition(stars))
            with pytest.raises(CatalogError, match=r"partition \d+ of 11: column 'other' \(m_h\)"):
                AsymmetryMap.from_dask(stars, columns={"m_h": "other"})

    @pytest.mark.parametrize("error", [OSError, type("KilledWorker", (Exception,), {})])
    def test_error_that_does_not_come_from_a_partition(self, stars, monkeypatch, error):
        def compute(*args, **kwargs):
            raise error("a worker was lost")

        monkeypatch.setattr(dask, "compute", compute)
        with pytest.raises(CatalogError, match="cannot read stars from the partitions: "
                                               f"{error.__name__}: a worker was lost"):
            AsymmetryMap.from_dask(stars)

    def test_each_partition_uses_one_thread(self, stars, monkeypatch):
        n_threads, original = [], partitions.bin_batch

        def bin_batch(*args, **kwargs):
            n_threads.append(parallel.n_threads())
            return original(*args, **kwargs)

        monkeypatch.setattr(partitions, "bin_batch", bin_batch)
        AsymmetryMap.from_dask(stars)
        assert n_threads == [1] * 11


class TestDataFrames:
    @pytest.mark.parametrize("fan_in", [2, 3, 20])
    def test_result_does_not_depend_on_the_tree(self, stars, expected, monkeypatch, fan_in):
        monkeypatch.setattr(partitions, "FAN_IN", fan_in)
        assert_same_map(AsymmetryMap.from_dask(stars), expected)

    def test_parquet_files(self, frame, expected, tmp_path):
        for k in range(4):
            frame[k::4].to_parquet(tmp_path / f"{k}.parquet")
        stars = dask_frames.read_parquet(tmp_path)
        assert_same_map(AsymmetryMap.from_dask(stars), expected)
        (tmp_path / "2.parquet").write_bytes((tmp_path / "2.parquet").read_bytes()[:-99])
        with pytest.raises(CatalogError, match="cannot read stars from partition 2 of 4: "):
            AsymmetryMap.from_dask(stars)

    def test_works_like_any_other_map(self, stars, expected, tmp_path):
        ours = AsymmetryMap.from_dask(stars)
        assert_same_map(ours + ours, expected + expected)
        ours.write(tmp_path / "map.fits")
        assert_same_map(AsymmetryMap.read(tmp_path / "map.fits"), expected)
        assert ours.test(n=99, rng=1).p_value == expected.test(n=99, rng=1).p_value
        some, none = (AsymmetryMap.from_dask(stars[stars["ra"] < ra]) for ra in (10, -10))
        assert 0 < some.n_stars < expected.n_stars
        assert none.n_stars == none.n_outside == none.n_masked == 0

    def test_columns_units_and_frame(self, frame):
        other = frame.assign(d=1000 * frame["distance"], t=1000 * frame["age"])
        other = other.drop(columns=["distance", "age"])
        how = {"columns": {"distance": "d", "age": "t"}, "units": {"distance": "pc", "t": "Myr"},
               "frame": galactocentric_frame(R0=8 * u.kpc)}
        ours = AsymmetryMap.from_dask(dask_frames.from_pandas(other, npartitions=3),
                                      DiskBinning.by_age(), **how)
        theirs = AsymmetryMap.from_batches([Table.from_pandas(other)], DiskBinning.by_age(), **how)
        assert_same_map(ours, theirs)
        assert ours.n_stars > 1000

    def test_nullable_columns(self, frame, expected):
        other = frame.drop(columns="other").convert_dtypes(dtype_backend="pyarrow")
        other["distance"] = other["distance"].where(other["distance"].notna(), pandas.NA)
        ours = AsymmetryMap.from_dask(dask_frames.from_pandas(other, npartitions=3))
        assert_same_map(ours, expected)

    def test_lost_values_are_counted_over_all_partitions(self, stars):
        with pytest.warns(CatalogWarning) as caught:
            AsymmetryMap.from_dask(stars)
        messages = [str(warning.message) for warning in caught]
        assert len(messages) == 2
        assert any("column 'm_h': 400 of 20,000 stars have no value" in message
                   for message in messages)

    @pytest.mark.parametrize("values", [["0.25"] * 8, [True] * 8, ["2020-01-01"] * 8])
    def test_rejects_values_that_are_not_numbers(self, values):
        stars = pandas.DataFrame({"ra": np.arange(8.0), "dec": 0.0, "distance": 2.0})
        stars["m_h"] = pandas.to_datetime(values) if values[0] == "2020-01-01" else values
        with pytest.raises(CatalogError, match="m_h"):
            AsymmetryMap.from_dask(dask_frames.from_pandas(stars, npartitions=2))


    def test_rejects_bad_arguments(self, stars, frame):
        for bad in (frame, 5, None):
            with pytest.raises(CatalogError, match="catalog must be an lsdb Catalog, the path"):
                AsymmetryMap.from_dask(bad)
        with pytest.raises(CatalogError, match="must have a column 'distance'"):
            AsymmetryMap.from_dask(stars[["ra", "dec", "m_h"]])
        with pytest.raises(RcasymError, match="a key of units must be one of .*; got 'nothing'"):
            AsymmetryMap.from_dask(stars, units={"nothing": "pc"})


@pytest.mark.parametrize(("missing", "catalog", "advice"), [
    ("dask", "object()", "from_dask needs dask, which the extra 'dask' brings: pip install"),
    ("lsdb", "'x'", "HATS catalogues need lsdb, which the extra 'lsdb' brings: pip install")])
def test_error_names_a_missing_package(missing, catalog, advice):
    code = (f"import sys; sys.modules[{missing!r}] = None\n"
            f"from rcasym import AsymmetryMap\nAsymmetryMap.from_dask({catalog})")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("rcasym.exceptions.RcasymError") and advice in last


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with (distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0",
                                   silence_logs="CRITICAL") as cluster,
          distributed.Client(cluster) as client):
        yield client


class TestCluster:
    def test_agrees_with_batches(self, client, stars, expected):
        assert_same_map(AsymmetryMap.from_dask(stars), expected)
        # Partitions that are in the memory of the workers.
        assert_same_map(AsymmetryMap.from_dask(stars.persist()), expected)
        with pytest.raises(CatalogError, match="partition 0 of 11: OSError: no such pixel"):
            AsymmetryMap.from_dask(fail_in_first_partition(stars))

    # dask warns that annotations do not affect the query plan; they do reach the scheduler.
    @pytest.mark.filterwarnings("ignore:Dask annotations:UserWarning")
    def test_retries_are_set_by_dask(self, client, stars, expected, tmp_path):
        def fail_twice(part, folder=tmp_path):
            if 0 in part.index and len(list(folder.iterdir())) < 2:
                (folder / str(time.time())).touch()
                raise OSError("no such pixel")
            return part

        flaky = stars.map_partitions(fail_twice, meta=stars._meta)
        with dask.annotate(retries=3):
            ours = AsymmetryMap.from_dask(flaky)
        assert_same_map(ours, expected)
        assert len(list(tmp_path.iterdir())) == 2

    def test_worker_that_dies_once(self, client, stars, expected, tmp_path):
        def kill_once(part, mark=tmp_path / "mark"):
            if 5000 in part.index and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return part

        ours = AsymmetryMap.from_dask(stars.map_partitions(kill_once, meta=stars._meta))
        assert (tmp_path / "mark").exists()
        assert_same_map(ours, expected)


@pytest.fixture(scope="module")
def hats_path(frame, tmp_path_factory):
    """Path of a HATS catalogue of the stars."""
    lsdb = pytest.importorskip("lsdb", reason="lsdb is not installed")
    path = tmp_path_factory.mktemp("hats") / "stars"
    with warnings.catch_warnings():
        # lsdb uses an old option of pandas.
        warnings.filterwarnings("ignore", "The inplace keyword")
        catalog = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", partition_rows=3000,
                                      catalog_name="stars", margin_threshold=None)
        catalog.write_catalog(path, catalog_name="stars", progress_bar=False)
    return path


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
class TestHats:

    def test_path(self, hats_path, expected, frame, tmp_path):
        assert_same_map(AsymmetryMap.from_dask(hats_path), expected)
        by_age = AsymmetryMap.from_dask(str(hats_path), DiskBinning.by_age(),
                                        columns={"age": "age"})
        theirs = AsymmetryMap.from_batches([Table.from_pandas(frame)], DiskBinning.by_age())
        assert_same_map(by_age, theirs)
        with pytest.raises(CatalogError, match="must have a column 'FeH'"):
            AsymmetryMap.from_dask(hats_path, columns={"m_h": "FeH"})
        with pytest.raises(FileNotFoundError, match="absent"):
            AsymmetryMap.from_dask(tmp_path / "absent")

    def test_open_catalogue(self, hats_path, expected, frame):
        import lsdb

        catalog = lsdb.open_catalog(hats_path)
        assert_same_map(AsymmetryMap.from_dask(catalog), expected)
        north = AsymmetryMap.from_dask(catalog.query("dec > 0"))
        theirs = AsymmetryMap.from_batches([Table.from_pandas(frame[frame["dec"] > 0])])
        assert_same_map(north, theirs)

    @pytest.mark.parametrize("medians", [True, False])
    def test_region_without_partitions(self, frame, medians):
        lsdb = pytest.importorskip("lsdb", reason="lsdb is not installed")
        catalog = lsdb.from_dataframe(frame[frame["dec"] > 60], ra_column="ra", dec_column="dec",
                                      margin_threshold=None)
        region = catalog.cone_search(ra=300, dec=-80, radius_arcsec=100)
        assert region.to_delayed() == []
        with pytest.warns(CatalogWarning, match="the map is empty"):
            assert AsymmetryMap.from_dask(region, medians=medians).n_stars == 0
