# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a catalogue: their units, and the values that they may hold."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Longitude
from astropy.utils.masked import Masked

from .exceptions import CatalogError, CatalogWarning
from .validation import warn

__all__ = ["StarColumn", "COLUMNS", "POSITION_COLUMNS", "TEXT_COLUMNS", "floats", "survey_names",
           "text"]

# How surveys write a missing value, in the unit of the table. Positive ones are out of range.
SENTINELS = -np.array([999, 999.9, 999.99, 999.999, 9999, 9999.9, 9999.99, 9999.999, 9999.9999,
                       99999, 99999.9])
# No column but an angle may reach these.
SHORT_SENTINELS = -np.array([99, 99.9, 99.99, 99.999])


@dataclass(frozen=True)
class StarColumn:
    """One column of numbers in a `~rcasym.RedClumpCatalog`.

    Parameters
    ----------
    name : str
        Its name in the catalogue.
    unit : `~astropy.units.Unit`
        Its unit; a table's values without a unit are taken to be in it.
    low, high : float
        The values that make sense lie between them, both included, ``low`` excluded where
        ``positive``. Others are masked, with a warning that counts them.
    needed : bool
        Whether a star without a value is in no map, which is worth a warning.
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

    def clean(self, values, source):
        """Plain floats of a table's column in the canonical unit, NaN where there is no value.

        Masked entries, NaN, infinities and sentinels count as no value; where the column is needed
        to map, a `~rcasym.exceptions.CatalogWarning` counts them. Values outside the range count as
        none too, always with a warning.

        Parameters
        ----------
        values : `~astropy.table.Column`, `~astropy.units.Quantity` or array
            The table's column.
        source : str
            Its name in the table, for messages.

        Raises
        ------
        CatalogError
            If the column holds text or arrays, or its unit does not convert.
        """
        called = f"column {source!r}" if source == self.name else f"column {source!r} ({self.name})"
        masked = np.asarray(getattr(values, "mask", False))
        unit = getattr(values, "unit", None)
        bare = getattr(values, "unmasked", values)
        if isinstance(bare, Longitude):
            bare = bare.wrap_at(360 * u.deg)
        numbers = _numbers(np.array(getattr(bare, "value", bare)), called)
        missing = masked | ~np.isfinite(numbers) | _near(numbers, SENTINELS)
        if self.unit != u.deg:
            missing |= _near(numbers, SHORT_SENTINELS)
        numbers[missing] = np.nan
        if self.needed and missing.any():
            warn(f"{called}: {missing.sum():,} of {len(numbers):,} stars have no value (masked, "
                 "NaN, infinite or a sentinel such as -9999) and will not be mapped",
                 CatalogWarning)
        numbers = self._to_unit(numbers, unit, called)
        with np.errstate(invalid="ignore"):
            outside = (numbers < self.low) | (numbers > self.high)
            if self.positive:
                outside |= numbers == self.low
        if outside.any():
            warn(f"{called}: {outside.sum():,} of {len(numbers):,} values are not in {self.rule} "
                 f"(the first is {numbers[outside][0]:g}) and are masked; if the column is in "
                 "another unit, set it", CatalogWarning)
            numbers[outside] = np.nan
        return numbers

    def _to_unit(self, numbers, unit, called):
        # Abundances are written with unit dex, with none, or as dimensionless.
        if unit is None or (self.unit == u.dex and unit == u.dimensionless_unscaled):
            return numbers
        try:
            # Some file formats do not know dex: their unit of that name is read once more here.
            return (numbers * u.Unit(str(unit))).to_value(self.unit)
        except ValueError:  # the conversion does not exist, or astropy does not know the unit
            wanted = str(self.unit) or "a pure number"
            raise CatalogError(
                f"{called} must have a unit that converts to {wanted}; got {unit}. Correct the "
                f"column's unit, or set it to None if the values are in {wanted}"
            ) from None

    def wrap(self, numbers):
        """Clean floats as a Quantity, a Masked one where some star has no value."""
        quantity = u.Quantity(numbers, self.unit, copy=False)
        missing = np.isnan(numbers)
        return Masked(quantity, mask=missing) if missing.any() else quantity


TEXT_COLUMNS = ("source_id", "survey")
"""The columns of text."""

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
"""What a position is made of: ra, dec, distance, or l, b, distance."""

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
"""The measured quantities of a star, in the order of the catalogue."""


def floats(table, name):
    """Plain floats of a catalogue's column in its canonical unit, NaN where a star has no value.

    Where nothing is to be converted they are the column's own memory, hence read-only.
    """
    values, column = table[name], COLUMNS[name]
    bare = getattr(values, "unmasked", values)
    numbers = _numbers(np.asarray(getattr(bare, "value", bare)), f"column {name!r}")
    unit = getattr(values, "unit", None)
    if unit is not None and unit != column.unit:
        numbers = column._to_unit(numbers, unit, f"column {name!r}")
    masked = np.asarray(getattr(values, "mask", False))
    numbers = np.where(masked, np.nan, numbers) if masked.any() else numbers.view()
    numbers.flags.writeable = False
    return numbers


def text(column):
    """A column as plain text without the blanks that pad it, empty where masked or None."""
    values = np.ma.asarray(getattr(column, "value", column))
    if values.dtype.kind == "U" and not np.ma.is_masked(values):
        return np.char.strip(np.asarray(values.data))
    values = np.ma.filled(values.astype(object), "")
    words = [v.decode(errors="replace") if isinstance(v, bytes) else "" if v is None else str(v)
             for v in values.tolist()]
    return np.array([word.strip() for word in words], dtype=str)


def survey_names(catalog):
    """The survey of each star, empty where it has none."""
    return text(catalog["survey"]) if "survey" in catalog.colnames else np.full(len(catalog), "")


def _near(numbers, sentinels):
    """True for one of the ``sentinels``, to the accuracy of single precision."""
    low = numbers < 0.9 * sentinels.max()
    found = np.zeros(numbers.shape, bool)
    if low.any():
        found[low] = np.isclose(numbers[low][:, np.newaxis], sentinels, rtol=1e-6,
                                atol=0).any(axis=1)
    return found


def _numbers(values, called):
    """One float a star; None, as pandas has it, is NaN."""
    if values.dtype.kind == "O":
        with suppress(ValueError):  # rows of unlike lengths stay objects, and are refused below
            values = np.array([np.nan if v is None else v for v in values.tolist()])
    if values.dtype.kind not in "iuf":
        example = next((str(v) for v in values.flat), "")
        raise CatalogError(f"{called} must hold numbers; got {values.dtype} such as {example!r}")
    if values.ndim != 1:
        raise CatalogError(f"{called} must hold one number a star; got shape {values.shape}")
    return values.astype(float, copy=False)
