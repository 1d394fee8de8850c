# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of stars in files, some rows at a time, and of them only the columns that are needed."""

import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy.io.registry import IORegistryError
from astropy.io.votable import is_votable
from astropy.table import Column, MaskedColumn, QTable, Table
from astropy.table.meta import get_header_from_yaml

from ..exceptions import CatalogError
from ..utils.files import truncation_raises
from ..utils.parallel import n_threads
from .votable import from_votable

__all__ = ["StarFile", "release_memory", "find_star_files"]

# How astropy writes the parts of a position.
PARTS = {"coord.ra": "ra", "coord.dec": "dec", "coord.distance": "distance"}
FITS_SUFFIXES = (".fits", ".fit", ".fits.gz", ".fit.gz")
PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")


@contextmanager
def _naming(path):
    """Within it, what fails names the file."""
    try:
        with nullcontext() if _is(path, PARQUET_SUFFIXES) else truncation_raises():
            yield
    except (CatalogError, FileNotFoundError, PermissionError):
        raise
    except IORegistryError as error:
        raise CatalogError(f"cannot read stars from {path}: it is not a table that astropy "
                           "recognises") from error
    except Exception as error:
        # Whatever a damaged file does to the many libraries that read it.
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise CatalogError(f"cannot read stars from {path}: {said}") from error


@dataclass(frozen=True)
class StarFile:
    """A table in a file.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.
    colnames : list of str
        Its columns. The parts of positions that a catalogue was written with are ``ra``, ``dec``
        and ``distance``.
    n_rows : int
        Its stars.
    own : dict
        What the file itself calls a column of ``colnames``, where that differs.
    groups : list of int, optional
        Stars of each group of rows of a Parquet file.
    frame : `~astropy.coordinates.Galactocentric`, optional
        That of the catalogue that was written; None for any other table.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym.catalog.chunks import StarFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Table({"ra": [1.0, 2, 3], "FEH": [0.1, 0, -0.1]}).write(f"{folder}/stars.fits")
    ...     file = StarFile.open(f"{folder}/stars.fits")
    ...     print(file.n_rows, [len(part) for part in file.read(["FEH"], size=2)])
    3 [2, 1]
    """

    path: Path
    colnames: list
    n_rows: int
    own: dict
    groups: tuple = ()
    frame: object = None

    @classmethod
    def open(cls, path):
        """Look into a file; FITS and Parquet are not read for that."""
        path, groups, first = Path(path), [], None
        with _naming(path):
            if _is(path, FITS_SUFFIXES):
                with fits.open(path, memmap=True) as hdus:
                    hdu = _first_table(hdus, path)
                    names, n_rows = hdu.columns.names, hdu.header["NAXIS2"]
                    if _has_positions(names) and n_rows:
                        first = QTable.read(fits.BinTableHDU(hdu.data[:1], header=hdu.header))
            elif _is(path, PARQUET_SUFFIXES):
                with _parquet(path) as file:
                    names, n_rows = file.schema_arrow.names, file.metadata.num_rows
                    groups = [file.metadata.row_group(k).num_rows
                              for k in range(file.metadata.num_row_groups)]
                    if _has_positions(names) and n_rows:
                        first = _first_row(file)
            else:
                first = QTable.read(path)
                names, n_rows = first.colnames, len(first)
            frame = (first["galcen"].frame.replicate_without_data()
                     if first and "galcen" in first.colnames else None)
            if first and not _is(path, FITS_SUFFIXES + PARQUET_SUFFIXES) and is_votable(str(path)):
                frame = from_votable(path)[1]
        own = {PARTS[name]: name for name in names if name in PARTS and PARTS[name] not in names}
        if any(name.startswith("coord.") for name in names) and first:
            given = getattr(first["coord"], "frame", None)
            if not isinstance(given, ICRS):
                raise CatalogError(
                    f"file {path} must have a column 'coord' in ICRS to be read in parts; it is in "
                    f"{type(given).__name__}. Give from_batches the catalogue, as "
                    "RedClumpCatalog.read makes it, or write positions in ICRS")
        return cls(path, [*names, *own], n_rows, own, tuple(groups), frame)

    def cuts(self, size):
        """First row and end of parts that can be read one without the other.

        They have ``size`` stars or fewer, but a group of rows of a Parquet file stays whole, and so
        does a file of another format or a compressed one.
        """
        if _is(self.path, FITS_SUFFIXES) and not _is(self.path, (".gz",)):
            n = -(-self.n_rows // size)
            bounds = [k * self.n_rows // n for k in range(n + 1)] if n else []
        else:
            bounds = [0]
            for end in accumulate(self.groups or [self.n_rows]):
                if end > bounds[-1] and len(bounds) > 1 and end - bounds[-2] <= size:
                    bounds.pop()
                bounds.append(end)
        return [cut for cut in pairwise(bounds) if cut[1] > cut[0]]

    def read(self, names, size, start=0, stop=None):
        """Tables of ``size`` stars, or fewer, with the columns ``names``.

        They have the rows from ``start`` to before ``stop``, by default all.
        """
        stop = self.n_rows if stop is None else stop
        own = [self.own.get(name, name) for name in names]
        reader = (_fits_parts if _is(self.path, FITS_SUFFIXES) else
                  _parquet_parts if _is(self.path, PARQUET_SUFFIXES) else _whole)
        parts = reader(self.path, own, size, start, stop)
        while True:
            with _naming(self.path):
                part = next(parts, None)
            if part is None:
                return
            part.rename_columns(own, list(names))
            yield part


def find_star_files(paths):
    """Return the files of one path or of several; a folder stands for the tables in it."""
    paths = [paths] if isinstance(paths, str | Path) else paths
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*")
                            if _is(file, FITS_SUFFIXES + PARQUET_SUFFIXES))
            if not inside:
                raise CatalogError(f"folder {path} must hold FITS or Parquet files; it has none")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"there is no file {path}")
    if not found:
        raise CatalogError("files must be one or more; got none")
    return found


def _is(path, suffixes):
    return path.name.lower().endswith(suffixes)


def _first_table(hdus, path):
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
            return hdu
    raise CatalogError(f"file {path} must have a table; it has none")


def _fits_parts(path, names, size, start, stop):
    with fits.open(path, memmap=True) as hdus:
        hdu = _first_table(hdus, path)
        needed = hdu.fileinfo()["datLoc"] + hdu.header["NAXIS1"] * hdu.header["NAXIS2"]
        if not _is(path, (".gz",)) and path.stat().st_size < needed:
            raise CatalogError(f"file {path} must have {needed:,} bytes; it is cut short at "
                               f"{path.stat().st_size:,}")
        columns = {column.name: column for column in hdu.columns}
        for first in range(start, stop, size):
            rows = hdu.data[first:min(first + size, stop)]
            part = {}
            for name in names:
                values, column = np.array(rows.field(name)), columns[name]
                mask = values == column.null if isinstance(column.null, int) else None
                if f"{name}.mask" in columns:
                    # So astropy writes masks with serialize_method="data_mask".
                    mask = np.array(rows.field(f"{name}.mask"), bool)
                part[name] = (Column(values, unit=column.unit) if mask is None
                              else MaskedColumn(values, mask=mask, unit=column.unit))
            yield Table(part, copy=False)


@contextmanager
def _parquet(path):
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise CatalogError("Parquet files need pyarrow, which the extra 'all' brings: "
                           "pip install 'rcasym[all]'") from None
    with ParquetFile(path) as file:
        yield file


def _has_positions(names):
    """Whether astropy wrote positions in a frame."""
    return any(name.startswith(("coord.", "galcen.")) for name in names)


def _first_row(file):
    """The first row as astropy wrote it, its positions with their frame."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    table = file.schema_arrow.empty_table()
    for batch in file.iter_batches(1, [0], use_threads=False):
        table = pa.Table.from_batches([batch])
        break
    copy = BytesIO()
    write_table(table.replace_schema_metadata(file.schema_arrow.metadata), copy)
    copy.seek(0)
    return QTable.read(copy, format="parquet")


def release_memory():
    """Give back the memory that a reader keeps for the next file."""
    arrow = sys.modules.get("pyarrow")
    if arrow:
        arrow.default_memory_pool().release_unused()


def _parquet_parts(path, names, size, start, stop):
    with _parquet(path) as file:
        units = _units(file.schema_arrow.metadata or {})
        masks = {name: f"{name}.mask" for name in names
                 if f"{name}.mask" in file.schema_arrow.names}
        ends = list(accumulate(file.metadata.row_group(k).num_rows
                               for k in range(file.metadata.num_row_groups)))
        groups = [k for k, (first, end) in enumerate(pairwise([0, *ends]))
                  if first < stop and end > start]
        first = ends[groups[0] - 1] if groups and groups[0] else 0
        for batch in file.iter_batches(size, groups, columns=[*names, *masks.values()],
                                       use_threads=n_threads() > 1):
            rows = slice(max(start - first, 0), max(stop - first, 0))
            first, batch = first + len(batch), batch[rows]
            if len(batch) == 0:
                continue
            part = Table()
            for name in names:
                values = batch.column(name).to_numpy(zero_copy_only=False)
                mask = masks.get(name)
                part[name] = (Column(values, unit=units.get(name)) if mask is None else
                              MaskedColumn(values, unit=units.get(name), mask=batch.column(
                                  mask).to_numpy(zero_copy_only=False)))
            yield part


def _units(metadata):
    """Units that astropy wrote; others write none."""
    header = metadata.get(b"table_meta_yaml")
    if header is None:
        return {}
    columns = get_header_from_yaml(header.decode().split("\n"))["datatype"]
    return {column["name"]: column.get("unit") for column in columns}


def _whole(path, names, size, start, stop):
    table = QTable.read(path)[names][start:stop]
    for start in range(0, len(table), size):
        yield table[start:start + size]
