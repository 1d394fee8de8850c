# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The same star twice: in two surveys, or observed again within one."""

import numpy as np
from astropy import units as u

__all__ = ["mutual_nearest", "repeats_of"]


def sky_degrees(coord):
    """Right ascension and declination, two floats a star, NaN where unknown or masked."""
    columns = []
    for angle in (coord.ra, coord.dec):
        values = np.array(getattr(angle, "unmasked", angle).to_value(u.deg))
        values[np.asarray(getattr(angle, "mask", False)) & np.ones(values.shape, bool)] = np.nan
        columns.append(values)
    return np.column_stack(columns)


def _pairs(first, second, max_separation):
    """Indices and separations [deg] of all pairs within ``max_separation``.

    Stars without a position are in no pair.
    """
    # Here, so that a catalogue loads without scipy.
    from scipy.spatial import cKDTree

    places = [sky_degrees(coord) for coord in (first, second)]
    usable = [np.flatnonzero(np.isfinite(place).all(axis=1)) for place in places]
    if not all(len(index) for index in usable):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    trees = [cKDTree(_directions(place[index]), balanced_tree=False)
             for place, index in zip(places, usable, strict=True)]
    # As astropy's search_around_sky, without its lists for all the stars that have no neighbour.
    near = trees[0].sparse_distance_matrix(
        trees[1], 2 * np.sin(max_separation.to_value(u.rad) / 2), output_type="ndarray")
    separation = np.rad2deg(2 * np.arcsin(near["v"] / 2))
    return usable[0][near["i"]], usable[1][near["j"]], separation


def _directions(place):
    """Unit vectors: directions alone, so that stars without a distance match too."""
    ra, dec = np.deg2rad(place.T)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def mutual_nearest(first, second, max_separation):
    """Find pairs of stars each of which is the other's nearest on the sky.

    Parameters
    ----------
    first, second : `~astropy.coordinates.SkyCoord`
        ICRS positions.
    max_separation : `~astropy.units.Quantity` ['angle']
        The largest separation of a pair.

    Returns
    -------
    i, j : ndarray of int
        Rows of ``first``, increasing, and the rows of ``second`` that they pair with. No row is
        in two pairs; of stars equally near the earlier row counts.
    separation : `~astropy.units.Quantity` ['angle']
        Of each pair [arcsec].

    Examples
    --------
    Two observations of the star at 10 deg, of which the nearer one is taken:

    >>> from astropy import units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from rcasym.catalog.crossmatch import mutual_nearest
    >>> first = SkyCoord([10, 20] * u.deg, [0, 0] * u.deg)
    >>> second = SkyCoord([10.0002, 10.0001, 30] * u.deg, [0, 0, 0] * u.deg)
    >>> i, j, separation = mutual_nearest(first, second, 1 * u.arcsec)
    >>> print(i, j, separation.round(2))
    [0] [1] [0.36] arcsec
    """
    i, j, separation = _pairs(first, second, max_separation)
    order = np.lexsort((j, i, separation))
    i, j, separation = i[order], j[order], separation[order]
    nearest_of_i = np.zeros(len(i), bool)
    nearest_of_i[np.unique(i, return_index=True)[1]] = True
    nearest_of_j = np.zeros(len(i), bool)
    nearest_of_j[np.unique(j, return_index=True)[1]] = True
    keep = nearest_of_i & nearest_of_j
    order = np.argsort(i[keep], kind="stable")
    return i[keep][order], j[keep][order], (separation[keep][order] * u.deg).to(u.arcsec)


def repeats_of(coord, max_separation):
    """The first observation of each star of one survey.

    Parameters
    ----------
    coord : `~astropy.coordinates.SkyCoord`
        ICRS positions of all observations.
    max_separation : `~astropy.units.Quantity` ['angle']
        Observations nearer than this to an earlier first one repeat it.

    Returns
    -------
    ndarray of int
        For each row the row of the first observation of that star; the row itself where it is the
        first. A chain of near stars does not grow: each repeat is within ``max_separation`` of its
        own first observation.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astropy.coordinates import SkyCoord
    >>> from rcasym.catalog.crossmatch import repeats_of
    >>> stars = SkyCoord([10, 20, 10.0001] * u.deg, [0, 0, 0] * u.deg)
    >>> print(repeats_of(stars, 1 * u.arcsec))
    [0 1 0]
    """
    first = np.arange(len(coord))
    # Rows at the very same place are told apart by no search, and may be very many.
    place = sky_degrees(coord)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    # Rows of one place come after each other, in order.
    known = known[np.lexsort(place[known].T)]
    new = np.any(np.diff(place[known], axis=0, prepend=np.nan), axis=1)
    first[known] = known[new][np.cumsum(new) - 1]
    distinct = np.sort(known[new])
    earlier, later, separation = _pairs(coord[distinct], coord[distinct], max_separation)
    earlier, later = distinct[earlier], distinct[later]
    ordered = earlier < later
    earlier, later, separation = earlier[ordered], later[ordered], separation[ordered]
    for k in np.lexsort((earlier, separation, later)):
        # Rows are visited in order, so whether the earlier one is itself a repeat is known.
        if first[later[k]] == later[k] and first[earlier[k]] == earlier[k]:
            first[later[k]] = earlier[k]
    return first[first]
