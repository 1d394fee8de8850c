# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How the difference between the ages of two surveys is described by a curve."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Legendre

from ..exceptions import RcasymWarning
from ..splines.quantile_spline import QuantileSpline
from ..utils.progress import progress
from ..utils.validation import warn
from .errors_in_variables import AgeBias, TrueAges
from .pairs import AXES, CommonAges, check_errors

__all__ = ["CurveSettings", "fit_curves", "unbiased_curves", "on_axis", "warn_of_order",
           "held_at_ends", "N_GRID"]

# The part of the training ages between which the correction is trusted.
SUPPORT = (0.005, 0.995)
# Points at which curves are compared, inverted and described by the polynomial.
N_GRID = 401


@dataclass(frozen=True)
class CurveSettings:
    """How the difference is described; the same for the data, each resample and each null pair."""

    method: str
    axis: str
    max_age: float | None
    n_knots: int
    criterion: str
    constraints: tuple

    def median(self, pairs):
        """The curve of the difference that is subtracted, a function of plain floats in Gyr."""
        if self.method == "errors-in-variables":
            return self.bias(pairs).difference
        return held_at_ends(self.spline(pairs))

    def bias(self, pairs):
        return AgeBias.fit(pairs.age, pairs.reference_age, age_error=pairs.age_error,
                           reference_age_error=pairs.reference_age_error, max_age=self.max_age,
                           weights=pairs.effective_weights)

    def spline(self, pairs):
        return QuantileSpline.fit(pairs.on(self.axis), pairs.difference, weights=pairs.weights,
                                  n_knots=self.n_knots, criterion=self.criterion,
                                  constraints=self.constraints)


def fit_curves(pairs, settings, quantiles, degree, n_bootstrap, rng):
    """What a calibrator is made of: the fields of `rcasym.AgeCalibrator`."""
    counts = {"n_pairs": len(pairs)}
    if settings.method == "errors-in-variables":
        check_errors(pairs, "method='errors-in-variables'")
        pairs = pairs.with_errors
        counts["n_without_error"] = counts["n_pairs"] - len(pairs)
        oldest = np.inf if settings.max_age is None else settings.max_age
        kept = (pairs.age <= oldest) & (pairs.reference_age <= oldest)
        counts["n_beyond_max_age"] = int(np.sum(~kept))
        pairs = pairs[kept]
    x = pairs.on(settings.axis)
    spline = settings.spline(pairs)
    curves = QuantileSpline.fit_many(
        x, pairs.difference, taus=quantiles, weights=pairs.weights, knots=spline.knots,
        criterion=settings.criterion, constraints=settings.constraints)
    support = tuple(float(value) for value in np.quantile(x, SUPPORT))
    grid = np.linspace(*support, N_GRID)
    if settings.method == "cobs":
        bias, median = None, held_at_ends(curves[quantiles.index(0.5)])
        resamples = [
            settings.median(pairs[rng.integers(0, len(pairs), len(pairs))])(grid)
            for _ in progress(range(n_bootstrap), "resampling the stars in common")]
        error = (np.std(resamples, axis=0, ddof=1) if n_bootstrap > 1
                 else np.full(N_GRID, np.nan))
    else:
        bias = settings.bias(pairs)
        median, error = bias.difference, bias.difference_error(grid)
        if not bias.converged:
            warn("the errors-in-variables fit has not converged; its correction is not to be "
                 "trusted", RcasymWarning)
    series = Legendre.fit(grid, median(grid), degree, domain=support)
    error.flags.writeable = False
    series.coef.flags.writeable = False
    return {"pairs": pairs, "settings": settings, "curves": curves, "bias": bias,
            "polynomial_series": series, "support_values": support, "error_values": error,
            "counts": counts}


def unbiased_curves(pairs, settings, grid, n, rng):
    """Curves of ``n`` samples of pairs of ages like the given ones, but without a bias [Gyr]."""
    # Samples that were cut are compared with samples that are cut at the same age.
    oldest = max(pairs.age.max(), pairs.reference_age.max())
    cut = settings.max_age
    truth = TrueAges.fit(pairs.age, pairs.reference_age, age_error=pairs.age_error,
                         reference_age_error=pairs.reference_age_error,
                         weights=pairs.effective_weights,
                         max_age=cut if cut is not None and oldest <= cut else None)
    curves = []
    for _ in progress(range(n), "refitting pairs without a bias"):
        age, reference_age, *errors = truth.sample_pairs(len(pairs), rng)
        weights = None if pairs.weights is None else rng.permutation(pairs.weights)
        unbiased = CommonAges(age, reference_age, weights, *errors)
        curves.append(settings.median(unbiased)(grid))
    return np.array(curves)


def on_axis(age, axis, grid, difference):
    """The age on the axis of the difference, for stars of which only their own is known."""
    if AXES[axis] == 0:
        return age
    difference = AXES[axis] * difference
    own = np.maximum.accumulate(grid + difference)
    inside = np.interp(age, own, grid)
    return np.where(age < own[0], age - difference[0],
                    np.where(age > own[-1], age - difference[-1], inside))


def warn_of_order(grid, difference, axis):
    """Warn if ages, or calibrated ages, would not increase along the grid."""
    own = grid + AXES[axis] * difference
    falls = (np.diff(own) <= 0) | (np.diff(own - difference) <= 0)
    if falls.any():
        low, high = grid[:-1][falls][0], grid[1:][falls][-1]
        warn(f"the calibration does not keep the order of ages between {low:.2f} and {high:.2f} "
             "Gyr: there the difference changes as fast as the age itself; fewer knots or another "
             "axis may help", RcasymWarning)


def held_at_ends(spline):
    """The spline, held at its end values beyond its knots."""
    low, high = spline.knots[[0, -1]]
    return lambda x: spline(np.clip(x, low, high))
