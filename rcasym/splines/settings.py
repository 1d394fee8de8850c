# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Validation of the parameters and the data of a fit."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.sparse.csgraph import structural_rank

from ..exceptions import RcasymError
from ..utils.validation import check_choice, check_whole
from .knots import clamp, count_between

__all__ = ["FitSettings", "check_constraints", "check_data", "check_knots", "check_points",
           "check_taus"]

SHAPES = ("increasing", "decreasing", "convex", "concave", "periodic")
POINTWISE = ("=", ">=", "<=", "slope")


@dataclass(frozen=True, eq=False)
class FitSettings:
    """The checked parameters of a fit; see `rcasym.splines.QuantileSpline.fit`."""

    taus: tuple  # from `check_taus`, which knows the name of the parameter
    degree: int
    knots: np.ndarray | None
    n_knots: int | None
    criterion: str
    smoothing: float | str
    add_knots: bool
    constraints: tuple

    def __post_init__(self):
        check_choice("criterion", self.criterion, ("aic", "sic"))
        checked = {
            "degree": int(check_choice("degree", self.degree, (1, 2))),
            "smoothing": _check_smoothing(self.smoothing),
            "constraints": check_constraints(self.constraints),
        }
        if self.n_knots is None:
            checked["n_knots"] = 20 if checked["smoothing"] else 6
        else:
            check_whole("n_knots", self.n_knots, least=2)
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def check_taus(name, taus):
    """Return the quantiles as a tuple, or raise unless they increase between 0 and 1."""
    if not np.iterable(taus) or isinstance(taus, str):
        raise RcasymError(f"{name} must be a sequence of numbers; got {taus!r}")
    taus = tuple(taus)
    for tau in taus:
        if not isinstance(tau, Real) or not 0 < tau < 1:
            raise RcasymError(f"{name} must be larger than 0 and smaller than 1; got {tau!r}")
    if not taus or np.any(np.diff(taus) <= 0):
        raise RcasymError(f"{name} must hold one or more increasing numbers; got {taus}")
    return taus


def _check_smoothing(smoothing):
    if isinstance(smoothing, str) and smoothing == "sic":
        return smoothing
    if not isinstance(smoothing, Real) or not 0 <= smoothing < np.inf:
        raise RcasymError(
            f"smoothing must be a finite number of at least 0, or 'sic'; got {smoothing!r}")
    return float(smoothing)


def check_constraints(constraints):
    """Return constraints as a tuple of shapes and of (kind, x, value) with plain floats."""
    one = isinstance(constraints, str) or (
        isinstance(constraints, tuple) and constraints and constraints[0] in POINTWISE)
    try:
        constraints = (constraints,) if one else tuple(constraints)
    except TypeError:
        raise RcasymError(f"constraints must be a sequence; got {constraints!r}") from None
    return tuple(_check_constraint(constraint) for constraint in constraints)


def _check_constraint(constraint):
    if isinstance(constraint, str):
        return check_choice("constraints", constraint, SHAPES)
    if (not isinstance(constraint, tuple | list) or len(constraint) != 3
            or constraint[0] not in POINTWISE
            or not all(isinstance(v, Real) and np.isfinite(v) for v in constraint[1:])):
        raise RcasymError(
            "constraints at a point must be (kind, x, value) with finite numbers and a kind among "
            f"{', '.join(map(repr, POINTWISE))}; got {constraint!r}")
    kind, x, value = constraint
    return kind, float(x), float(value)


def check_points(constraints, knots):
    """Raise unless the constraints at points lie between the end knots."""
    for constraint in constraints:
        if not isinstance(constraint, str) and not knots[0] <= constraint[1] <= knots[-1]:
            raise RcasymError("constraints at a point must be between the end knots, "
                              f"{knots[0]} and {knots[-1]}; got {constraint!r}")


def check_data(x, y, weights, degree):
    """Return x, y and weights as sorted arrays of floats, or raise if they cannot be fitted."""
    x, y = _check_vector("x", x), _check_vector("y", y)
    w = np.ones(x.size) if weights is None else _check_vector("weights", weights)
    if not x.size == y.size == w.size:
        raise RcasymError("x, y and weights must have the same length; got "
                          f"{x.size}, {y.size} and {w.size}")
    if np.any(w <= 0):
        raise RcasymError(f"weights must be positive; got {w.min()} at index {w.argmin()}, leave "
                          "out the points that are not to count")
    distinct = np.unique(x).size
    if distinct <= degree:
        raise RcasymError(f"x must have at least {degree + 1} distinct values for a curve of "
                          f"degree {degree}; got {distinct}")
    # The same points give the same result, whatever order they come in.
    order = np.lexsort((w, y, x))
    return x[order], y[order], w[order]


def _check_vector(name, values):
    if np.ma.is_masked(values):
        raise RcasymError(f"{name} must not have masked values; got {np.ma.count_masked(values)}")
    try:
        values = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise RcasymError(f"{name} must be a sequence of numbers; got {values!r}") from error
    if values.ndim != 1:
        raise RcasymError(f"{name} must be one-dimensional; got shape {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise RcasymError(f"{name} must be finite; got {values[bad[0]]} at index {bad[0]} "
                          f"({bad.size} in total)")
    return values


def check_knots(knots, x, degree):
    """Return the knots as an array, or raise if the data do not determine a curve on them."""
    knots = _check_vector("knots", knots)
    if knots.size < 2 or np.any(np.diff(knots) <= 0):
        raise RcasymError(f"knots must hold two or more increasing numbers; got {knots}")
    if knots[0] > x.min() or knots[-1] < x.max():
        raise RcasymError(f"knots must cover the data, from {x.min()} to {x.max()}; got "
                          f"{knots[0]} to {knots[-1]}")
    empty = np.flatnonzero(count_between(knots, x) == 0)
    if empty.size:
        raise RcasymError("knots must have data in each interval; got none between "
                          f"{knots[empty[0]]} and {knots[empty[0] + 1]}")
    # Each coefficient needs a datum of its own where its B-spline is not zero.
    design = BSpline.design_matrix(np.unique(x), clamp(knots, degree), degree)
    design.eliminate_zeros()
    rank = structural_rank(sparse.csr_matrix(design))
    if rank < design.shape[1]:
        raise RcasymError(f"knots must not give more coefficients than the data determine, {rank}; "
                          f"got {knots.size} knots and {design.shape[1]} coefficients")
    return knots
