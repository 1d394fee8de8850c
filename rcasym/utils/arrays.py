# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Plain and read-only arrays of what users give."""

from dataclasses import fields

import numpy as np
from astropy import units as u

__all__ = ["ReadOnlyArrays", "frozen", "lock", "plain_floats", "plain_text"]


class ReadOnlyArrays:
    """Mixin of dataclasses: float arrays are copied and read-only, in copies and pickles too."""

    def __post_init__(self):
        for field in fields(self):
            values = getattr(self, field.name)
            if field.type in (np.ndarray, np.ndarray | None) and values is not None:
                object.__setattr__(self, field.name, frozen(values, float))

    def __reduce__(self):
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


def lock(array):
    """Return an array that nobody else holds, after making it read-only."""
    array.flags.writeable = False
    return array


def frozen(values, dtype=None):
    """Return a read-only copy of an array or a Quantity."""
    copy = (u.Quantity(values, copy=True) if isinstance(values, u.Quantity)
            else np.array(values, dtype=dtype))
    copy.flags.writeable = False
    return copy


def plain_floats(values, unit=None):
    """Return plain floats of a column in ``unit``, NaN where it is masked."""
    mask = np.asarray(getattr(values, "mask", False))
    bare = getattr(values, "unmasked", values)
    if unit is not None and getattr(bare, "unit", None) is not None:
        bare = bare.to(unit)
    numbers = np.asarray(getattr(bare, "value", bare), dtype=float)
    return np.where(mask, np.nan, numbers) if mask.any() else numbers


def plain_text(column):
    """Return a column as text without the blanks that pad it, empty where masked or None."""
    values = np.ma.asarray(getattr(column, "value", column))
    if values.dtype.kind == "U" and not np.ma.is_masked(values):
        return np.char.strip(np.asarray(values.data))
    values = np.ma.filled(values.astype(object), "")
    words = [v.decode(errors="replace") if isinstance(v, bytes) else "" if v is None else str(v)
             for v in values.tolist()]
    return np.array([word.strip() for word in words], dtype=str)
