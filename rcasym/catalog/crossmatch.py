# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Duplicates: stars in common between two surveys, and repeat observations within one."""

import numpy as np
from astropy import units as u
from scipy.spatial import cKDTree

__all__ = ["find_mutual_nearest", "find_repeats"]


def find_mutual_nearest(first, second, max_separation):
    """Return the pairs of stars that are each other's nearest on the sky.

    These are the rows in ``first``, increasing, the rows in ``second``, and the separations
    [arcsec]. No row is in two pairs; among equally near stars the earlier row counts.
    """
    i, j, separation = _find_pairs(_sky_degrees(first), _sky_degrees(second), max_separation)
    order = np.lexsort((j, i, separation))
    i, j, separation = i[order], j[order], separation[order]
    mutual = _is_first(i) & _is_first(j)
    i, j, separation = i[mutual], j[mutual], separation[mutual]
    order = np.argsort(i, kind="stable")
    return i[order], j[order], (separation[order] * u.deg).to(u.arcsec)


def find_repeats(coord, max_separation):
    """Return for each row the row of the first observation of that star, which may be itself.

    Chains of near stars do not grow: each repeat is within ``max_separation`` of its own first
    observation.
    """
    first = np.arange(len(coord))
    sky = _sky_degrees(coord)
    known = np.flatnonzero(np.isfinite(sky).all(axis=1))
    # Rows at identical positions are grouped first: there may be too many for a search by pairs.
    known = known[np.lexsort(sky[known].T)]
    new = np.any(np.diff(sky[known], axis=0, prepend=np.nan), axis=1)
    first[known] = known[new][np.cumsum(new) - 1]
    distinct = np.sort(known[new])
    earlier, later, separation = _find_pairs(sky[distinct], sky[distinct], max_separation)
    earlier, later = distinct[earlier], distinct[later]
    ordered = earlier < later
    earlier, later, separation = earlier[ordered], later[ordered], separation[ordered]
    for k in np.lexsort((earlier, separation, later)):
        # In the order of rows, so that whether the earlier one is itself a repeat is known.
        if first[later[k]] == later[k] and first[earlier[k]] == earlier[k]:
            first[later[k]] = earlier[k]
    return first[first]


def _sky_degrees(coord):
    """Return ICRS right ascension and declination, shape (n, 2), NaN where unknown or masked."""
    columns = []
    for angle in (coord.ra, coord.dec):
        values = np.array(getattr(angle, "unmasked", angle).to_value(u.deg))
        values[np.asarray(getattr(angle, "mask", False)) & np.ones(values.shape, bool)] = np.nan
        columns.append(values)
    return np.column_stack(columns)


def _find_pairs(first, second, max_separation):
    """Return the rows and separations [deg] of all pairs of directions within ``max_separation``.

    This is astropy's search_around_sky, without a list for each star that has no neighbour. Stars
    without a position are in no pair.
    """
    rows = [np.flatnonzero(np.isfinite(sky).all(axis=1)) for sky in (first, second)]
    if not all(map(len, rows)):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    trees = [cKDTree(_unit_vectors(sky[known]), balanced_tree=False)
             for sky, known in zip((first, second), rows, strict=True)]
    chord = 2 * np.sin(max_separation.to_value(u.rad) / 2)
    near = trees[0].sparse_distance_matrix(trees[1], chord, output_type="ndarray")
    return rows[0][near["i"]], rows[1][near["j"]], np.rad2deg(2 * np.arcsin(near["v"] / 2))


def _unit_vectors(sky):
    """Return directions, without distances, so that stars without a distance match too."""
    ra, dec = np.deg2rad(sky.T)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def _is_first(rows):
    """Return True for the first occurrence of each row."""
    result = np.zeros(len(rows), bool)
    result[np.unique(rows, return_index=True)[1]] = True
    return result
