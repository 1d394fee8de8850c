# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues in files, through the unified I/O registry of astropy."""

import warnings
from functools import partial
from pathlib import Path

from astropy.io import registry
from astropy.table import Column
from astropy.table.connect import TableRead, TableWrite

from ..exceptions import CatalogError, CatalogWarning
from ..utils.files import truncation_raises
from ..utils.validation import check_choice
from .columns import COLUMNS, POSITION_COLUMNS, TEXT_COLUMNS, floats, text
from .surveys import SURVEY_READERS
from .votable import from_votable, to_votable

__all__ = ["CatalogRead", "CatalogWrite", "read_formats", "register"]

DOOR_ARGUMENTS = ("columns", "survey", "frame", "keep")


class CatalogRead(TableRead):
    """Read stars from a file, through the unified I/O registry of astropy.

    Besides the formats of `~astropy.table.QTable` there are ``"apogee-rc"``, ``"lamost-rc"`` and
    ``"lamost-dr3-rgb"``. A catalogue that was written before comes back as it was; any other table
    goes through `RedClumpCatalog.from_table`, whose ``columns``, ``survey``, ``frame`` and ``keep``
    can be given here.

    Parameters
    ----------
    *args
        The path of the file.
    format : str, optional
        The format, where astropy cannot tell it from the file.
    **kwargs
        Arguments of the reader, such as ``ages=`` for ``"apogee-rc"``.

    Raises
    ------
    CatalogError
        If the file is damaged, is not of the format, or lacks a column that is needed.

    Examples
    --------
    A table that was made elsewhere, and calls its metallicities otherwise:

    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym import RedClumpCatalog
    >>> stars = Table({"ra": [90.0], "dec": [20.0], "distance": [2.5], "FEH": [-0.1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stars.write(f"{folder}/stars.fits")
    ...     cat = RedClumpCatalog.read(f"{folder}/stars.fits", columns={"m_h": "FEH"})
    >>> print(cat.R.round(2), cat["m_h"])
    [10.81] kpc [-0.1] dex
    """

    def __call__(self, *args, **kwargs):
        format = kwargs.get("format")
        if format is not None:
            check_choice("format", format, read_formats(self._cls))
        takes_door = format in SURVEY_READERS or format == "votable"
        door = {} if takes_door else {name: kwargs.pop(name) for name in DOOR_ARGUMENTS
                                      if name in kwargs}
        path = args[0] if args else "the file"
        try:
            with truncation_raises():
                table = super().__call__(*args, **kwargs)
            if door or "galcen" not in table.colnames:
                if "galcen" in table.colnames:
                    # A catalogue that was written before keeps all that it had.
                    door = {"keep": table.colnames} | door
                return self._cls.from_table(table, **door)
            return _as_written(table)
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            raise
        except CatalogError as error:
            named = str(path) in str(error)
            raise CatalogError(str(error) if named else f"{path}: {error}") from error
        except Exception as error:
            # Whatever a damaged file does to the many libraries that read it.
            said = " ".join(str(error).split())
            if isinstance(error, registry.IORegistryError):
                said = "it is not a table that astropy recognises"
            raise CatalogError(f"cannot read {path}" + (f" as {format!r}" if format else "")
                               + f": {said[:300] or type(error).__name__}") from error


def read_formats(catalog_class):
    """The formats that ``read`` knows, the surveys' first."""
    formats = registry.get_formats(catalog_class, readwrite="Read")["Format"]
    return (*SURVEY_READERS, *(str(f) for f in formats if f not in SURVEY_READERS))


class CatalogWrite(TableWrite):
    """Write the stars to a file, through the unified I/O registry of astropy.

    FITS, HDF5, Parquet and ECSV keep units, masks, positions and their frame. A VOTable has no
    place for positions with a frame: there they are written as ra, dec and distance, with the
    frame's parameters, and rebuilt on reading.

    Parameters
    ----------
    *args
        The path of the file.
    format : str, optional
        The format, where astropy cannot tell it from the name.
    **kwargs
        Arguments of the writer, such as ``overwrite=True``.

    Examples
    --------
    >>> import tempfile
    >>> from rcasym import RedClumpCatalog, make_mock_catalog
    >>> cat = make_mock_catalog(100)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cat.write(f"{folder}/stars.fits")
    ...     again = RedClumpCatalog.read(f"{folder}/stars.fits")
    >>> print(again.colnames == cat.colnames, (again.Z == cat.Z).all())
    True True
    """

    def __call__(self, *args, serialize_method=None, **kwargs):
        format = kwargs.get("format")
        suffix = str(args[0]).lower().rsplit(".", 1)[-1] if args else ""
        if format == "hdf5" or (format is None and suffix in ("h5", "hdf5", "hdf")):
            kwargs = {"path": "catalog", "serialize_meta": True} | kwargs
        with warnings.catch_warnings():
            # FITS has no dex, but astropy keeps the unit beside the column and restores it.
            warnings.filterwarnings("ignore", "The unit 'dex' could not be saved")
            super().__call__(*args, serialize_method=serialize_method, **kwargs)


def _as_written(table):
    """A catalogue as it was before it was written: text for bytes, its own keys in lower case."""
    for name, column in list(table.columns.items()):
        if isinstance(column, Column) and (column.dtype.kind == "S" or name in TEXT_COLUMNS):
            table[name] = text(column)
    for key in list(table.meta):
        if key.startswith("N_"):
            table.meta[key.lower()] = table.meta.pop(key)
    for name, column in COLUMNS.items():
        if name in table.colnames:
            # FITS files are big-endian; native floats are faster from here on.
            table[name] = column.wrap(floats(table, name).copy())
    return table


def _survey_reader(catalog_class, reader):
    def read(path, *, survey=None, frame=None, keep=(), **kwargs):
        stars = reader(path, **kwargs)
        catalog = catalog_class.from_table(
            stars.table, columns=stars.columns, survey=survey or stars.survey, frame=frame,
            keep=keep)
        catalog.meta |= stars.counts
        return catalog

    read.__doc__ = reader.__doc__
    return read


def _read_votable(catalog_class, path, *, columns=None, survey=None, frame=None, keep=(), **kwargs):
    table, stored_frame = from_votable(path, **kwargs)
    if stored_frame is not None:
        known = {*TEXT_COLUMNS, *POSITION_COLUMNS, *COLUMNS}
        keep = [name for name in table.colnames if name not in known]
    with warnings.catch_warnings():
        if stored_frame is not None:
            # What the stars lack was said when the catalogue was made.
            warnings.simplefilter("ignore", CatalogWarning)
        catalog = catalog_class.from_table(table, columns=columns, survey=survey, keep=keep,
                                           frame=stored_frame if frame is None else frame)
    catalog.meta |= table.meta if stored_frame is not None else {}
    return catalog


def _write_votable(catalog, output, *, overwrite=False, **kwargs):
    if not overwrite and Path(output).exists():
        raise OSError(f"file {output} exists; overwrite=True replaces it")
    to_votable(catalog).to_xml(str(output), **kwargs)


def register(catalog_class):
    """Make the formats of the surveys, and VOTables, known to astropy for a class of catalogues."""
    for name, reader in SURVEY_READERS.items():
        registry.register_reader(name, catalog_class, _survey_reader(catalog_class, reader))
    registry.register_reader("votable", catalog_class, partial(_read_votable, catalog_class))
    registry.register_writer("votable", catalog_class, _write_votable)
