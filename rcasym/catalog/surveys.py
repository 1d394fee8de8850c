# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The files of the surveys: the names of their columns, and how to read them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy import log
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from ..exceptions import CatalogError, CatalogWarning
from ..utils.arrays import plain_text
from ..utils.files import naming
from ..utils.validation import check_columns, warn
from .chunks import find_first_table
from .columns import COLUMNS

__all__ = ["SURVEY_READERS", "SurveyTable"]

# The APOGEE red clump catalogue (Bovy et al. 2014, ApJ 790, 127; DR16 and DR17 files).
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

# Names in the LAMOST clump and giant catalogues of Wang et al. (2022, ApJS 259, 51) and Wang et al.
# (2023, A&A 675, A26), through VizieR. The first that a table has is taken.
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

# VizieR writes e__Fe_H_ beside __Fe_H_.
ERROR_NAMES = ("{}_ERR", "{}_err", "{}_error", "err_{}", "e_{}")

# LAMOST DR3 bright giants (Liu et al. 2017, arXiv:1701.07831, table 3).
DR3_RGB_COLUMNS = {
    "source_id": ("obsid",),
    "ra": ("ra",),
    "dec": ("dec",),
    "distance": ("dist",),
    "m_h": ("feh",),
}

# Empty flags in files that cannot hold an empty text.
NO_FLAG = ("", "0", "nan", "none", "--")


@dataclass(frozen=True)
class SurveyTable:
    """A survey's table, and its name for each column of a catalogue.

    ``counts`` are added to the catalogue's ``meta``.
    """

    table: Table
    columns: dict
    survey: str
    counts: dict = field(default_factory=dict)


def read_first_table(path):
    """Return the first table of a FITS file, binary or ASCII, or a table in another format."""
    with open(path, "rb") as stream:
        if stream.read(6) != b"SIMPLE":
            return Table.read(path)
        stream.seek(0)
        with fits.open(stream, memmap=False) as hdus:
            table = Table.read(find_first_table(hdus, path), format="fits")
    table.convert_bytestring_to_unicode()
    return table


def position_from_apogee_id(ids):
    """Return ICRS positions from the names of 2MASS stars, such as ``2M19052050+4655041``.

    Names end in HHMMSSss, a sign and DDMMSSs. Others, such as ``HIP...``, give NaN.
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
    """Return the table's name for each column of a catalogue, overridden by ``columns``."""
    mapping, columns = {}, columns or {}
    for name, candidates in defaults.items():
        present = _find_name(candidates, table)
        if present is not None:
            mapping[name] = present
    given = {name for name, source in columns.items() if source is not None}
    replaced = (("ra", "dec", "distance") if "coord" in given else
                ("ra", "dec") if given & {"l", "b"} else ())
    mapping = {name: source for name, source in mapping.items() if name not in replaced} | columns
    for name in ("distance", "m_h", "alpha_m", "age"):
        # The error must belong to the column that is taken, since tables have several of a kind.
        source = mapping.get(name)
        if source is not None and f"{name}_error" not in columns:
            candidates = [form.format(source) for form in ERROR_NAMES]
            if source.startswith("__"):
                candidates.append(f"e_{source[1:]}")
            mapping[f"{name}_error"] = _find_name(candidates, table)
    for name in ("ra", "dec", "distance", "m_h"):
        if name not in replaced and mapping.get(name) is None:
            expected = defaults[name]
            tried = f"one of {', '.join(expected)}" if len(expected) > 1 else expected[0]
            raise CatalogError(
                f"{path} must have a column for {name} ({tried}) to be read as {format!r}; "
                f"got {', '.join(table.colnames[:12])}{', ...' * (len(table.colnames) > 12)}. "
                f"Name the column with columns={{{name!r}: ...}}"
            )
    return mapping


def _find_name(candidates, table):
    return next((name for name in candidates if name in table.colnames), None)


def _join_ages(table, ages, age_column, error_column, flag_column):
    """Add ages to the table by APOGEE_ID, and return the counts; flagged ages are missing."""
    label = "the ages table"
    if not isinstance(ages, Table):
        label, ages = f"the ages table {ages}", read_first_table(ages)
    check_columns(ages.colnames, ["APOGEE_ID", age_column, error_column], label)
    if len(ages) == 0:
        raise CatalogError(f"{label} must have one or more rows; got 0")
    ids, stars = plain_text(ages["APOGEE_ID"]), plain_text(table["APOGEE_ID"])
    clean = np.ones(len(ages), bool)
    if flag_column is not None:
        if flag_column in ages.colnames:
            clean = np.isin(np.char.lower(plain_text(ages[flag_column])), NO_FLAG)
        else:
            warn(f"{label} has no column {flag_column!r}, so no age is flagged; give "
                 "age_flag_column=, or None if there are no flags", CatalogWarning)
    # The first clean row of each star counts, or its first row if none is clean.
    order = np.lexsort((np.arange(len(ids)), ~clean, ids))
    first = order[np.unique(ids[order], return_index=True)[1]]
    slot = np.searchsorted(ids[first], stars)
    row = first[np.minimum(slot, len(first) - 1)]
    matched = (ids[row] == stars) & (stars != "")
    usable = matched & clean[row]
    for name, source in (("age", age_column), ("age_error", error_column)):
        with naming(label):
            values = COLUMNS[name].clean(ages[source], source)
        table[name] = np.where(usable, values[row], np.nan) * COLUMNS[name].unit
    known = int(np.isfinite(table["age"]).sum())
    flagged = int((matched & ~clean[row]).sum())
    counts = {"n_age": known, "n_ageflg": flagged, "n_noage": len(table) - known - flagged}
    log.info(f"ages joined for {counts['n_age']:,} of {len(table):,} stars; "
             f"{counts['n_ageflg']:,} flagged, {counts['n_noage']:,} without an age in the table")
    return counts


def read_apogee_rc(path, *, ages=None, columns=None, position_from_id=False,
                   age_column="spec_age_xgb", age_error_column="spec_age_xgb_uncert",
                   age_flag_column="spec_age_xgb_flag"):
    """Read the APOGEE red clump catalogue, format ``"apogee-rc"``.

    ``ages`` is a table or file of ages to join by ``APOGEE_ID``, by default in the columns of
    Anders et al. (2023, A&A 678, A158). A star with a non-empty flag gets no age; with
    ``age_flag_column=None`` no star is flagged. ``position_from_id`` takes positions from
    ``APOGEE_ID`` if the table has none, to 0.15 arcsec.
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

    Of several columns for one quantity the first that is known is taken; ``columns`` chooses
    another: ``{"m_h": "FEH_APOGEE"}``.
    """
    table = read_first_table(path)
    mapping = _map_columns(table, LAMOST_COLUMNS, columns, path, "lamost-rc")
    return SurveyTable(table, mapping, "LAMOST")


def read_lamost_dr3_rgb(path, *, columns=None):
    """Read the LAMOST DR3 bright giants (Liu et al. 2017), format ``"lamost-dr3-rgb"``.

    The table's own R and Z use R0 = 8.0 kpc and are not read. The distance error is the mean of
    the lower and the upper one.
    """
    # Lines, since astropy's fast reader leaves a damaged file open.
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    names = lines[0].lstrip("#").split()
    check_columns([name for name in names if name.isprintable()],
                  ["obsid", "ra", "dec", "dist", "feh"],
                  f"the first line of {path}, to be read as 'lamost-dr3-rgb',")
    table = Table.read(lines, format="ascii.commented_header", guess=False, fast_reader=True)
    if {"disterr_low", "disterr_up"} <= set(table.colnames):
        table["dist_err"] = 0.5 * (table["disterr_low"] + table["disterr_up"])
    mapping = _map_columns(table, DR3_RGB_COLUMNS, columns, path, "lamost-dr3-rgb")
    return SurveyTable(table, mapping, "LAMOST")


# The formats of RedClumpCatalog.read besides those of astropy.
SURVEY_READERS = {
    "apogee-rc": read_apogee_rc,
    "lamost-rc": read_lamost_rc,
    "lamost-dr3-rgb": read_lamost_dr3_rgb,
}
