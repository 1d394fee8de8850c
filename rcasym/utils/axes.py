# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Axes of a binning: a name, edges with a unit, and labels."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from .arrays import ReadOnlyArrays, frozen

__all__ = ["Axis", "AXIS_LABELS"]

AXIS_LABELS = {"phi": r"$\phi$", "age": "age", "R": "$R$", "Z": "$Z$", "abs_Z": "|$Z$|"}


@dataclass(frozen=True, eq=False)
class Axis(ReadOnlyArrays):
    """Axis of a binning.

    Bins are half-open, ``lower <= value < upper``; the last one includes its upper edge.

    Parameters
    ----------
    name : str
        ``"phi"``, ``"age"``, ``"R"``, ``"Z"`` or ``"abs_Z"``.
    edges : `~astropy.units.Quantity`
        The bin edges, increasing, one more than there are bins.

    Examples
    --------
    >>> from astropy import units as u
    >>> from rcasym.maps import Axis
    >>> age = Axis("age", [0, 2, 6] * u.Gyr)
    >>> age.centers, age.widths
    (<Quantity [1., 4.] Gyr>, <Quantity [2., 4.] Gyr>)
    >>> age.interval(0)
    '0 ≤ age < 2 Gyr'
    """

    name: str
    edges: u.Quantity

    def __post_init__(self):
        object.__setattr__(self, "edges", frozen(self.edges))

    def __len__(self):
        return len(self.edges) - 1

    def __eq__(self, other):
        return (isinstance(other, Axis) and self.name == other.name
                and self.edges.unit == other.edges.unit
                and np.array_equal(self.edges.value, other.edges.value))

    def __hash__(self):
        return hash((self.name, str(self.edges.unit), self.edges.value.tobytes()))

    def __repr__(self):
        values = ", ".join(f"{edge:g}" for edge in self.edges.value)
        return f"Axis({self.name!r}, [{values}] {self.edges.unit})"

    @property
    def centers(self):
        """Middle of each bin, `~astropy.units.Quantity`."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @property
    def widths(self):
        """Width of each bin, `~astropy.units.Quantity`."""
        return np.diff(self.edges)

    @property
    def label(self):
        """Name and unit, the label of a plotted axis."""
        return f"{AXIS_LABELS[self.name]} [{self.edges.unit}]"

    def interval(self, index):
        """Return the range of one bin in words, the title of a panel.

        Parameters
        ----------
        index : int
            The bin, from 0.

        Returns
        -------
        str
            Such as ``"0 ≤ age < 2 Gyr"``.

        Examples
        --------
        >>> from astropy import units as u
        >>> from rcasym.maps import Axis
        >>> age = Axis("age", [0, 2, 6] * u.Gyr)
        >>> age.interval(0), age.interval(1)
        ('0 ≤ age < 2 Gyr', '2 ≤ age ≤ 6 Gyr')
        """
        low, high = self.edges.value[index:index + 2] + 0.0
        last = "≤" if index == len(self) - 1 else "<"
        unit = "°" if self.edges.unit == u.deg else f" {self.edges.unit}"
        # A minus sign instead of a hyphen, as matplotlib labels ticks.
        low, high = (f"{edge:g}".replace("-", "\N{MINUS SIGN}") for edge in (low, high))
        return f"{low} ≤ {AXIS_LABELS[self.name]} {last} {high}{unit}"
