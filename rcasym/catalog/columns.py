# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a catalogue: their units, and the range of their values."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Longitude
from astropy.utils.masked import Masked

from ..exceptions import CatalogError, CatalogWarning
from ..utils.arrays import plain_text
from ..utils.validation import check_choice, check_columns, warn

__all__ = ["StarColumn", "LostValues", "COLUMNS", "POSITION_COLUMNS", "TEXT_COLUMNS",
           "find_columns", "find_units", "floats", "survey_names"]

# How surveys write a missing value, in the unit of the table. Positive ones are out of range.
SENTINELS = -np.array([999, 999.9, 999.99, 999.999, 9999, 9999.9, 9999.99, 9999.999, 9999.9999,
                       99999, 99999.9])
# Valid values of any column except angles are never this negative.
SHORT_SENTINELS = -np.array([99, 99.9, 99.99, 99.999])


class LostValues:
    """Counts of the values that are masked on input, over one or more tables."""

    def __init__(self):
        self.counts = {}
        self._details = {}

    def add(self, column, label, n_stars, n_missing, n_outside, first_outside=None):
        """Add the counts of one table; ``label`` is what messages call the column."""
        counts = self.counts.setdefault(column.name, {"stars": 0, "missing": 0, "outside": 0})
        counts["stars"] += int(n_stars)
        counts["missing"] += int(n_missing)
        counts["outside"] += int(n_outside)
        _, label, first = self._details.get(column.name, (column, label, None))
        self._details[column.name] = column, label, first_outside if first is None else first

    def merge(self, other):
        """Add the counts of another."""
        for name, counts in other.counts.items():
            column, label, first = other._details[name]
            self.add(column, label, *counts.values(), first)

    def warn(self):
        """Warn of the values that are lost, once per column and kind."""
        for name, counts in self.counts.items():
            column, label, first = self._details[name]
            if column.needed and counts["missing"]:
                warn(f"{label}: {counts['missing']:,} of {counts['stars']:,} stars have no value "
                     "(masked, NaN, infinite or a sentinel such as -9999) and will not be mapped",
                     CatalogWarning)
            if counts["outside"]:
                warn(f"{label}: {counts['outside']:,} of {counts['stars']:,} values are not in "
                     f"{column.rule} (the first is {first:g}) and are masked; if the column is in "
                     "another unit, give units={...}", CatalogWarning)


@dataclass(frozen=True)
class StarColumn:
    """One numerical column of a catalogue, its unit and its range.

    Values outside ``low`` and ``high`` are masked with a warning; ``positive`` excludes ``low``
    itself. A star without a value in a ``needed`` column is in no map.
    """

    name: str
    unit: u.UnitBase
    low: float
    high: float
    positive: bool = False
    needed: bool = False

    @property
    def rule(self):
        """The range of values, in words."""
        return f"{'(' if self.positive else '['}{self.low:g}, {self.high:g}] {self.unit}".strip()

    def clean(self, values, source, lost=None, unit=None):
        """Return plain floats of a table's column in the canonical unit, NaN where masked.

        ``source`` is the column's name in the table. ``unit`` takes precedence over the column's
        own. Masked values are counted in ``lost``; without it, a warning counts them.
        """
        label = f"column {source!r}" if source == self.name else f"column {source!r} ({self.name})"
        masked = np.asarray(getattr(values, "mask", False))
        unit = getattr(values, "unit", None) if unit is None else unit
        bare = getattr(values, "unmasked", values)
        if isinstance(bare, Longitude):
            bare = bare.wrap_at(360 * u.deg)
        numbers = _to_numbers(np.array(getattr(bare, "value", bare)), label)
        missing = masked | ~np.isfinite(numbers) | _is_sentinel(numbers, SENTINELS)
        if self.unit != u.deg:
            missing |= _is_sentinel(numbers, SHORT_SENTINELS)
        numbers[missing] = np.nan
        numbers = self.convert(numbers, unit, label)
        with np.errstate(invalid="ignore"):
            outside = (numbers < self.low) | (numbers > self.high)
            if self.positive:
                outside |= numbers == self.low
        first = numbers[outside][0] if outside.any() else None
        counts = LostValues() if lost is None else lost
        counts.add(self, label, len(numbers), np.count_nonzero(missing),
                   np.count_nonzero(outside), first)
        if lost is None:
            counts.warn()
        numbers[outside] = np.nan
        return numbers

    def convert(self, numbers, unit, label):
        """Return floats in the canonical unit; those without a unit are in it already."""
        # Abundances come with the unit dex, with none, or as dimensionless.
        if unit is None or (self.unit == u.dex and unit == u.dimensionless_unscaled):
            return numbers
        try:
            # Some file formats do not know dex: their unit of that name is parsed again here.
            return (numbers * u.Unit(str(unit))).to_value(self.unit)
        except ValueError:  # the conversion does not exist, or astropy does not know the unit
            wanted = str(self.unit) or "a pure number"
            raise CatalogError(
                f"{label} must have a unit that converts to {wanted}; got {unit}. Correct the "
                f"column's unit, or set it to None if the values are in {wanted}"
            ) from None

    def wrap(self, numbers):
        """Return clean floats as a Quantity, a Masked one where some are NaN."""
        quantity = u.Quantity(numbers, self.unit, copy=False)
        missing = np.isnan(numbers)
        return Masked(quantity, mask=missing) if missing.any() else quantity


TEXT_COLUMNS = ("source_id", "survey")

POSITION_COLUMNS = {
    column.name: column
    for column in (
        StarColumn("ra", u.deg, 0, 360, needed=True),
        StarColumn("dec", u.deg, -90, 90, needed=True),
        StarColumn("l", u.deg, -180, 360, needed=True),
        StarColumn("b", u.deg, -90, 90, needed=True),
        StarColumn("distance", u.kpc, 0, 500, positive=True, needed=True),
    )
}

# In the order of the catalogue.
COLUMNS = {
    column.name: column
    for column in (
        StarColumn("distance_error", u.kpc, 0, 500),
        StarColumn("m_h", u.dex, -10, 10, needed=True),
        StarColumn("m_h_error", u.dex, 0, 10),
        StarColumn("alpha_m", u.dex, -10, 10),
        StarColumn("alpha_m_error", u.dex, 0, 10),
        StarColumn("age", u.Gyr, 0, 90),
        StarColumn("age_error", u.Gyr, 0, 90),
        StarColumn("snr", u.dimensionless_unscaled, 0, 1e6),
    )
}


def find_columns(colnames, columns=None):
    """Return the table's name for each column of a catalogue, and the columns of the position.

    The latter are ``("coord",)``, ``("l", "b", "distance")`` or ``("ra", "dec", "distance")``;
    no other column of a position is in the former.
    """
    places = ("coord", *POSITION_COLUMNS)
    known = (*TEXT_COLUMNS, *places, *COLUMNS)
    columns = _check_mapping("columns", columns)
    for name in columns:
        check_choice("a key of columns", name, known)
    given = {name: source for name, source in columns.items() if source is not None}
    check_columns(colnames, given.values(), "the table")
    sources = {name: name for name in known if name in colnames and name not in columns} | given
    if not {"ra", "dec", "l", "b"} & given.keys() and "coord" in sources:
        position = ("coord",)
    elif {"l", "b"} & given.keys() or (not {"ra", "dec"} & sources.keys() and "l" in sources):
        position = ("l", "b", "distance")
    else:
        position = ("ra", "dec", "distance")
    unused = [name for name in places if name in given and name not in position]
    if unused:
        raise CatalogError(f"columns must name one position; got {unused[0]!r} beside "
                           f"{', '.join(map(repr, position))}")
    for name in (*position, "m_h"):
        if name not in sources:
            check_columns(colnames, [name], "the table, or columns= by another name,")
    return {name: source for name, source in sources.items()
            if name in position or name not in places}, position


def _check_mapping(name, given):
    if not isinstance(given, Mapping | None):
        raise CatalogError(f"{name} must be a dictionary; got {given!r}")
    return dict(given or {})


def find_units(units, sources):
    """Return the given unit of each column of a catalogue, for keys of the catalogue or the table.

    ``sources`` is what `find_columns` returns. A key must belong to a column that is read.
    """
    numbers = {name: source for name, source in sources.items()
               if name in POSITION_COLUMNS or name in COLUMNS}
    result = {}
    for key, unit in _check_mapping("units", units).items():
        names = ([key] if key in numbers else
                 [name for name, source in numbers.items() if source == key])
        if not names:
            check_choice("a key of units", key, tuple(dict.fromkeys([*numbers, *numbers.values()])))
        if not result.keys().isdisjoint(names):
            raise CatalogError(f"units must give one unit per column; got {key!r} twice, as the "
                               "catalogue and as the table call it")
        try:
            result |= dict.fromkeys(names, u.Unit(unit))
        except (TypeError, ValueError):
            raise CatalogError(f"units[{key!r}] must be a unit that astropy knows; "
                               f"got {unit!r}") from None
    return result


def floats(table, name):
    """Return a catalogue's column as floats in its canonical unit, NaN where masked.

    They are read-only, since they may be the column's own memory.
    """
    values, column = table[name], COLUMNS[name]
    bare = getattr(values, "unmasked", values)
    numbers = _to_numbers(np.asarray(getattr(bare, "value", bare)), f"column {name!r}")
    unit = getattr(values, "unit", None)
    if unit is not None and unit != column.unit:
        numbers = column.convert(numbers, unit, f"column {name!r}")
    masked = np.asarray(getattr(values, "mask", False))
    # A view, so that the column stays writeable.
    numbers = np.where(masked, np.nan, numbers) if masked.any() else numbers.view()
    numbers.flags.writeable = False
    return numbers


def survey_names(catalog):
    """Return the survey of each star, empty where it has none."""
    if "survey" not in catalog.colnames:
        return np.full(len(catalog), "")
    return plain_text(catalog["survey"])


def _is_sentinel(numbers, sentinels):
    """Return True for each of the ``sentinels``, to the accuracy of single precision."""
    low = numbers < 0.9 * sentinels.max()
    result = np.zeros(numbers.shape, bool)
    if low.any():
        result[low] = np.isclose(numbers[low][:, np.newaxis], sentinels, rtol=1e-6,
                                 atol=0).any(axis=1)
    return result


def _to_numbers(values, label):
    """Return one float per star; None, as pandas has it, is NaN."""
    if values.dtype.kind == "O":
        with suppress(ValueError):  # rows of different lengths stay objects, and are refused below
            values = np.array([np.nan if v is None else v for v in values.tolist()])
    if values.dtype.kind not in "iuf":
        example = next((str(v) for v in values.flat), "")
        raise CatalogError(f"{label} must hold numbers; got {values.dtype} such as {example!r}")
    if values.ndim != 1:
        raise CatalogError(f"{label} must hold one number per star; got shape {values.shape}")
    return values.astype(float, copy=False)
