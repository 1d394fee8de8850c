# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The likelihood of pairs of ages with errors, for `rcasym.ages.errors_in_variables`.

Pure arrays of floats, ages in Gyr. The equations are those of `rcasym.ages.errors_in_variables.AgeBias`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import ndtr

from ..exceptions import RcasymError

__all__ = ["AgeLikelihood", "AgePairs", "AgeScale"]

MIN_STARS = 50
# Smaller errors are raised to this: the grid of true ages has to resolve them.
MIN_ERROR = 0.01
YOUNGEST = 0.05  # Gyr; the grid of true ages starts here or above
# Steps of the grid in log age, in units of the error of a star's two ages together.
STEP = 0.7
N_DENSITY = 22
# Prior standard deviations: of the second differences of the log density's coefficients; of the
# random walk of log g' over 1 Gyr; of log g' itself.
DENSITY_ROUGHNESS, SLOPE_WALK, SLOPE_SPREAD = 2.0, 0.2, 0.5
# Part of the pairs that may be anything, such as wrong matches: bounds the pull of any one star.
CONTAMINATION = 1e-3
# Fits end where the next step would raise the log-likelihood by less: 1/70 standard deviation.
TOLERANCE = 1e-4
MAX_ITERATIONS = 200
LARGEST_STEP = 3.0  # of a parameter, so that no exponential overflows
BLOCK = 2048  # stars at a time; their likelihoods stay in the processor's cache


@dataclass(frozen=True, eq=False)
class AgeScale:
    """The increasing map g of true to catalogue ages, g(0) = 0: a quadratic spline.

    Its slope is linear between ``knots`` and has the logarithms ``log_slopes`` there; beyond the
    last knot it is constant.
    """

    knots: np.ndarray
    log_slopes: np.ndarray

    def gradient(self, age):
        """Derivatives of g(age) with respect to ``log_slopes``; their sum is g."""
        inside = np.minimum(age, self.knots[-1])
        hats = BSpline(np.pad(self.knots, 1, mode="edge"), np.diag(np.exp(self.log_slopes)), 1)
        integrals = hats.antiderivative()(inside)
        integrals[..., -1] += (age - inside) * np.exp(self.log_slopes[-1])
        return integrals

    def __call__(self, age):
        return self.gradient(age).sum(-1)

    def slope(self, age):
        return np.interp(age, self.knots, np.exp(self.log_slopes))

    def inverse(self, age):
        values = self(self.knots)
        slopes = np.exp(self.log_slopes)
        change = np.append(np.diff(slopes) / np.diff(self.knots), 0)
        i = np.clip(np.searchsorted(values, age, side="right") - 1, 0, None)
        rise = age - values[i]
        return self.knots[i] + 2 * rise / (slopes[i] + np.sqrt(slopes[i]**2 + 2*change[i]*rise))


@dataclass(frozen=True, eq=False)
class AgePairs:
    """The stars that take part: both ages, the fractional errors of both, weights."""

    age: np.ndarray
    reference: np.ndarray
    age_error: np.ndarray
    reference_error: np.ndarray
    weights: np.ndarray
    max_age: float

    @classmethod
    def checked(cls, age, reference_age, age_error, reference_age_error, max_age, weights=None):
        """The pairs with both ages up to ``max_age``, if nothing is wrong with any of them."""
        max_age = np.inf if max_age is None else float(max_age)
        if not max_age > 0:
            raise RcasymError(f"max_age must be positive or None, got {max_age:g}")
        age = _column("age", age)
        n = len(age)
        reference_age = _column("reference_age", reference_age, n)
        errors = [np.maximum(_column(name, error, n, positive=True), MIN_ERROR)
                  for name, error in [("age_error", age_error),
                                      ("reference_age_error", reference_age_error)]]
        weights = np.ones(n) if weights is None else _column("weights", weights, n, positive=True)
        inside = (age <= max_age) & (reference_age <= max_age)
        if (n_inside := np.count_nonzero(inside)) < MIN_STARS:
            raise RcasymError(f"age and reference_age must hold at least {MIN_STARS} pairs, both "
                              f"ages up to max_age, got {n_inside} of {n}")
        columns = [column[inside] for column in (age, reference_age, *errors, weights)]
        for name, column in zip(("age", "reference_age"), columns, strict=False):
            if np.ptp(column) == 0:
                raise RcasymError(f"{name} must differ from star to star, got {column[0]:g} only")
        return cls(*columns, max_age)


def _column(name, values, n=None, *, positive=False):
    """Finite floats, 0 or above or else above 0, for which a single one may stand."""
    rule = f"{name} must be {'positive' if positive else 'zero or positive'} and finite"
    try:
        # numpy would make a NaN of None.
        column = None if values is None else np.asarray(values, float)
    except (TypeError, ValueError):
        column = None
    if column is None:
        raise RcasymError(f"{rule}, got {values!r}")
    bad = ~np.isfinite(column) | (column <= 0 if positive else column < 0)
    if np.any(bad):
        where = f" for star {np.argmax(bad)}" if column.ndim else ""
        raise RcasymError(f"{rule}, got {column[bad].flat[0]:g}{where}")
    if positive and column.ndim == 0:
        return np.full(n, column)
    if column.ndim != 1 or n not in (None, len(column)):
        among = "" if n is None else f" for {n} stars"
        raise RcasymError(f"{name} must have one value per star, got the shape "
                          f"{column.shape}{among}")
    return column


class AgeLikelihood:
    """The likelihood of pairs of ages; parameters: log density, then log slopes of g if any."""

    def __init__(self, pairs, n_knots=0):
        self.pairs = pairs
        oldest = 1.15 * np.quantile(pairs.reference, 0.999)
        youngest = min(max(0.5 * np.quantile(pairs.reference, 0.001), YOUNGEST), oldest / 10)
        errors = np.column_stack([pairs.reference_error, pairs.age_error])
        self.errors, kind = np.unique(errors, axis=0, return_inverse=True)
        self.kind = kind.ravel()  # numpy 2.0 gives a column
        step = STEP * np.min(1 / np.hypot(*(1 / self.errors.T)))
        n_grid = int(np.ceil(np.log(oldest / youngest) / step)) + 1
        self.grid = np.geomspace(youngest, oldest, n_grid)
        width = 1 / (N_DENSITY - 3)
        knots = width * np.arange(-3, N_DENSITY + 1)
        self.basis = BSpline(knots, np.eye(N_DENSITY), 3)(np.linspace(0, 1, n_grid))
        self.knots = np.linspace(0, oldest, n_knots)
        self.penalty = self._penalty(n_knots)

    def _penalty(self, n_knots):
        """Inverse covariance of the prior of all parameters."""
        penalty = np.zeros((N_DENSITY + n_knots,) * 2)
        bends = np.diff(np.eye(N_DENSITY), 2, axis=0) / DENSITY_ROUGHNESS
        # The tiny second term fixes the log density's constant, which is of no effect.
        penalty[:N_DENSITY, :N_DENSITY] = bends.T @ bends + 1e-4 * np.eye(N_DENSITY)
        if n_knots:
            walk = np.diff(np.eye(n_knots), axis=0) / (SLOPE_WALK * np.sqrt(self.knots[1]))
            penalty[N_DENSITY:, N_DENSITY:] = walk.T @ walk + np.eye(n_knots) / SLOPE_SPREAD**2
        return penalty

    def start(self):
        """A log-normal density of the width of the reference ages, and no bias."""
        seen = np.log(np.maximum(self.pairs.reference, self.grid[0]))
        centres = np.linspace(*np.log(self.grid[[0, -1]]), N_DENSITY)
        log_density = -0.5 * ((centres - seen.mean()) / seen.std())**2
        return np.concatenate([log_density - log_density.mean(), np.zeros(len(self.knots))])

    def unpack(self, parameters):
        """Probability of each point of the grid, g there, its derivatives."""
        log_density = self.basis @ parameters[:N_DENSITY]
        density = np.exp(log_density - log_density.max())
        density /= density.sum()
        if not len(self.knots):
            return density, self.grid, np.zeros((len(self.grid), 0))
        gradient = AgeScale(self.knots, parameters[N_DENSITY:]).gradient(self.grid)
        return density, gradient.sum(1), gradient

    def true_ages(self, parameters):
        """The grid, and the density there with an integral of 1 [1/Gyr]."""
        density = self.unpack(parameters)[0] / self.grid
        # By the trapezoidal rule; scipy.integrate takes longer to load than the whole fit.
        total = np.sum(np.diff(self.grid) * (density[1:] + density[:-1]) / 2)
        return self.grid, density / total

    def selected(self, density, g, gradient):
        """Part of the stars within ``max_age``, for each kind of errors; the logarithm's scores."""
        part = np.ones(len(self.errors))
        scores = np.empty((len(self.errors), N_DENSITY + len(self.knots)))
        for rows in _blocks(len(self.errors)):
            error_r, error_a = self.errors[rows].T[:, :, None]
            below_r = (self.pairs.max_age / self.grid - 1) / error_r
            below_a = (self.pairs.max_age / g - 1) / error_a
            chance = density * ndtr(below_r)
            tail = chance * np.exp(-0.5 * below_a**2) / np.sqrt(2 * np.pi)
            chance *= ndtr(below_a)
            part[rows] = chance.sum(1)
            scores[rows, :N_DENSITY] = chance @ self.basis
            # d below_a / d g = -max_age / (g^2 error), here as -(below_a + 1 / error) / g.
            if np.isfinite(self.pairs.max_age):
                tail *= below_a + 1 / error_a
            scores[rows, N_DENSITY:] = -tail @ (gradient / g[:, None])
        return part, scores / part[:, None]

    def evaluate(self, parameters):
        """Log-likelihood of each star, and its derivatives."""
        density, g, gradient = self.unpack(parameters)
        part, part_scores = self.selected(density, g, gradient)
        pairs = self.pairs
        prior = density / (self.grid * g)
        gradient = prior[:, None] * gradient / g[:, None]
        basis = prior[:, None] * self.basis
        # The alternative: both ages evenly anywhere below the largest.
        uniform = CONTAMINATION / (pairs.age.max() * pairs.reference.max())
        log_likelihood = np.empty(len(pairs.age))
        scores = np.empty((len(pairs.age), len(parameters)))
        for rows in _blocks(len(pairs.age)):
            inverse_a = 1 / pairs.age_error[rows, None]
            inverse_r = 1 / pairs.reference_error[rows, None]
            z_a = (pairs.age[rows, None] * inverse_a) / g - inverse_a
            chance = (pairs.reference[rows, None] * inverse_r) / self.grid - inverse_r
            chance *= chance
            chance += z_a**2
            chance *= -0.5
            np.exp(chance, out=chance)
            norm = (2 * np.pi * pairs.age_error[rows] * pairs.reference_error[rows]
                    * part[self.kind[rows]])
            genuine = (1 - CONTAMINATION) * (chance @ prior) / norm
            total = genuine + uniform
            log_likelihood[rows] = np.log(total)
            scores[rows, :N_DENSITY] = chance @ basis
            if len(self.knots):
                # d ln p(age | g) / d ln g = z^2 + z / error - 1
                scores[rows, N_DENSITY:] = (chance * (z_a * (z_a + inverse_a) - 1)) @ gradient
            scores[rows] *= ((1 - CONTAMINATION) / (norm * total))[:, None]
            scores[rows] -= (genuine / total)[:, None] * part_scores[self.kind[rows]]
        return log_likelihood, scores

    def maximise(self):
        """Scoring with the scores' own cross products as the information, the step halved at need.

        Returns the parameters, the covariance and what the results tell of the fit.
        """
        weights = self.pairs.weights

        def state(parameters):
            log_likelihood, scores = self.evaluate(parameters)
            pull = self.penalty @ parameters
            return (weights @ log_likelihood, weights @ log_likelihood - 0.5 * parameters @ pull,
                    weights @ scores - pull, (scores.T * weights) @ scores + self.penalty)

        parameters = self.start()
        log_likelihood, value, score, information = state(parameters)
        length, n_iterations = 1, 0
        while n_iterations < MAX_ITERATIONS:
            n_iterations += 1
            step = np.linalg.solve(information, score)
            if converged := 0.5 * score @ step < TOLERANCE:
                break
            step *= min(length, LARGEST_STEP / np.abs(step).max())
            while (new := state(parameters + step))[1] < value and np.abs(step).max() > 1e-9:
                step /= 2
            if new[1] < value:
                break
            # The cross products may be too small an information in some direction, in which full
            # steps go to and fro across the maximum: the slope there tells how much too long.
            before, after = score @ step, new[2] @ step
            length = np.clip(length * before / max(before - after, before / 2), 0.2, 1)
            parameters = parameters + step
            log_likelihood, value, score, information = new
        return parameters, np.linalg.inv(information), {
            "log_likelihood": float(log_likelihood), "n_iterations": n_iterations,
            "converged": bool(converged), "n_stars": len(weights)}


def _blocks(n):
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
