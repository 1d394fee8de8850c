# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The choice of the knots and the smoothing of a quantile spline.

Nothing here knows how a spline is fitted: the functions minimise a criterion that they are given.
"""

import numpy as np

__all__ = ["clamp", "count_between", "initial_mesh", "select_knots", "select_smoothing",
           "smoothing_grid"]

# Criteria closer than this are ties: the difference is rounding.
TIE_DECIMALS = 10


def clamp(knots, degree):
    """Return the knots with the first and the last repeated, as B-splines need them."""
    return np.r_[[knots[0]] * degree, knots, [knots[-1]] * degree]


def count_between(knots, x):
    """Count the data in the intervals between knots; a datum on a knot counts in the left one.

    A datum on the first knot counts in the first interval.
    """
    return np.histogram(-x, -knots[::-1])[0][::-1]


def initial_mesh(x, n_knots, degree):
    """Return knots at equally spaced ranks of the distinct x, fewer than ``n_knots`` if need be."""
    distinct = np.unique(x)
    return _thin(distinct, min(n_knots, distinct.size - degree + 1))


def _thin(values, n):
    """Return ``n`` of the values, evenly by rank, with both ends."""
    return values[np.arange(n) * (values.size - 1) // (n - 1)]


class _Search:
    """The criteria of all knots tried so far; each fit starts from the curves of the last one."""

    def __init__(self, criterion):
        self.criterion, self.values, self.near = criterion, {}, None

    def find_best(self, candidates):
        """Return the smallest criterion and the first of the candidates that has it."""
        for knots in candidates:
            if tuple(knots) not in self.values:
                value, self.near = self.criterion(knots, self.near)
                self.values[tuple(knots)] = np.round(value, TIE_DECIMALS)
        values = [self.values[tuple(knots)] for knots in candidates]
        first = int(np.argmin(values))
        return values[first], candidates[first]


def select_knots(criterion, mesh, x, add=False):
    """Return the knots with the smallest criterion (He & Ng 1999, Section 3).

    The search starts from the best even part of the mesh, the largest set of knots considered.
    Interior knots are then deleted one by one, each time the one whose loss leaves the smallest
    criterion, as long as it does not rise. With ``add``, midpoints of the intervals between knots
    are then added in the same way, and both steps are repeated while the criterion falls.

    ``criterion`` takes knots and the fitted values near which the fit may start, None at first. It
    returns a float, infinite where there is no fit, and the fitted values for the next call.
    """
    search = _Search(criterion)
    current, knots = search.find_best([_thin(mesh, m) for m in range(2, mesh.size + 1)])
    while True:
        start = current
        while knots.size > 2:
            value, fewer = search.find_best(
                [np.delete(knots, j) for j in range(1, knots.size - 1)])
            if value > current:
                break
            current, knots = value, fewer
        while add and knots.size < mesh.size:
            candidates = _add_midpoints(knots, x)
            if not candidates:
                break
            value, more = search.find_best(candidates)
            if value > current:
                break
            current, knots = value, more
        if not (add and current < start):
            return knots


def _add_midpoints(knots, x):
    """Return the knots with one more midpoint, for each interval with data in both halves."""
    middles = (knots[:-1] + knots[1:]) / 2
    halves = np.sort(np.concatenate([knots, middles]))
    filled = count_between(halves, x).reshape(-1, 2).all(axis=1)
    return [np.insert(knots, j + 1, middles[j]) for j in np.flatnonzero(filled)]


def smoothing_grid(x, degree):
    """Return the 25 values from which the smoothing is chosen."""
    return np.logspace(-4, 3, 25) * np.std(x, ddof=1) ** degree


def select_smoothing(criterion, n_parameters, n, lowest):
    """Return the index of the smoothing with the smallest criterion.

    ``criterion`` and ``n_parameters`` are those of each value of the grid, in increasing order of
    the smoothing; the criterion is infinite where a fit has no residuals. Values below the first
    whose curve has more than ``lowest`` and at most sqrt(n) parameters are left out. Of equal
    criteria (to 6 digits) the middle one is taken; but the largest smoothing if they reach the end
    of the grid, and the smallest if they reach its start.
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
