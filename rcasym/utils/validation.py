# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Input validation, with one form of message: "parameter must ...; got value"."""

import sys
import warnings
from difflib import get_close_matches
from numbers import Integral

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..exceptions import BinningError, CatalogError, RcasymError

__all__ = ["check_choice", "check_edges", "check_columns", "check_rng", "check_same_frame",
           "check_separation", "check_tables", "check_whole", "to_unit", "warn"]

# Edges that differ by less are the same, since decimal numbers are rounded.
EDGE_TOLERANCE = 1e-9


def warn(message, category):
    """Issue a warning at the user's line, not at one in this package or in astropy."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in ("rcasym",
                                                                                 "astropy"):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def check_choice(name, value, choices):
    """Return ``value``, which must be one of ``choices``."""
    if value not in choices:
        raise RcasymError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value


def check_columns(present, needed, what):
    """Raise unless all ``needed`` columns are ``present`` in ``what``."""
    present = list(present)
    for name in needed:
        if name not in present:
            close = get_close_matches(name.lower(), [p.lower() for p in present], n=3)
            hint = [p for p in present if p.lower() in close]
            raise CatalogError(
                f"{what} must have a column {name!r}; it has "
                + (f"{len(present)} others" if present else "no columns at all")
                + (f", the nearest {', '.join(map(repr, hint))}" if hint else "")
                + (f" ({', '.join(present[:8])}{', ...' if len(present) > 8 else ''})"
                   if present and not hint else "")
            )


def to_unit(name, quantity, unit):
    """Return ``quantity`` as floats in ``unit``; a plain number is taken to be in ``unit``."""
    try:
        return np.asarray(u.Quantity(quantity, unit, dtype=float).value)
    except u.UnitConversionError:
        raise CatalogError(f"{name} must have a unit that converts to "
                           f"{str(unit) or 'a pure number'}; got {quantity.unit}") from None
    except (TypeError, ValueError):
        raise CatalogError(f"{name} must be a number or a Quantity; got {quantity!r}") from None


def check_whole(name, value, least=0):
    """Raise unless ``value`` is a whole number of ``least`` or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise RcasymError(f"{name} must be a whole number of {least} or more; got {value!r}")


def check_rng(rng):
    """Return the generator for a seed, or the generator that is given."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise RcasymError(f"rng must be a seed or a numpy Generator; got {rng!r}") from error


def check_separation(max_separation):
    """Raise unless the largest separation is a positive angle."""
    if not (np.isscalar(max_separation.value) and 0 < max_separation < 180 * u.deg):
        raise CatalogError("max_separation must be one angle above 0 and below 180 deg; "
                           f"got {max_separation}")


def check_tables(name, tables):
    """Yield the items of ``tables``, each of which must be a table."""
    if isinstance(tables, Table):
        raise CatalogError(f"{name} must be a sequence of catalogues; got one catalogue, "
                           "put it in a list")
    for table in tables:
        if not isinstance(table, Table):
            raise CatalogError(f"{name} must hold catalogues; got {type(table).__name__}")
        yield table


def check_edges(name, edges, *, mirrored=False, limits=None):
    """Return bin edges as floats: two or more, finite, increasing and within ``limits``.

    With ``mirrored`` they must also mirror about 0, so that North and South have equal bins.
    """
    edges = np.array(edges, dtype=float)
    if edges.ndim != 1 or len(edges) < 2:
        raise BinningError(f"{name} must hold two or more bin edges in one dimension; "
                           f"got shape {edges.shape}")
    if not np.all(np.isfinite(edges)):
        raise BinningError(f"{name} edges must be finite; got {edges[~np.isfinite(edges)][0]}")
    if not np.all(np.diff(edges) > 0):
        first = int(np.argmax(np.diff(edges) <= 0))
        raise BinningError(f"{name} edges must increase; "
                           f"got {edges[first]:g} followed by {edges[first + 1]:g}")
    if limits is not None and (edges[0] < limits[0] or edges[-1] > limits[1]):
        raise BinningError(f"{name} edges must be between {limits[0]:g} and {limits[1]:g}; "
                           f"got {edges[0]:g} to {edges[-1]:g}")
    if mirrored and np.max(np.abs(edges + edges[::-1])) > EDGE_TOLERANCE:
        worst = int(np.argmax(np.abs(edges + edges[::-1])))
        raise BinningError(f"{name} edges must mirror about 0 to {EDGE_TOLERANCE:g}; got "
                           f"{edges[worst]:.12g} without {-edges[worst]:.12g}")
    return edges


def check_same_frame(frames, what):
    """Raise unless all Galactocentric ``frames`` have the same parameters."""
    first, *others = frames
    for other in others:
        if not first.is_equivalent_frame(other):
            changed = [name for name in first.frame_attributes
                       if not np.all(getattr(first, name) == getattr(other, name))]
            raise CatalogError(
                f"{what} must share one Galactocentric frame; got "
                + ", ".join(f"{name} = {getattr(first, name)} and {getattr(other, name)}"
                            for name in changed)
                + "; build them with the same frame="
            )
