# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The choice of the knots, and of the smoothing, of a quantile spline.

Nothing here knows how a spline is fitted: the functions are given a criterion and look for the
knots, or the smoothing, that make it smallest.
"""

import numpy as np

__all__ = ["initial_mesh", "select_knots", "select_smoothing", "smoothing_grid"]

# Criteria closer than this are ties: the difference is rounding.
TIE_DECIMALS = 10


def initial_mesh(x, n_knots, degree):
    """
    Knots at equally spaced ranks of the distinct values of ``x``.

    Parameters
    ----------
    x : array_like
        The abscissae of the data, in any order.
    n_knots : int
        The number of knots, at least 2. Fewer are given if ``x`` has too few distinct values.
    degree : {1, 2}
        The degree of the spline.

    Returns
    -------
    knots : `numpy.ndarray`
        Increasing; the first is the minimum of ``x`` and the last its maximum.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.splines.knots import initial_mesh
    >>> initial_mesh(np.arange(11.0), 3, 2)
    array([ 0.,  5., 10.])
    """
    distinct = np.unique(x)
    return _part(distinct, min(n_knots, distinct.size - degree + 1))


def _part(values, n):
    """``n`` of the ``values``, evenly by rank, with both ends."""
    return values[np.arange(n) * (values.size - 1) // (n - 1)]


def select_knots(criterion, mesh, x, add=False):
    """
    Choose the knots with the smallest criterion (He & Ng 1999, Section 3).

    First the best of the even parts of the mesh is taken; then interior knots are deleted one by
    one, each time the one whose loss leaves the smallest criterion, for as long as it does not
    rise. With ``add``, midpoints of the intervals between knots are then added in the same way,
    and both steps are repeated while the criterion falls.

    Parameters
    ----------
    criterion : callable
        Takes an array of knots, gives a float; infinite where there is no fit.
    mesh : `numpy.ndarray`
        The largest set of knots to consider, increasing.
    x : array_like
        The abscissae of the data: a midpoint is only added if both halves of the interval
        hold some.
    add : bool, optional
        Whether knots off the mesh may be added, up to the size of the mesh.

    Returns
    -------
    knots : `numpy.ndarray`
        The knots chosen; the ends are those of the mesh.
    """
    cache = {}

    def best(candidates):
        for knots in candidates:
            if tuple(knots) not in cache:
                cache[tuple(knots)] = np.round(criterion(knots), TIE_DECIMALS)
        values = [cache[tuple(knots)] for knots in candidates]
        first = int(np.argmin(values))
        return values[first], candidates[first]

    current, knots = best([_part(mesh, m) for m in range(2, mesh.size + 1)])
    while True:
        start = current
        while knots.size > 2:
            value, fewer = best([np.delete(knots, j) for j in range(1, knots.size - 1)])
            if value > current:
                break
            current, knots = value, fewer
        while add and knots.size < mesh.size:
            candidates = _with_a_midpoint(knots, x)
            if not candidates:
                break
            value, more = best(candidates)
            if value > current:
                break
            current, knots = value, more
        if not (add and current < start):
            return knots


def _with_a_midpoint(knots, x):
    """The knots with the midpoint of one interval more, for each interval that can be halved."""
    middles = (knots[:-1] + knots[1:]) / 2
    halves = np.sort(np.concatenate([knots, middles]))
    filled = data_between(halves, x).reshape(-1, 2).all(axis=1)
    return [np.insert(knots, j + 1, middles[j]) for j in np.flatnonzero(filled)]


def data_between(knots, x):
    """
    Count the data in the intervals between knots.

    Parameters
    ----------
    knots : `numpy.ndarray`, shape (N,)
        Increasing.
    x : `numpy.ndarray`
        The abscissae of the data.

    Returns
    -------
    counts : `numpy.ndarray`, shape (N - 1,)
        A datum on a knot is counted in the interval on its left, one on the first knot in the
        first interval.
    """
    return np.histogram(-x, -knots[::-1])[0][::-1]


def smoothing_grid(x, degree):
    """
    The values of the smoothing among which one is chosen.

    Parameters
    ----------
    x : array_like
        The abscissae of the data.
    degree : {1, 2}
        The degree of the spline.

    Returns
    -------
    values : `numpy.ndarray`
        25 values, evenly spaced in the logarithm, from 1e-4 to 1e3 times the standard deviation
        of ``x`` to the power ``degree``.
    """
    return np.logspace(-4, 3, 25) * np.std(x, ddof=1) ** degree


def select_smoothing(criterion, n_parameters, n, lowest):
    """
    Choose one of the values of the smoothing, from the criterion of each.

    Values below the first at which a curve has between ``lowest`` and sqrt(n) parameters are left
    out. If the smallest criterion (rounded to 6 digits) is reached more than once, the middle
    of these values is taken; but the largest if they reach the end of the grid, or the smallest
    if they reach its start.

    Parameters
    ----------
    criterion : array_like
        The criterion at each value of the grid, in increasing order of the smoothing; infinite
        where there is no fit, or one without any residuals.
    n_parameters : array_like
        The number of parameters of each fit.
    n : int
        The number of data.
    lowest : int
        The number of parameters of the smoothest curve there is; it does not count here.

    Returns
    -------
    index : int
        The place of the chosen value in the grid.
    """
    criterion = np.round(np.array(criterion, dtype=float), 6)
    n_parameters = np.asarray(n_parameters)
    few = np.flatnonzero((n_parameters <= np.sqrt(n)) & (n_parameters > lowest))
    start = few[0] if few.size else 0
    criterion[:start] = np.inf
    ties = np.flatnonzero(criterion == criterion.min())
    if ties[-1] == criterion.size - 1 and ties[0] > start:
        return int(ties[-1])
    if ties[0] == start and ties[-1] < criterion.size - 1:
        return int(ties[0])
    return int(ties[ties.size // 2])
