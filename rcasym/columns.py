# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a catalogue: their units, and the values that they may hold."""

import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.utils.masked import Masked

from .exceptions import CatalogError, CatalogWarning

__all__ = ["StarColumn", "COLUMNS", "POSITION_COLUMNS", "floats"]

# Surveys write a missing value as -9999, -9999.99, -999, -99.9 and the like. No column here but
# an angle may reach -99, and no angle -999. Positive ones, such as 99.9, are outside the ranges.
SENTINEL = -99
ANGLE_SENTINEL = -999


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
    """

    name: str
    unit: u.UnitBase
    low: float
    high: float
    positive: bool = False

    @property
    def rule(self):
        """The range of values, in words."""
        return f"{'(' if self.positive else '['}{self.low:g}, {self.high:g}] {self.unit}".strip()

    def clean(self, values, source):
        """Plain floats of a table's column in the canonical unit, NaN where there is no value.

        Masked entries, NaN, infinities and sentinels count as no value. Values outside the range
        do too, with a `~rcasym.exceptions.CatalogWarning`.

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
        numbers = np.array(getattr(bare, "value", bare))
        if numbers.dtype.kind not in "iuf":
            example = next((str(v) for v in numbers.flat), "")
            raise CatalogError(f"{called} must hold numbers; got {numbers.dtype} such as "
                               f"{example!r}")
        if numbers.ndim != 1:
            raise CatalogError(f"{called} must hold one number a star; got shape {numbers.shape}")
        numbers = numbers.astype(float)
        is_angle = self.unit == u.deg
        sentinel = numbers <= (ANGLE_SENTINEL if is_angle else SENTINEL)
        missing = masked | sentinel | ~np.isfinite(numbers)
        numbers[missing] = np.nan
        numbers = self._to_unit(numbers, unit, called)
        with np.errstate(invalid="ignore"):
            outside = (numbers < self.low) | (numbers > self.high)
            if self.positive:
                outside |= numbers == self.low
        if outside.any():
            warnings.warn(
                f"{called}: {outside.sum():,} of {len(numbers):,} values are not in {self.rule} "
                f"(the first is {numbers[outside][0]:g}) and are masked; if the column is in "
                "another unit, set it",
                CatalogWarning, stacklevel=5,
            )
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


POSITION_COLUMNS = {
    column.name: column
    for column in (
        StarColumn("ra", u.deg, 0, 360),
        StarColumn("dec", u.deg, -90, 90),
        StarColumn("l", u.deg, -180, 360),
        StarColumn("b", u.deg, -90, 90),
        StarColumn("distance", u.kpc, 0, 500, positive=True),
    )
}
"""What a position is made of: ra, dec, distance, or l, b, distance."""

COLUMNS = {
    column.name: column
    for column in (
        StarColumn("distance_error", u.kpc, 0, 500),
        StarColumn("m_h", u.dex, -10, 10),
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
    """Plain floats of a catalogue's column in its canonical unit, NaN where a star has no value."""
    values = table[name]
    numbers = np.array(getattr(values, "unmasked", values), dtype=float)
    unit = getattr(values, "unit", None)
    if unit is not None and unit != COLUMNS[name].unit:
        numbers = (numbers * unit).to_value(COLUMNS[name].unit)
    numbers[np.asarray(getattr(values, "mask", False)) & np.ones(numbers.shape, bool)] = np.nan
    return numbers
