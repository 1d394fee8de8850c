# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Star tables in files, read in chunks of rows, and only the columns that are needed."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.table.meta import get_header_from_yaml

from ..exceptions import CatalogError
from ..utils.files import reading, truncation_raises
from ..utils.parallel import n_threads

__all__ = ["StarFile", "find_first_table", "find_star_files", "release_memory"]

# How astropy writes the parts of a position.
PARTS = {"coord.ra": "ra", "coord.dec": "dec", "coord.distance": "distance"}
FITS_SUFFIXES = (".fits", ".fit", ".fits.gz", ".fit.gz")
PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")


@dataclass(frozen=True)
class StarFile:
    """A table in a file, its columns and its number of rows.

    ``own`` has the file's name for each of ``colnames`` that differs: the position of a catalogue
    that was written is in ``ra``, ``dec`` and ``distance``. ``frame`` is the Galactocentric frame
    of such a catalogue, None for any other table.
    """

    path: Path
    colnames: list
    n_rows: int
    own: dict
    frame: object = None

    @classmethod
    def open(cls, path):
        """Return a description of the file; the stars of FITS and Parquet are not read for it."""
        path = Path(path)
        with _reading(path):
            names, n_rows, first = _inspect(path)
        has_galcen = first is not None and "galcen" in first.colnames
        frame = first["galcen"].frame.replicate_without_data() if has_galcen else None
        own = {PARTS[name]: name for name in names if name in PARTS and PARTS[name] not in names}
        if first is not None and any(name.startswith("coord.") for name in names):
            sky = getattr(first["coord"], "frame", None)
            if not isinstance(sky, ICRS):
                raise CatalogError(
                    f"file {path} must have a column 'coord' in ICRS to be read in parts; got one "
                    f"in {type(sky).__name__}. Read it with RedClumpCatalog.read instead, or write "
                    "positions in ICRS")
        return cls(path, [*names, *own], n_rows, own, frame)

    def read(self, names, size):
        """Yield tables of up to ``size`` stars, with the columns ``names``."""
        own = [self.own.get(name, name) for name in names]
        reader = (_read_fits if _has_suffix(self.path, FITS_SUFFIXES) else
                  _read_parquet if _has_suffix(self.path, PARQUET_SUFFIXES) else _read_whole)
        parts = reader(self.path, own, size)
        while True:
            with _reading(self.path):
                part = next(parts, None)
            if part is None:
                return
            part.rename_columns(own, list(names))
            yield part


def find_star_files(paths):
    """Return the files of one path or of several; a folder stands for the tables in it."""
    paths = [paths] if isinstance(paths, str | Path) else paths
    files = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*")
                            if _has_suffix(file, FITS_SUFFIXES + PARQUET_SUFFIXES))
            if not inside:
                raise CatalogError(f"folder {path} must hold FITS or Parquet files; got none")
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise FileNotFoundError(f"there is no file {path}")
    if not files:
        raise CatalogError("files must be one or more; got none")
    return files


def find_first_table(hdus, path):
    """Return the first table, binary or ASCII, of an open FITS file."""
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return hdu
    raise CatalogError(f"file {path} must have a table; got images alone")


def release_memory():
    """Release the memory that a reader keeps for the next file."""
    arrow = sys.modules.get("pyarrow")
    if arrow:
        arrow.default_memory_pool().release_unused()


@contextmanager
def _reading(path):
    with reading(path):
        if _has_suffix(path, PARQUET_SUFFIXES):
            yield
        else:
            with truncation_raises():
                yield


def _has_suffix(path, suffixes):
    return path.name.lower().endswith(suffixes)


def _inspect(path):
    """Return names of columns, number of rows, and a table with the first row if it is needed.

    It is needed for the frames of positions. There is none if the file has no rows.
    """
    first = None
    if _has_suffix(path, FITS_SUFFIXES):
        with fits.open(path, memmap=True) as hdus:
            hdu = find_first_table(hdus, path)
            names, n_rows = hdu.columns.names, hdu.header["NAXIS2"]
            if n_rows and _has_positions(names):
                first = QTable.read(fits.BinTableHDU(hdu.data[:1], header=hdu.header))
    elif _has_suffix(path, PARQUET_SUFFIXES):
        with _open_parquet(path) as file:
            names, n_rows = file.schema_arrow.names, file.metadata.num_rows
            if n_rows and _has_positions(names):
                first = _read_first_row(file)
    else:
        table = QTable.read(path)
        names, n_rows = table.colnames, len(table)
        first = table if n_rows else None
    return names, n_rows, first


def _has_positions(names):
    """Return True if astropy wrote positions in a frame."""
    return any(name.startswith(("coord.", "galcen.")) for name in names)


def _read_fits(path, names, size):
    with fits.open(path, memmap=True) as hdus:
        hdu = find_first_table(hdus, path)
        n_rows = hdu.header["NAXIS2"]
        n_bytes = hdu.fileinfo()["datLoc"] + hdu.header["NAXIS1"] * n_rows
        if not _has_suffix(path, (".gz",)) and path.stat().st_size < n_bytes:
            raise CatalogError(f"file {path} must have {n_bytes:,} bytes; got "
                               f"{path.stat().st_size:,}, it is truncated")
        columns = {column.name: column for column in hdu.columns}
        for start in range(0, n_rows, size):
            rows = hdu.data[start:start + size]
            part = {}
            for name in names:
                values, column = np.array(rows.field(name)), columns[name]
                mask = values == column.null if isinstance(column.null, int) else None
                if f"{name}.mask" in columns:
                    # astropy writes masks so with serialize_method="data_mask".
                    mask = np.array(rows.field(f"{name}.mask"), bool)
                part[name] = _make_column(values, column.unit, mask)
            yield Table(part, copy=False)


@contextmanager
def _open_parquet(path):
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise CatalogError("Parquet files need pyarrow, which the extra 'all' brings: "
                           "pip install 'rcasym[all]'") from None
    with ParquetFile(path) as file:
        yield file


def _read_parquet(path, names, size):
    with _open_parquet(path) as file:
        units = _read_units(file.schema_arrow.metadata or {})
        masks = {name: f"{name}.mask" for name in names
                 if f"{name}.mask" in file.schema_arrow.names}
        for batch in file.iter_batches(size, columns=[*names, *masks.values()],
                                       use_threads=n_threads() > 1):
            values = {name: batch.column(name).to_numpy(zero_copy_only=False)
                      for name in (*names, *masks.values())}
            yield Table({name: _make_column(values[name], units.get(name),
                                            values[masks[name]] if name in masks else None)
                         for name in names}, copy=False)


def _read_whole(path, names, size):
    table = QTable.read(path)[names]
    for start in range(0, len(table), size):
        yield table[start:start + size]


def _make_column(values, unit, mask):
    if mask is None:
        return Column(values, unit=unit)
    return MaskedColumn(values, unit=unit, mask=mask)


def _read_units(metadata):
    """Return the units that astropy wrote to a Parquet file, if it did."""
    header = metadata.get(b"table_meta_yaml")
    if header is None:
        return {}
    columns = get_header_from_yaml(header.decode().split("\n"))["datatype"]
    return {column["name"]: column.get("unit") for column in columns}


def _read_first_row(file):
    """Return the first row as astropy wrote it, with the frames of positions.

    None if the first group of rows is empty.
    """
    import pyarrow as pa
    from pyarrow.parquet import write_table

    batch = next(file.iter_batches(1, [0], use_threads=False), None)
    if batch is None:
        return None
    copy = BytesIO()
    write_table(pa.Table.from_batches([batch]).replace_schema_metadata(
        file.schema_arrow.metadata), copy)
    copy.seek(0)
    return QTable.read(copy, format="parquet")
