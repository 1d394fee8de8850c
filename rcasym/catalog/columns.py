# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The columns of a catalogue: their units, and the values that they may hold."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Longitude
from astropy.utils.masked import Masked

from ..exceptions import CatalogError, CatalogWarning
from ..utils.validation import check_choice, check_columns, warn

__all__ = ["StarColumn", "LostValues", "COLUMNS", "POSITION_COLUMNS", "TEXT_COLUMNS",
           "find_columns", "find_units", "floats", "survey_names", "text"]

# How surveys write a missing value, in the unit of the table. Positive ones are out of range.
SENTINELS = -np.array([999, 999.9, 999.99, 999.999, 9999, 9999.9, 9999.99, 9999.999, 9999.9999,
                       99999, 99999.9])
# No column but an angle may reach these.
SHORT_SENTINELS = -np.array([99, 99.9, 99.99, 99.999])


class LostValues:
    """Values that were masked at the door, counted over one table or many.

    Examples
    --------
    >>> from rcasym.catalog.columns import COLUMNS, LostValues
    >>> lost = LostValues()
    >>> for part in [1.5, -9999], [2.5, 130]:
    ...     values = COLUMNS["age"].clean(part, "age", lost)
    >>> lost.counts["age"]
    {'stars': 4, 'missing': 1, 'outside': 1}
    """

    def __init__(self):
        self.counts = {}
        self._words = {}

    def add(self, column, called, n, missing, outside):
        """Count the values of one table.

        Parameters
        ----------
        column : StarColumn
            The rule.
        called : str
            What messages call the column.
        n, missing : int
            Stars, and those without a value.
        outside : ndarray
            The values that are out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.catalog.columns import COLUMNS, LostValues
        >>> lost = LostValues()
        >>> lost.add(COLUMNS["m_h"], "column 'm_h'", 100, 3, np.array([]))
        >>> lost.counts["m_h"]["missing"]
        3
        """
        counts = self.counts.setdefault(column.name, {"stars": 0, "missing": 0, "outside": 0})
        for name, number in (("stars", n), ("missing", missing), ("outside", len(outside))):
            counts[name] += int(number)
        words = self._words.setdefault(column.name, [column, called, None])
        if words[2] is None and len(outside):
            words[2] = outside[0]

    def merge(self, other):
        """Add what another has counted.

        Parameters
        ----------
        other : LostValues
            Of other stars.

        Examples
        --------
        >>> from rcasym.catalog.columns import COLUMNS, LostValues
        >>> lost, other = LostValues(), LostValues()
        >>> values = COLUMNS["age"].clean([1.5, -9999], "age", other)
        >>> lost.merge(other)
        >>> lost.counts["age"]["missing"]
        1
        """
        for name, counts in other.counts.items():
            column, called, first = other._words[name]
            self.add(column, called, counts["stars"], counts["missing"],
                     [] if first is None else [first])
            self.counts[name]["outside"] += counts["outside"] - (first is not None)

    def to_json(self):
        """All of it in numbers and words.

        Returns
        -------
        dict
            What `from_json` takes.

        Examples
        --------
        >>> from rcasym.catalog.columns import COLUMNS, LostValues
        >>> lost = LostValues()
        >>> values = COLUMNS["age"].clean([1.5, -9999], "age", lost)
        >>> lost.to_json()
        {'age': [{'stars': 2, 'missing': 1, 'outside': 0}, "column 'age'", None]}
        """
        return {name: [self.counts[name], called, None if first is None else float(first)]
                for name, (_, called, first) in self._words.items()}

    @classmethod
    def from_json(cls, found):
        """The same again.

        Parameters
        ----------
        found : dict
            What `to_json` gave.

        Returns
        -------
        LostValues
            The counts, to which more can be added.

        Examples
        --------
        >>> from rcasym.catalog.columns import LostValues
        >>> lost = LostValues.from_json(
        ...     {"age": [{"stars": 2, "missing": 1, "outside": 0}, "column 'age'", None]})
        >>> lost.counts["age"]["missing"]
        1
        """
        lost = cls()
        for name, (counts, called, first) in found.items():
            lost.counts[name] = dict(counts)
            lost._words[name] = [(COLUMNS | POSITION_COLUMNS)[name], called, first]
        return lost

    def warn(self):
        """Warn of them, once a column and kind.

        Examples
        --------
        Nothing is lost where every value is known:

        >>> from rcasym.catalog.columns import COLUMNS, LostValues
        >>> lost = LostValues()
        >>> values = COLUMNS["m_h"].clean([-0.1, 0.2], "m_h", lost)
        >>> lost.warn()
        """
        for name, counts in self.counts.items():
            column, called, first = self._words[name]
            if column.needed and counts["missing"]:
                warn(f"{called}: {counts['missing']:,} of {counts['stars']:,} stars have no value "
                     "(masked, NaN, infinite or a sentinel such as -9999) and will not be mapped",
                     CatalogWarning)
            if counts["outside"]:
                warn(f"{called}: {counts['outside']:,} of {counts['stars']:,} values are not in "
                     f"{column.rule} (the first is {first:g}) and are masked; if the column is in "
                     f"another unit, set it, or read the file with units={{...}}", CatalogWarning)


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
        The values that make sense lie between them, both included. Others are masked, with a
        warning that counts them.
    positive : bool, optional
        Whether ``low`` itself makes no sense either; by default False.
    needed : bool, optional
        Whether a star without a value is in no map, which is worth a warning; by default False.

    Examples
    --------
    >>> from rcasym.catalog.columns import COLUMNS, POSITION_COLUMNS
    >>> COLUMNS["age"].rule, POSITION_COLUMNS["distance"].rule
    ('[0, 90] Gyr', '(0, 500] kpc')
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
        lost : LostValues, optional
            Where to count what is lost, instead of a warning.
        unit : `~astropy.units.Unit`, optional
            The unit of the values, whatever the column says; by default the column's own.

        Returns
        -------
        ndarray
            One float a star.

        Raises
        ------
        CatalogError
            If the column holds text or arrays, or its unit does not convert.

        Examples
        --------
        >>> from astropy import units as u
        >>> from rcasym.catalog.columns import COLUMNS
        >>> print(COLUMNS["age"].clean([3500, -9999] * u.Myr, "AGE"))
        [3.5 nan]
        """
        called = f"column {source!r}" if source == self.name else f"column {source!r} ({self.name})"
        masked = np.asarray(getattr(values, "mask", False))
        unit = getattr(values, "unit", None) if unit is None else unit
        bare = getattr(values, "unmasked", values)
        if isinstance(bare, Longitude):
            bare = bare.wrap_at(360 * u.deg)
        numbers = _numbers(np.array(getattr(bare, "value", bare)), called)
        missing = masked | ~np.isfinite(numbers) | _near(numbers, SENTINELS)
        if self.unit != u.deg:
            missing |= _near(numbers, SHORT_SENTINELS)
        numbers[missing] = np.nan
        numbers = self._to_unit(numbers, unit, called)
        with np.errstate(invalid="ignore"):
            outside = (numbers < self.low) | (numbers > self.high)
            if self.positive:
                outside |= numbers == self.low
        counts = LostValues() if lost is None else lost
        counts.add(self, called, len(numbers), np.count_nonzero(missing), numbers[outside])
        if lost is None:
            counts.warn()
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
        """Clean floats as a Quantity, a Masked one where some star has no value.

        Parameters
        ----------
        numbers : ndarray
            Floats in the unit of the column, NaN where there is no value, as `clean` gives them.

        Returns
        -------
        `~astropy.units.Quantity` or `~astropy.utils.masked.Masked`
            What stands in the column of a catalogue.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.catalog.columns import COLUMNS
        >>> COLUMNS["age"].wrap(np.array([3.5, np.nan]))
        <MaskedQuantity [3.5, ———] Gyr>
        """
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


def find_columns(colnames, columns=None):
    """Which columns of a table hold what.

    Parameters
    ----------
    colnames : sequence of str
        The columns that the table has.
    columns : dict, optional
        What the table calls its columns, where it is not what the catalogue does; None leaves a
        column out.

    Returns
    -------
    sources : dict
        The table's column for each of a catalogue's.
    position : tuple of str
        What positions are made of: ``("coord",)``, ``("l", "b", "distance")`` or
        ``("ra", "dec", "distance")``.

    Raises
    ------
    CatalogError
        If a column that is needed or named is missing.

    Examples
    --------
    >>> from rcasym.catalog.columns import find_columns
    >>> sources, position = find_columns(["l", "b", "d", "m_h"], {"distance": "d"})
    >>> position, sources["distance"]
    (('l', 'b', 'distance'), 'd')
    """
    known = (*TEXT_COLUMNS, "coord", *POSITION_COLUMNS, *COLUMNS)
    given = dict(columns or {})
    for name in given:
        check_choice("a key of columns", name, known)
    check_columns(colnames, [v for v in given.values() if v is not None], "the table")
    sources = {name: name for name in known if name in colnames} | given
    sources = {name: source for name, source in sources.items() if source is not None}
    if not {"ra", "dec", "l", "b", "coord"} & given.keys() and "coord" in sources:
        position = ("coord",)
    elif {"l", "b"} & given.keys() or (not {"ra", "dec"} & sources.keys() and "l" in sources):
        position = ("l", "b", "distance")
    elif "coord" in given:
        position = ("coord",)
    else:
        position = ("ra", "dec", "distance")
    for name in (*position, "m_h"):
        if name not in sources:
            check_columns(colnames, [name], "the table, or columns= by another name,")
    return sources, position


def find_units(units, sources):
    """Return the unit of each of a catalogue's columns that ``units`` names.

    Keys are the names of the catalogue or of the table.

    Parameters
    ----------
    units : dict or None
        Units, or their names.
    sources : dict
        The table's column for each of a catalogue's, as `find_columns` gives it.

    Returns
    -------
    dict
        The `~astropy.units.Unit` of columns of the catalogue.

    Raises
    ------
    CatalogError
        If a key names no column that is used, or astropy does not know a unit.

    Examples
    --------
    >>> from rcasym.catalog.columns import find_units
    >>> find_units({"DIST": "pc"}, {"distance": "DIST", "m_h": "FEH"})
    {'distance': Unit("pc")}
    """
    numbers = {name: source for name, source in sources.items()
               if name in POSITION_COLUMNS or name in COLUMNS}
    found = {}
    for key, unit in (units or {}).items():
        names = [name for name, source in numbers.items() if key in (name, source)]
        if not names:
            check_choice("a key of units", key, tuple(dict.fromkeys([*numbers, *numbers.values()])))
        try:
            found |= dict.fromkeys(names, u.Unit(unit))
        except (TypeError, ValueError):
            raise CatalogError(f"units[{key!r}] must be a unit that astropy knows; "
                               f"got {unit!r}") from None
    return found


def floats(table, name):
    """Plain floats of a catalogue's column in its canonical unit, NaN where a star has no value.

    Where nothing is to be converted they are the column's own memory, hence read-only.

    Parameters
    ----------
    table : RedClumpCatalog
        The stars.
    name : str
        One of the keys of `COLUMNS`.

    Returns
    -------
    ndarray
        One float a star.

    Raises
    ------
    CatalogError
        If the column does not hold numbers, or its unit does not convert.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym import make_mock_catalog
    >>> from rcasym.catalog.columns import floats
    >>> age = floats(make_mock_catalog(2000), "age")
    >>> print(f"{np.nanmedian(age):.0f} Gyr")
    4 Gyr
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
    """A column as plain text without the blanks that pad it, empty where masked or None.

    Parameters
    ----------
    column : `~astropy.table.Column` or array_like
        Text, bytes or objects, such as the names in a FITS file.

    Returns
    -------
    ndarray of str
        One text a row.

    Examples
    --------
    >>> from rcasym.catalog.columns import text
    >>> print(text([b"LAMOST  ", None, "APOGEE"]).tolist())
    ['LAMOST', '', 'APOGEE']
    """
    values = np.ma.asarray(getattr(column, "value", column))
    if values.dtype.kind == "U" and not np.ma.is_masked(values):
        return np.char.strip(np.asarray(values.data))
    values = np.ma.filled(values.astype(object), "")
    words = [v.decode(errors="replace") if isinstance(v, bytes) else "" if v is None else str(v)
             for v in values.tolist()]
    return np.array([word.strip() for word in words], dtype=str)


def survey_names(catalog):
    """The survey of each star, empty where it has none.

    Parameters
    ----------
    catalog : RedClumpCatalog
        The stars, with or without a column ``survey``.

    Returns
    -------
    ndarray of str
        One name a star.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym import make_mock_catalog
    >>> from rcasym.catalog.columns import survey_names
    >>> names, counts = np.unique(survey_names(make_mock_catalog(2000)), return_counts=True)
    >>> print(names, counts)
    ['APOGEE' 'LAMOST'] [ 486 1514]
    """
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
