# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The files of the surveys: what their columns are called, and what their values mean.

Each reader gives a plain table and the mapping of its columns, which
`rcasym.RedClumpCatalog` takes through its one door, ``from_table``.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from astropy import log
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from ..exceptions import CatalogError, CatalogWarning
from ..utils.validation import check_columns, warn
from .columns import COLUMNS, text

__all__ = ["SurveyTable", "SURVEY_READERS", "LAMOST_COLUMNS", "APOGEE_COLUMNS",
           "read_apogee_rc", "read_lamost_rc", "read_lamost_dr3_rgb", "read_first_table",
           "position_from_apogee_id"]

APOGEE_COLUMNS = {
    "source_id": ("APOGEE_ID",),
    "ra": ("RA",),
    "dec": ("DEC",),
    "distance": ("RC_DIST",),
    "m_h": ("M_H",),
    "alpha_m": ("ALPHA_M",),
    "snr": ("SNR",),
    "age": ("age",),
}
"""The APOGEE red clump catalogue (Bovy et al. 2014, ApJ 790, 127; DR16 and DR17 files)."""

LAMOST_COLUMNS = {
    "source_id": ("source_id", "specid", "obsid", "ID", "LAMOST", "Spec"),
    "ra": ("ra_obs", "ra", "RAJ2000", "RAdeg", "RA_ICRS", "_RA", "RA"),
    "dec": ("dec_obs", "dec", "DEJ2000", "DEdeg", "DE_ICRS", "_DE", "DEC"),
    "distance": ("distance", "dist", "Dist", "DIST", "RC_DIST"),
    "m_h": ("FEH_PASTEL", "FEH_APOGEE", "feh", "__Fe_H_", "[Fe/H]", "FEH", "FE_H", "m_h", "M_H"),
    "alpha_m": ("AFE_APOGEE", "AFE_PASTEL", "alpha_m", "__a_Fe_", "__alpha_M_", "[a/Fe]"),
    "age": ("age", "Age", "AGE"),
    "snr": ("snr", "snrg", "SNR", "S/N", "SNRg", "snr_g", "SNR_G"),
}
"""Names seen in the LAMOST clump and giant catalogues; the first that a table has is taken.

The catalogues are those of Wang et al. (2022, ApJS 259, 51) and Wang et al. (2023, A&A 675, A26),
through VizieR.
"""

ERROR_NAMES = ("{}_ERR", "{}_err", "{}_error", "err_{}", "e_{}")
"""How surveys call the error of a column; VizieR writes ``e__Fe_H_`` beside ``__Fe_H_``."""

DR3_RGB_COLUMNS = {
    "source_id": ("obsid",),
    "ra": ("ra",),
    "dec": ("dec",),
    "distance": ("dist",),
    "m_h": ("feh",),
}
"""LAMOST DR3 bright giants (Liu et al. 2017, arXiv:1701.07831, table 3)."""


# What stands for an empty flag in files that cannot hold one.
NO_FLAG = ("", "0", "nan", "none", "--")


@dataclass(frozen=True)
class SurveyTable:
    """A survey's table as read, and how its columns map to a catalogue's.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The columns as the file has them.
    columns : dict
        The name in ``table`` of each column of the catalogue that the file has.
    survey : str
        ``"APOGEE"`` or ``"LAMOST"``.
    counts : dict, optional
        What the reader did to the stars, each a number that ends up in the catalogue's ``meta``.

    Examples
    --------
    A reader of a survey of one's own gives one; a catalogue is made of it so:

    >>> from astropy.table import Table
    >>> from rcasym import RedClumpCatalog
    >>> from rcasym.catalog.surveys import SurveyTable
    >>> table = Table({"ra": [90.0], "dec": [20.0], "d_kpc": [2.5], "FEH": [-0.1]})
    >>> stars = SurveyTable(table, {"distance": "d_kpc", "m_h": "FEH"}, "GALAH")
    >>> cat = RedClumpCatalog.from_table(stars.table, columns=stars.columns, survey=stars.survey)
    >>> cat.colnames
    ['survey', 'coord', 'galcen', 'm_h']
    """

    table: Table
    columns: dict
    survey: str
    counts: dict = field(default_factory=dict)


def read_first_table(path):
    """The first table, binary or ASCII, of a FITS file; other files as astropy reads them.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    `~astropy.table.Table`
        Its columns as they are, but for bytes, which become text.

    Raises
    ------
    CatalogError
        If the FITS file holds no table.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym.catalog.surveys import read_first_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Table({"FEH": [-0.1, 0.2]}).write(f"{folder}/stars.fits")
    ...     print(read_first_table(f"{folder}/stars.fits")["FEH"].sum().round(1))
    0.1
    """
    with open(path, "rb") as stream:
        if stream.read(6) != b"SIMPLE":
            return Table.read(path)
        stream.seek(0)
        with fits.open(stream, memmap=False) as hdus:
            tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if not tables:
                raise CatalogError(f"{path} must hold a table; its FITS extensions hold images "
                                   "alone")
            table = Table.read(tables[0], format="fits")
    table.convert_bytestring_to_unicode()
    return table


def position_from_apogee_id(ids):
    """Sky positions from the names of 2MASS stars, such as ``2M19052050+4655041``.

    The name holds the position to 0.15 arcsec in right ascension and 0.1 arcsec in declination,
    coarser than any catalogue: use it only for tables that give no position.

    Parameters
    ----------
    ids : array_like of str
        Names: any prefix of letters and digits, then HHMMSSss, a sign and DDMMSSs.

    Returns
    -------
    `~astropy.coordinates.SkyCoord`
        ICRS positions; NaN for names of another form (``HIP...``, an empty name).

    Examples
    --------
    >>> from rcasym.catalog.surveys import position_from_apogee_id
    >>> print(position_from_apogee_id(["2M19052050+4655041"]).to_string("hmsdms")[0])
    19h05m20.5s +46d55m04.1s
    """
    pattern = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)([+-])(\d\d)(\d\d)(\d\d)(\d)\s*$")
    position = np.full((len(ids), 2), np.nan)
    for row, name in zip(position, ids, strict=True):
        match = pattern.search(str(name))
        if match:
            h, m, s, cs, d, arcmin, arcsec, tenth = (
                int(part) for part in match.groups() if part not in "+-")
            sign = -1 if match.group(5) == "-" else 1
            row[:] = (15 * (h + m / 60 + (s + cs / 100) / 3600),
                      sign * (d + arcmin / 60 + (arcsec + tenth / 10) / 3600))
    return SkyCoord(*position.T, unit=u.deg, frame="icrs")


def _map_columns(table, defaults, columns, path, format):
    """The defaults that the table has, overridden by the user's ``columns``."""
    mapping, needed = {}, ("ra", "dec", "distance", "m_h")
    for name, candidates in defaults.items():
        found = next((c for c in candidates if c in table.colnames), None)
        if found is not None:
            mapping[name] = found
    columns = columns or {}
    if {"l", "b"} <= columns.keys():
        mapping.pop("ra", None)
        mapping.pop("dec", None)
        needed = ("l", "b", "distance", "m_h")
    mapping |= columns
    for name in ("distance", "m_h", "alpha_m", "age"):
        # The error of the very column that is taken: tables have several of a kind.
        if mapping.get(name) is not None and f"{name}_error" not in columns:
            of = mapping[name]
            candidates = [form.format(of) for form in ERROR_NAMES]
            if of.startswith("__"):
                candidates.append(f"e_{of[1:]}")
            mapping[f"{name}_error"] = next((c for c in candidates if c in table.colnames), None)
    for name in needed:
        if mapping.get(name) is None:
            expected = defaults[name]
            tried = f"one of {', '.join(expected)}" if len(expected) > 1 else expected[0]
            raise CatalogError(
                f"{path} is not a {format!r} table: it has no column for {name} ({tried}). "
                f"It has {', '.join(table.colnames[:12])}{', ...' * (len(table.colnames) > 12)}. "
                f"Name the column with columns={{{name!r}: ...}}"
            )
    return mapping


def _join_ages(table, ages, age_column, error_column, flag_column):
    """Ages of the stars by APOGEE_ID; a flagged age counts as missing."""
    called = "the ages table"
    if not isinstance(ages, Table):
        called, ages = f"the ages table {ages}", read_first_table(ages)
    check_columns(ages.colnames, ["APOGEE_ID", age_column, error_column], called)
    if len(ages) == 0:
        raise CatalogError(f"{called} must have one or more rows; got 0")
    ids, stars = text(ages["APOGEE_ID"]), text(table["APOGEE_ID"])
    clean = np.ones(len(ages), bool)
    if flag_column is not None:
        if flag_column in ages.colnames:
            clean = np.isin(np.char.lower(text(ages[flag_column])), NO_FLAG)
        else:
            warn(f"{called} has no column {flag_column!r}, so no age is flagged; give "
                 "age_flag_column=, or None if there are no flags", CatalogWarning)
    # Of several rows of one star the first clean one counts, or the first if none is clean.
    order = np.lexsort((np.arange(len(ids)), ~clean, ids))
    first = order[np.unique(ids[order], return_index=True)[1]]
    slot = np.searchsorted(ids[first], stars)
    row = first[np.minimum(slot, len(first) - 1)]
    found = (ids[row] == stars) & (stars != "")
    usable = found & clean[row]
    for name, source in (("age", age_column), ("age_error", error_column)):
        try:
            values = COLUMNS[name].clean(ages[source], source)
        except CatalogError as error:
            raise CatalogError(f"{called}: {error}") from None
        table[name] = np.where(usable, values[row], np.nan) * COLUMNS[name].unit
    known = int(np.isfinite(table["age"]).sum())
    counts = {"n_age": known, "n_ageflg": int((found & ~clean[row]).sum()),
              "n_noage": len(table) - known - int((found & ~clean[row]).sum())}
    log.info(f"ages joined for {counts['n_age']:,} of {len(table):,} stars; "
             f"{counts['n_ageflg']:,} flagged, {counts['n_noage']:,} without an age in the table")
    return counts


def read_apogee_rc(path, *, ages=None, columns=None, position_from_id=False,
                   age_column="spec_age_xgb", age_error_column="spec_age_xgb_uncert",
                   age_flag_column="spec_age_xgb_flag"):
    """Read the APOGEE red clump catalogue, format ``"apogee-rc"``.

    Parameters
    ----------
    path : path-like
        ``apogee-rc-DR17.fits``, that of DR16, or a table with its columns.
    ages : path-like or `~astropy.table.Table`, optional
        Ages to join by ``APOGEE_ID``, such as those of Anders et al. (2023, A&A 678, A158).
    columns : dict, optional
        Columns that are called otherwise than in `APOGEE_COLUMNS`: ``{"m_h": "FE_H"}``.
    position_from_id : bool, optional
        Take the sky positions from ``APOGEE_ID`` where the table has none.
    age_column, age_error_column, age_flag_column : str, optional
        The columns of ``ages``. A star whose flag is not empty gets no age; with None as the flag's
        column none is flagged.

    Returns
    -------
    SurveyTable
        The table, with columns ``age`` and ``age_error`` if ages are joined; ``counts`` then tells
        how many stars have an age (``n_age``), a flagged one (``n_ageflg``) or none (``n_noage``).

    Raises
    ------
    CatalogError
        If a column that is needed is missing, or the file or the ages cannot be used.

    Examples
    --------
    `RedClumpCatalog.read <rcasym.RedClumpCatalog.read>` calls it with ``format="apogee-rc"``. Here
    two stars, of which one has an age:

    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym.catalog.surveys import read_apogee_rc
    >>> stars = Table({"APOGEE_ID": ["2M1", "2M2"], "RA": [90.0, 91], "DEC": [20.0, 21],
    ...                "RC_DIST": [2.5, 3], "M_H": [-0.1, 0.0]})
    >>> ages = Table({"APOGEE_ID": ["2M2"], "spec_age_xgb": [4.2], "spec_age_xgb_uncert": [0.7],
    ...               "spec_age_xgb_flag": [""]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stars.write(f"{folder}/apogee.fits")
    ...     apogee = read_apogee_rc(f"{folder}/apogee.fits", ages=ages)
    INFO: ages joined for 1 of 2 stars; 0 flagged, 1 without an age in the table ...
    >>> print(apogee.table["age"].tolist(), apogee.counts)
    [nan, 4.2] {'n_age': 1, 'n_ageflg': 0, 'n_noage': 1}
    """
    table = read_first_table(path)
    if position_from_id and not {"RA", "DEC"} & set(table.colnames):
        check_columns(table.colnames, ["APOGEE_ID"], str(path))
        position = position_from_apogee_id(table["APOGEE_ID"])
        table["RA"], table["DEC"] = position.ra, position.dec
    mapping = _map_columns(table, APOGEE_COLUMNS, columns, path, "apogee-rc")
    counts = {}
    if ages is not None:
        check_columns(table.colnames, ["APOGEE_ID"], str(path))
        counts = _join_ages(table, ages, age_column, age_error_column, age_flag_column)
        mapping |= {"age": "age", "age_error": "age_error"}
    return SurveyTable(table, mapping, "APOGEE", counts)


def read_lamost_rc(path, *, columns=None):
    """Read a LAMOST red clump catalogue, format ``"lamost-rc"``.

    Parameters
    ----------
    path : path-like
        A table in any format that astropy recognises; of a FITS file, the first table, whether
        binary or ASCII as VizieR writes it.
    columns : dict, optional
        Columns that are called otherwise than in `LAMOST_COLUMNS`, or where that list has several
        candidates: ``{"m_h": "FEH_APOGEE"}``.

    Returns
    -------
    SurveyTable
        The table as the file has it, and what its columns mean.

    Raises
    ------
    CatalogError
        If a column that is needed is missing.

    Examples
    --------
    Of two scales of [Fe/H], that of PASTEL is taken unless ``columns`` says otherwise:

    >>> import tempfile
    >>> from astropy.table import Table
    >>> from rcasym.catalog.surveys import read_lamost_rc
    >>> stars = Table({"ra": [90.0], "dec": [20.0], "dist": [2.5], "FEH_PASTEL": [-0.1],
    ...                "FEH_APOGEE": [-0.2]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stars.write(f"{folder}/lamost.fits")
    ...     lamost = read_lamost_rc(f"{folder}/lamost.fits")
    >>> lamost.columns["m_h"]
    'FEH_PASTEL'
    """
    table = read_first_table(path)
    mapping = _map_columns(table, LAMOST_COLUMNS, columns, path, "lamost-rc")
    return SurveyTable(table, mapping, "LAMOST")


def read_lamost_dr3_rgb(path, *, columns=None):
    """Read the LAMOST DR3 bright giants, format ``"lamost-dr3-rgb"``.

    The ASCII table of Liu et al. (2017, arXiv:1701.07831). Its own R and Z use R0 = 8.0 kpc and
    are not read. The distance error is the mean of the lower and the upper one.

    Parameters
    ----------
    path : path-like
        ``LMDR3_diskRGB2.dat``: one line of names behind ``#``, then columns between blanks.
    columns : dict, optional
        Columns that are called otherwise than in the published table.

    Returns
    -------
    SurveyTable
        The table, with the mean of both distance errors as ``dist_err``.

    Raises
    ------
    CatalogError
        If the file is no such table.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from rcasym.catalog.surveys import read_lamost_dr3_rgb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "giants.dat")
    ...     _ = path.write_text("# obsid ra dec dist disterr_low disterr_up feh\\n"
    ...                         "101 90.0 20.0 2.5 0.4 0.6 -0.1\\n")
    ...     giants = read_lamost_dr3_rgb(path)
    >>> print(giants.table["dist_err"][0], giants.columns["distance_error"])
    0.5 dist_err
    """
    with open(path, encoding="utf-8", errors="replace") as stream:
        header = stream.readline()
    names = header.lstrip("#").split()
    check_columns([name for name in names if name.isprintable()],
                  ["obsid", "ra", "dec", "dist", "feh"],
                  f"{path} is not a 'lamost-dr3-rgb' table: its first line")
    table = Table.read(path, format="ascii.commented_header", guess=False, fast_reader=True)
    if {"disterr_low", "disterr_up"} <= set(table.colnames):
        table["dist_err"] = 0.5 * (table["disterr_low"] + table["disterr_up"])
    mapping = _map_columns(table, DR3_RGB_COLUMNS, columns, path, "lamost-dr3-rgb")
    return SurveyTable(table, mapping, "LAMOST")


SURVEY_READERS = {
    "apogee-rc": read_apogee_rc,
    "lamost-rc": read_lamost_rc,
    "lamost-dr3-rgb": read_lamost_dr3_rgb,
}
"""The formats of `rcasym.RedClumpCatalog.read` beside astropy's own."""
