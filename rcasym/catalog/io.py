# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues in files, through the unified I/O registry of astropy."""

import warnings

from astropy.coordinates import SkyCoord
from astropy.io import registry
from astropy.table import Column
from astropy.table.connect import TableRead, TableWrite

from ..exceptions import CatalogError
from ..utils.arrays import plain_text
from ..utils.files import reading, truncation_raises
from ..utils.validation import check_choice
from .columns import COLUMNS, TEXT_COLUMNS, floats
from .surveys import SURVEY_READERS

__all__ = ["CatalogRead", "CatalogWrite", "read_formats", "register"]


class CatalogRead(TableRead):
    """Read stars from a file, through the unified I/O registry of astropy.

    Besides the formats of `~astropy.table.QTable` there are ``"apogee-rc"``, ``"lamost-rc"`` and
    ``"lamost-dr3-rgb"``. A catalogue that was written with ``write`` is restored as it was. Any
    other table is converted with `RedClumpCatalog.from_table`.

    Parameters
    ----------
    *args
        The path of the file.
    format : str, optional
        The format, where astropy cannot recognise it.
    columns, units, survey, frame, keep : optional
        As in `RedClumpCatalog.from_table`. A file that was written with ``write`` keeps all its
        columns unless ``keep`` names some.
    **kwargs
        Arguments of the reader, such as ``ages=`` for ``"apogee-rc"``.

    Raises
    ------
    CatalogError
        If the file is damaged, is not of the format, or lacks a column that is needed.

    Examples
    --------
    A table that was made elsewhere, with another name for [M/H] and distances in parsec:

    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym import RedClumpCatalog
    >>> stars = Table({"ra": [90.0], "dec": [20.0], "distance": [2500.0], "FEH": [-0.1]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stars.write(f"{folder}/stars.fits")
    ...     cat = RedClumpCatalog.read(f"{folder}/stars.fits", columns={"m_h": "FEH"},
    ...                                units={"distance": "pc"})
    >>> print(cat.R.round(2), cat["m_h"])
    [10.81] kpc [-0.1] dex

    Files in other formats are read in the same way.
    """

    def __call__(self, *args, format=None, columns=None, units=None, survey=None, frame=None,
                 keep=None, **kwargs):
        if format is not None:
            check_choice("format", format, read_formats(self._cls))
        choices = {"columns": columns, "units": units, "survey": survey, "frame": frame,
                   "keep": keep}
        choices = {name: value for name, value in choices.items() if value is not None}
        path = args[0] if args else "the file"
        with reading(path, "stars" if format is None else f"{format!r} stars"):
            with truncation_raises():
                if format in SURVEY_READERS:
                    # Not by TableRead, which would take units= for itself.
                    return self.registry.read(self._cls, *args, format=format, **choices, **kwargs)
                table = super().__call__(*args, format=format, **kwargs)
            if not isinstance(table.columns.get("galcen"), SkyCoord):
                return self._cls.from_table(table, **choices)
            table = _restore(table)
            if not choices:
                return table
            others = [name for name in table.colnames if name not in (columns or {})]
            catalog = self._cls.from_table(table, **{"keep": others} | choices)
            catalog.meta |= table.meta
            return catalog


def read_formats(catalog_class):
    """Return the formats that ``read`` knows, those of the surveys first."""
    # For a class with formats of its own, astropy lists only these.
    formats = registry.get_formats(catalog_class.__base__, readwrite="Read")["Format"]
    return (*SURVEY_READERS, *map(str, formats))


class CatalogWrite(TableWrite):
    """Write the stars to a file, through the unified I/O registry of astropy.

    FITS, HDF5, Parquet and ECSV keep units, masks, and positions with their frame.

    Parameters
    ----------
    *args
        The path of the file.
    format : str, optional
        The format, where astropy cannot tell it from the name.
    serialize_method : str or dict, optional
        How masks are written, as in `~astropy.table.Table.write`.
    **kwargs
        Arguments of the writer, such as ``overwrite=True``.

    Raises
    ------
    CatalogError
        If the format is VOTable, which cannot hold positions with their frame.

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

    def __call__(self, *args, format=None, serialize_method=None, **kwargs):
        name = str(args[0]).lower() if args else ""
        if "votable" in str(format).lower() or (format is None and name.removesuffix(
                ".gz").endswith((".xml", ".vot", ".votable"))):
            raise CatalogError("format must keep positions with their frame, as FITS, ECSV, "
                               f"Parquet and HDF5 do; got {format or name!r}")
        if format == "hdf5" or (format is None and name.endswith((".h5", ".hdf5", ".hdf"))):
            kwargs = {"path": "catalog", "serialize_meta": True} | kwargs
        with warnings.catch_warnings():
            # FITS has no dex, but astropy keeps the unit beside the column and restores it.
            warnings.filterwarnings("ignore", "The unit 'dex' could not be saved")
            super().__call__(*args, format=format, serialize_method=serialize_method, **kwargs)


def _restore(table):
    """Return a catalogue as it was before it was written: with text for bytes, native floats."""
    for name, column in list(table.columns.items()):
        if isinstance(column, Column) and (column.dtype.kind == "S" or name in TEXT_COLUMNS):
            table[name] = plain_text(column)
    for key in list(table.meta):
        # FITS has upper-case keywords.
        if key.startswith("N_"):
            table.meta[key.lower()] = table.meta.pop(key)
    for name, column in COLUMNS.items():
        if name in table.colnames:
            # FITS files are big-endian; native floats are faster from here on.
            table[name] = column.wrap(floats(table, name).copy())
    return table


def _make_reader(catalog_class, read_survey):
    """Return a reader of catalogues for the reader of a survey's table."""
    def read(path, *, columns=None, units=None, survey=None, frame=None, keep=(), **kwargs):
        joined = {*(columns or ()), *(units or ())} & {"age", "age_error"}
        if joined and kwargs.get("ages") is not None:
            raise CatalogError("columns and units must not name the ages that ages= joins; got "
                               f"{min(joined)!r}. Set the unit in the ages table")
        stars = read_survey(path, columns=columns, **kwargs)
        if survey is None and stars.columns.get("survey") is None:
            survey = stars.survey
        catalog = catalog_class.from_table(stars.table, columns=stars.columns, units=units,
                                           survey=survey, frame=frame, keep=keep)
        catalog.meta |= stars.counts
        return catalog

    read.__doc__ = read_survey.__doc__
    return read


def register(catalog_class):
    """Register the formats of the surveys with astropy for a class of catalogues."""
    for name, read_survey in SURVEY_READERS.items():
        registry.register_reader(name, catalog_class, _make_reader(catalog_class, read_survey))
