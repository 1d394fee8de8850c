# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Curves of the difference between the ages of two surveys; ages are floats in Gyr."""

from dataclasses import dataclass

import numpy as np

from ..exceptions import RcasymError, RcasymWarning
from ..splines import QuantileSpline
from ..splines.settings import check_constraints
from ..utils.progress import progress
from ..utils.validation import check_choice, check_whole, warn
from .errors_in_variables import fit_age_bias
from .pairs import AXES, AgePairs, check_errors, check_max_age
from .true_ages import fit_true_ages

__all__ = ["CurveSettings", "move_to_axis", "simulate_null_curves", "warn_about_order"]

METHODS = ("cobs", "errors-in-variables")


@dataclass(frozen=True)
class CurveSettings:
    """Settings of a fit, checked; the same for the data, each resample and each null sample."""

    method: str
    axis: str
    quantiles: tuple
    degree: int
    max_age: float | None
    n_knots: int
    criterion: str
    constraints: tuple
    n_bootstrap: int

    def __post_init__(self):
        check_choice("axis", self.axis, tuple(AXES))
        check_choice("method", self.method, METHODS)
        if self.method == "errors-in-variables" and self.axis != "age":
            raise RcasymError("axis must be 'age' with method='errors-in-variables', which knows "
                              f"the true ages; got {self.axis!r}")
        quantiles = tuple(np.atleast_1d(self.quantiles).tolist())
        if 0.5 not in quantiles or not all(0 < tau < 1 for tau in quantiles):
            raise RcasymError("quantiles must be larger than 0 and smaller than 1, and include "
                              f"0.5; got {quantiles}")
        check_whole("degree", self.degree)
        check_whole("n_bootstrap", self.n_bootstrap)
        checked = {"quantiles": quantiles, "max_age": check_max_age(self.max_age),
                   "constraints": check_constraints(self.constraints)}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def select(self, pairs):
        """Return the pairs that the method can use, and how many it cannot."""
        counts = {"n_pairs": len(pairs)}
        if self.method == "errors-in-variables":
            check_errors(pairs, "method='errors-in-variables'")
            pairs = pairs.with_known_errors()
            counts["n_without_error"] = counts["n_pairs"] - len(pairs)
            max_age = np.inf if self.max_age is None else self.max_age
            kept = (pairs.age <= max_age) & (pairs.reference_age <= max_age)
            counts["n_beyond_max_age"] = int(np.sum(~kept))
            pairs = pairs[kept]
        return pairs, counts

    def fit_spline(self, pairs):
        """Return the median of the difference."""
        return QuantileSpline.fit(pairs.on(self.axis), pairs.difference, weights=pairs.weights,
                                  n_knots=self.n_knots, criterion=self.criterion,
                                  constraints=self.constraints)

    def fit_quantiles(self, pairs):
        """Return curves of all quantiles with the knots of the median."""
        return QuantileSpline.fit_many(
            pairs.on(self.axis), pairs.difference, taus=self.quantiles, weights=pairs.weights,
            knots=self.fit_spline(pairs).knots, criterion=self.criterion,
            constraints=self.constraints)

    def fit_bias(self, pairs):
        """Return the bias with the errors of both ages, None with another method."""
        if self.method == "errors-in-variables":
            return fit_age_bias(pairs.with_effective_weights(), self.max_age)
        return None

    def fit_median_curve(self, pairs):
        """Return the correction as a function of age."""
        if bias := self.fit_bias(pairs):
            return bias.difference
        spline = self.fit_spline(pairs)
        # The ages of other samples may lie beyond the knots.
        return lambda x: spline(np.clip(x, *spline.knots[[0, -1]]))

    def bootstrap_error(self, pairs, grid, rng):
        """Return the standard deviation of the curves of resampled pairs."""
        n = len(pairs)
        curves = [self.fit_median_curve(pairs[rng.integers(0, n, n)])(grid)
                  for _ in progress(range(self.n_bootstrap), "resampling the stars in common")]
        return np.std(curves, axis=0, ddof=1) if len(curves) > 1 else np.full(len(grid), np.nan)


def simulate_null_curves(pairs, settings, grid, n, rng):
    """Return the curves of ``n`` samples like the pairs, but without a bias."""
    # The simulation has a cut only if the data have one.
    max_age, oldest = settings.max_age, max(pairs.age.max(), pairs.reference_age.max())
    true_ages = fit_true_ages(pairs.with_effective_weights(),
                              max_age if max_age is not None and oldest <= max_age else None)
    curves = []
    for _ in progress(range(n), "fitting null samples"):
        age, reference_age, *errors = true_ages.sample_pairs(len(pairs), rng)
        weights = None if pairs.weights is None else rng.permutation(pairs.weights)
        null_pairs = AgePairs(age, reference_age, weights, *errors)
        curves.append(settings.fit_median_curve(null_pairs)(grid))
    return np.array(curves)


def move_to_axis(age, axis, grid, difference):
    """Return ages on the axis of stars whose own age alone is known."""
    if AXES[axis] == 0:
        return age
    shift = AXES[axis] * difference
    own = np.maximum.accumulate(grid + shift)
    inside = np.interp(age, own, grid)
    return np.where(age < own[0], age - shift[0],
                    np.where(age > own[-1], age - shift[-1], inside))


def warn_about_order(grid, difference, axis):
    """Warn if ages, or calibrated ages, would not increase along the grid."""
    own = grid + AXES[axis] * difference
    falls = (np.diff(own) <= 0) | (np.diff(own - difference) <= 0)
    if falls.any():
        low, high = grid[:-1][falls][0], grid[1:][falls][-1]
        warn(f"the calibration does not keep the order of ages between {low:.2f} and {high:.2f} "
             "Gyr, because the difference changes as fast as the age there; fewer knots or another "
             "axis may help", RcasymWarning)
