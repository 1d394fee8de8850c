# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks at the doors of the package, with the words of their messages.

Every message names the parameter, the rule, the value got and, where there are any, the choices.
"""

from difflib import get_close_matches

import numpy as np
from astropy import units as u

from .exceptions import BinningError, CatalogError, RcasymError

__all__ = ["check_choice", "check_edges", "check_columns", "check_same_frame", "to_unit"]

# Edges are decimal numbers of kpc or degrees: two of them that differ by less are the same edge.
EDGE_TOLERANCE = 1e-9


def check_choice(name, value, choices):
    """Give ``value`` back if it is one of ``choices``."""
    if value not in choices:
        raise RcasymError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}")
    return value


def check_columns(present, needed, what):
    """Raise if one of the ``needed`` columns is not ``present`` in ``what``."""
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
    """Plain floats of ``quantity`` in ``unit``; a plain number is taken to be in ``unit``."""
    try:
        return np.asarray(u.Quantity(quantity, unit, dtype=float).value)
    except u.UnitConversionError:
        raise CatalogError(
            f"{name} must have a unit that converts to {unit}; got {quantity.unit}"
        ) from None


def check_edges(name, edges, *, mirrored=False, limits=None):
    """Check bin edges, plain floats: finite, increasing, two or more, within ``limits``.

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
        raise BinningError(f"{name} edges must lie within {limits[0]:g} and {limits[1]:g}; "
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
