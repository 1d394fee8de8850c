# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable
from numpy.testing import assert_array_equal

from rcasym.catalog.chunks import StarFile, find_star_files
from rcasym.exceptions import CatalogError
from tests.conftest import catalog_at

SUFFIXES = ["fits", "fits.gz", "parquet", "ecsv", "xml"]


@pytest.fixture(autouse=True)
def _readers():
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def write(table, path):
    table.write(path, **{"format": "votable"} if path.suffix == ".xml" else {})
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_and_columns(suffix, tmp_path):
    table = QTable({"ra": np.arange(10.0) * u.deg, "FEH": np.linspace(-1, 0, 10),
                    "n": np.arange(10)})
    table["FEH"] = MaskedColumn(table["FEH"], mask=np.arange(10) == 4)
    file = StarFile.open(write(table, tmp_path / f"stars.{suffix}"))
    assert (file.n_rows, file.frame) == (10, None)
    assert [name for name in file.colnames if not name.endswith(".mask")] == ["ra", "FEH", "n"]
    parts = list(file.read(["FEH", "ra"], 4))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert all(part.colnames == ["FEH", "ra"] for part in parts)
    assert all(part["ra"].unit == u.deg for part in parts)
    assert_array_equal(np.concatenate([np.asarray(part["ra"]) for part in parts]), np.arange(10))
    missing = [np.isnan(np.ma.filled(np.ma.asarray(part["FEH"]), np.nan)) for part in parts]
    assert_array_equal(np.concatenate(missing), np.arange(10) == 4)


def test_parquet_whose_first_rows_are_no_stars(tmp_path):
    from pyarrow.parquet import ParquetWriter, read_table

    cat = catalog_at([8.0, 9], [0, 5], [0.1, 0.2], [0.1, 0.2])
    cat.write(tmp_path / "stars.parquet")
    table = read_table(tmp_path / "stars.parquet")
    with ParquetWriter(tmp_path / "gap.parquet", table.schema) as writer:
        for part in (table[:0], table):
            writer.write_table(part)
    file = StarFile.open(tmp_path / "gap.parquet")
    assert file.n_rows == 2
    assert sum(len(part) for part in file.read(["ra"], 1)) == 2


def test_files_of_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.fits", "a.parquet", "notes.txt", "deep/c.FITS.gz"):
        (tmp_path / name).touch()
    names = [path.name for path in find_star_files(tmp_path)]
    assert names == ["a.parquet", "b.fits", "c.FITS.gz"]
    assert find_star_files([str(tmp_path / "notes.txt")]) == [tmp_path / "notes.txt"]
    with pytest.raises(FileNotFoundError, match="there is no file .*none"):
        find_star_files([tmp_path / "none"])
    with pytest.raises(CatalogError, match="files must be one or more; got none"):
        find_star_files([])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match="empty must hold FITS or Parquet files; got none"):
        find_star_files(tmp_path / "empty")
