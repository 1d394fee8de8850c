# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The grid of voxels in azimuth, age, R and Z."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u

from ..catalog.columns import floats
from ..exceptions import BinningError
from ..utils.axes import Axis
from ..utils.validation import check_columns, check_edges, check_whole
from ..voxels.index import flat_index

__all__ = ["DiskBinning", "check_binning"]

PAPER_PHI = [-35, -15, -5, 0, 5, 15, 35] * u.deg
PAPER_ANTICENTRE = [-5, 15] * u.deg
PAPER_R = np.round(6.2 + 0.6 * np.arange(16), 10) * u.kpc
# Products of integers: the edges mirror about 0 to the last bit.
PAPER_Z = 0.3 * np.arange(-7, 8) * u.kpc
PAPER_AGE = [0, 2, 4, 6, 8, 10, 14] * u.Gyr

# For each axis: what check_edges asks of it.
RULES = {
    "phi": {"limits": (-180, 180)},
    "age": {"limits": (0, np.inf)},
    "R": {"limits": (0, np.inf)},
    "Z": {"mirrored": True},
}


@dataclass(frozen=True, init=False, repr=False)
class DiskBinning:
    """A grid of voxels in azimuth, age, R and Z; immutable.

    Bins are half-open, ``lower <= value < upper``; the last bin of an axis includes its upper edge.

    Parameters
    ----------
    R : `~astropy.units.Quantity` ['length'], optional
        Edges of Galactocentric radius; by default 6.2 to 15.2 kpc in steps of 0.6 kpc, so that the
        paper's 11 kpc is an edge.
    Z : `~astropy.units.Quantity` ['length'], optional
        Edges of height, which mirror about 0 so that North and South compare; by default -2.1 to
        2.1 kpc in steps of 0.3 kpc.
    phi : `~astropy.units.Quantity` ['angle'] or None, optional
        Edges of azimuth within -180 and 180 deg, growing with Galactic rotation from 0 toward the
        anticentre; by default the paper's -35, -15, -5, 0, 5, 15, 35 deg. None combines all
        azimuths, without an axis for them.
    age : `~astropy.units.Quantity` ['time'] or None, optional
        Edges of age; by default None, all ages combined.
    min_count : int, optional
        Voxels with fewer stars count as empty; by default 3.

    Raises
    ------
    BinningError
        If edges do not increase, do not mirror in Z, or are outside the possible values.
    `~astropy.units.UnitsError`, TypeError
        If edges have the wrong unit, or none.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from rcasym import DiskBinning
    >>> DiskBinning()
    <DiskBinning: phi 6 x R 15 x Z 14 voxels, min_count=3>
    >>> DiskBinning.by_age().shape
    (1, 6, 15, 14)
    >>> DiskBinning(phi=[-5, 15] * u.deg, R=[8, 11, 14] * u.kpc, Z=[-1, 0, 1] * u.kpc).axes[0]
    Axis('phi', [-5, 15] deg)
    """

    axes: tuple
    min_count: int

    @u.quantity_input(R=u.kpc, Z=u.kpc, phi=[u.deg, None], age=[u.Gyr, None])
    def __init__(self, *, R=PAPER_R, Z=PAPER_Z, phi=PAPER_PHI, age=None, min_count=3):
        axes = []
        for name, edges, unit in (("phi", phi, u.deg), ("age", age, u.Gyr), ("R", R, u.kpc),
                                  ("Z", Z, u.kpc)):
            if edges is not None:
                axes.append(Axis(name, check_edges(name, edges.to_value(unit),
                                                   **RULES[name]) * unit))
        check_whole("min_count", min_count, least=1)
        object.__setattr__(self, "axes", tuple(axes))
        object.__setattr__(self, "min_count", int(min_count))

    @classmethod
    def by_age(cls, *, phi=PAPER_ANTICENTRE, age=PAPER_AGE, **edges):
        """Make the paper's binning by age: azimuths from -5 to 15 deg, and six ranges of age.

        Parameters
        ----------
        phi, age : `~astropy.units.Quantity`, optional
            By default -5 to 15 deg, and 0, 2, 4, 6, 8, 10, 14 Gyr.
        **edges
            Further arguments of `DiskBinning`.

        Returns
        -------
        DiskBinning
            The grid of Figures 5, 6 and 8 of Wang et al. (2025).

        Examples
        --------
        Young and old stars alone, in the paper's bins of R and Z:

        >>> from astropy import units as u
        >>> from rcasym import DiskBinning
        >>> DiskBinning.by_age(age=[0, 6, 14] * u.Gyr)
        <DiskBinning: phi 1 x age 2 x R 15 x Z 14 voxels, min_count=3>
        """
        return cls(phi=phi, age=age, **edges)

    def __repr__(self):
        sizes = " x ".join(f"{axis.name} {len(axis)}" for axis in self.axes)
        return f"<DiskBinning: {sizes} voxels, min_count={self.min_count}>"

    @cached_property
    def shape(self):
        """The number of bins of each axis."""
        return tuple(len(axis) for axis in self.axes)

    @cached_property
    def size(self):
        """The number of voxels."""
        return int(np.prod(self.shape))

    @cached_property
    def n_slices(self):
        """The number of bins of azimuth and age together, each a plane of R and Z."""
        return int(np.prod(self.shape[:-2], dtype=int))

    def __getitem__(self, name):
        """The axis of that name."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise BinningError(f"the binning must have the axis asked for; got {name!r}, the choices "
                           f"are {', '.join(repr(axis.name) for axis in self.axes)}")

    @cached_property
    def abs_Z(self):
        """The axis of abs(Z): the bins of one hemisphere, from the mid-plane outward.

        With an odd number of Z bins, the one astride the mid-plane is left out.
        """
        Z = self["Z"]
        return Axis("abs_Z", np.abs(Z.edges[-(len(Z) // 2 + 1):]))

    def index(self, catalog):
        """Return the voxel of each star.

        Parameters
        ----------
        catalog : RedClumpCatalog
            The stars.

        Returns
        -------
        ndarray of int
            Index into the flattened grid, -1 outside it and for an unknown position (or age, with
            an age axis).

        Raises
        ------
        CatalogError
            If the catalogue has no positions, or no ages with an age axis.

        Examples
        --------
        The stars of the voxel with the largest offset:

        >>> import numpy as np
        >>> from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog
        >>> cat, binning = make_mock_catalog(5000), DiskBinning()
        >>> amap = AsymmetryMap.from_catalog(cat, binning)
        >>> voxel = np.nanargmax(np.abs(amap.offset))
        >>> stars = cat[binning.index(cat) == voxel]
        >>> print(len(stars) == amap.count.flat[voxel])
        True
        """
        needed = ["galcen"] + [axis.name for axis in self.axes if axis.name == "age"]
        check_columns(catalog.colnames, needed, "the catalogue")
        values = dict(zip(("R", "phi", "Z"), catalog.cylindrical, strict=True))
        columns = [floats(catalog, "age") if axis.name == "age" else values[axis.name].value
                   for axis in self.axes]
        return flat_index(columns, [axis.edges.value for axis in self.axes])

    def plot(self, *, ax=None, **kwargs):
        """Draw the grid in the R-Z plane.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            By default those of a new figure.
        **kwargs
            Passed to `~matplotlib.axes.Axes.pcolormesh`.

        Returns
        -------
        `~matplotlib.axes.Axes`
            The axes drawn on.

        Examples
        --------
        >>> from rcasym import DiskBinning
        >>> ax = DiskBinning().plot()
        """
        from ..plotting.maps import plot_binning

        return plot_binning(self, ax=ax, **kwargs)


def check_binning(binning):
    """Return the binning, or the default for None."""
    if binning is None:
        return DiskBinning()
    if not isinstance(binning, DiskBinning):
        raise BinningError(f"binning must be a DiskBinning; got {binning!r}")
    return binning
