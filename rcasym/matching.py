# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The same star twice: in two surveys, or observed again within one."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

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
    places = [sky_degrees(coord) for coord in (first, second)]
    usable = [np.flatnonzero(np.isfinite(place).all(axis=1)) for place in places]
    if not all(len(index) for index in usable):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    # Directions alone, so that stars without a distance match too.
    sky = [SkyCoord(place[index] * u.deg, frame="icrs")
           for place, index in zip(places, usable, strict=True)]
    i, j, separation, _ = sky[0].search_around_sky(sky[1], max_separation)
    # search_around_sky gives the index in its argument first.
    return usable[0][j], usable[1][i], separation.deg


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
    >>> from rcasym.matching import mutual_nearest
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
    >>> from rcasym.matching import repeats_of
    >>> stars = SkyCoord([10, 20, 10.0001] * u.deg, [0, 0, 0] * u.deg)
    >>> print(repeats_of(stars, 1 * u.arcsec))
    [0 1 0]
    """
    first = np.arange(len(coord))
    # Rows at the very same place are told apart by no search, and may be very many.
    place = sky_degrees(coord)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    _, index, inverse = np.unique(place[known], axis=0, return_index=True, return_inverse=True)
    first[known] = known[index][inverse.ravel()]
    distinct = np.sort(known[index])
    earlier, later, separation = _pairs(coord[distinct], coord[distinct], max_separation)
    earlier, later = distinct[earlier], distinct[later]
    ordered = earlier < later
    earlier, later, separation = earlier[ordered], later[ordered], separation[ordered]
    for k in np.lexsort((earlier, separation, later)):
        # Rows are visited in order, so whether the earlier one is itself a repeat is known.
        if first[later[k]] == later[k] and first[earlier[k]] == earlier[k]:
            first[later[k]] = earlier[k]
    return first[first]
