# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Likelihood of pairs of ages with errors; `AgeBias` has the equations. Ages are floats in Gyr."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import ndtr

from ..exceptions import RcasymError
from .pairs import check_errors

__all__ = ["AgeLikelihood", "AgeScale", "describe_convergence", "trapezoid_areas"]

MIN_STARS = 50
# Smaller errors are raised to this, because the grid of true ages has to resolve them.
MIN_ERROR = 0.01
YOUNGEST = 0.05  # lower limit of the grid of true ages, Gyr
# Step of the grid in log age, in units of the combined error of a star's two ages.
STEP = 0.7
N_DENSITY = 22
# Prior standard deviations: second differences of the coefficients of the log density, random walk
# of log g' over 1 Gyr, log g' itself.
DENSITY_ROUGHNESS, SLOPE_WALK, SLOPE_SPREAD = 2.0, 0.2, 0.5
# Fraction of wrong pairs, such as mismatches, in the model; it bounds the pull of any one star.
CONTAMINATION = 1e-3
# A fit has converged if the next step raises the log-likelihood by less: 1/70 standard deviation.
TOLERANCE = 1e-4
MAX_ITERATIONS = 200
LARGEST_STEP = 3.0  # limit for one parameter, so that no exponential overflows
BLOCK = 2048  # stars per block, so that their likelihoods fit into the processor's cache


@dataclass(frozen=True, eq=False)
class AgeScale:
    """Increasing quadratic spline g from true to catalogue ages, with g(0) = 0.

    Its slope is linear between the knots, with logarithms ``log_slopes`` there, and constant
    beyond the last one.
    """

    knots: np.ndarray
    log_slopes: np.ndarray

    def gradient(self, age):
        """Return the derivatives of g with respect to ``log_slopes``; their sum is g."""
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


class AgeLikelihood:
    """Likelihood of pairs of ages; parameters: log density, then log slopes of g if any."""

    def __init__(self, pairs, max_age=None, n_knots=0):
        check_errors(pairs, "this fit")
        for name in ("age_error", "reference_age_error"):
            if (unknown := np.isnan(getattr(pairs, name))).any():
                raise RcasymError(f"{name} must be known for every star; got NaN at index "
                                  f"{np.argmax(unknown)}")
        self.max_age = np.inf if max_age is None else max_age
        inside = (pairs.age <= self.max_age) & (pairs.reference_age <= self.max_age)
        if (n_inside := np.count_nonzero(inside)) < MIN_STARS:
            raise RcasymError(f"age and reference_age must hold at least {MIN_STARS} pairs, both "
                              f"ages up to max_age; got {n_inside} of {len(pairs)}")
        self.pairs = pairs = pairs[inside]
        pairs.check_distinct()
        self.weights = np.ones(n_inside) if pairs.weights is None else pairs.weights
        self.age_error = np.maximum(pairs.age_error, MIN_ERROR)
        self.reference_error = np.maximum(pairs.reference_age_error, MIN_ERROR)
        oldest = 1.15 * np.quantile(pairs.reference_age, 0.999)
        youngest = min(max(0.5 * np.quantile(pairs.reference_age, 0.001), YOUNGEST), oldest / 10)
        errors = np.column_stack([self.reference_error, self.age_error])
        # Stars with equal errors share one selection probability.
        self.errors, kind = np.unique(errors, axis=0, return_inverse=True)
        self.kind = kind.ravel()  # numpy 2.0 returns a column
        step = STEP * np.min(1 / np.hypot(*(1 / self.errors.T)))
        n_grid = int(np.ceil(np.log(oldest / youngest) / step)) + 1
        self.grid = np.geomspace(youngest, oldest, n_grid)
        width = 1 / (N_DENSITY - 3)
        knots = width * np.arange(-3, N_DENSITY + 1)
        self.basis = BSpline(knots, np.eye(N_DENSITY), 3)(np.linspace(0, 1, n_grid))
        self.knots = np.linspace(0, oldest, n_knots)
        self.penalty = self._penalty(n_knots)

    def _penalty(self, n_knots):
        """Return the inverse covariance of the prior of all parameters."""
        penalty = np.zeros((N_DENSITY + n_knots,) * 2)
        bends = np.diff(np.eye(N_DENSITY), 2, axis=0) / DENSITY_ROUGHNESS
        # The tiny second term fixes the constant of the log density, which has no effect.
        penalty[:N_DENSITY, :N_DENSITY] = bends.T @ bends + 1e-4 * np.eye(N_DENSITY)
        if n_knots:
            walk = np.diff(np.eye(n_knots), axis=0) / (SLOPE_WALK * np.sqrt(self.knots[1]))
            penalty[N_DENSITY:, N_DENSITY:] = walk.T @ walk + np.eye(n_knots) / SLOPE_SPREAD**2
        return penalty

    def start(self):
        """Return parameters of a log-normal density as wide as the reference ages, and no bias."""
        seen = np.log(np.maximum(self.pairs.reference_age, self.grid[0]))
        centres = np.linspace(*np.log(self.grid[[0, -1]]), N_DENSITY)
        log_density = -0.5 * ((centres - seen.mean()) / seen.std())**2
        return np.concatenate([log_density - log_density.mean(), np.zeros(len(self.knots))])

    def unpack(self, parameters):
        """Return the probability of each grid point, and g and its derivatives there."""
        log_density = self.basis @ parameters[:N_DENSITY]
        density = np.exp(log_density - log_density.max())
        density /= density.sum()
        if not len(self.knots):
            return density, self.grid, np.zeros((len(self.grid), 0))
        gradient = AgeScale(self.knots, parameters[N_DENSITY:]).gradient(self.grid)
        return density, gradient.sum(1), gradient

    def compute_density(self, parameters):
        """Return the grid and the normalised density there [1/Gyr]."""
        density = self.unpack(parameters)[0] / self.grid
        return self.grid, density / trapezoid_areas(self.grid, density).sum()

    def compute_selection(self, density, g, gradient):
        """Return the fraction of stars within ``max_age`` per pair of errors, and its scores."""
        part = np.ones(len(self.errors))
        scores = np.empty((len(self.errors), N_DENSITY + len(self.knots)))
        for rows in _blocks(len(self.errors)):
            error_r, error_a = self.errors[rows].T[:, :, None]
            below_r = (self.max_age / self.grid - 1) / error_r
            below_a = (self.max_age / g - 1) / error_a
            chance = density * ndtr(below_r)
            tail = chance * np.exp(-0.5 * below_a**2) / np.sqrt(2 * np.pi)
            chance *= ndtr(below_a)
            part[rows] = chance.sum(1)
            scores[rows, :N_DENSITY] = chance @ self.basis
            # d below_a / d g = -max_age / (g^2 error), here as -(below_a + 1 / error) / g.
            if np.isfinite(self.max_age):
                tail *= below_a + 1 / error_a
            scores[rows, N_DENSITY:] = -tail @ (gradient / g[:, None])
        return part, scores / part[:, None]

    def evaluate(self, parameters):
        """Return the log-likelihood of each star and its derivatives."""
        density, g, gradient = self.unpack(parameters)
        part, part_scores = self.compute_selection(density, g, gradient)
        pairs = self.pairs
        prior = density / (self.grid * g)
        gradient = prior[:, None] * gradient / g[:, None]
        basis = prior[:, None] * self.basis
        # Wrong pairs have both ages uniform up to the largest.
        uniform = CONTAMINATION / (pairs.age.max() * pairs.reference_age.max())
        log_likelihood = np.empty(len(pairs.age))
        scores = np.empty((len(pairs.age), len(parameters)))
        for rows in _blocks(len(pairs.age)):
            inverse_a = 1 / self.age_error[rows, None]
            inverse_r = 1 / self.reference_error[rows, None]
            z_a = (pairs.age[rows, None] * inverse_a) / g - inverse_a
            chance = (pairs.reference_age[rows, None] * inverse_r) / self.grid - inverse_r
            chance *= chance
            chance += z_a**2
            chance *= -0.5
            np.exp(chance, out=chance)
            norm = (2 * np.pi * self.age_error[rows] * self.reference_error[rows]
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
        """Return the best parameters, their covariance and a summary of the fit as a dict.

        Fisher scoring with step halving; the information is the cross products of the scores.
        """
        weights = self.weights

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
            # The cross products may underestimate the information, and full steps then oscillate
            # around the maximum. The slope at the new point tells how much too long a step is.
            before, after = score @ step, new[2] @ step
            length = np.clip(length * before / max(before - after, before / 2), 0.2, 1)
            parameters = parameters + step
            log_likelihood, value, score, information = new
        return parameters, np.linalg.inv(information), {
            "log_likelihood": float(log_likelihood), "n_iterations": n_iterations,
            "converged": bool(converged), "n_stars": len(weights)}


def trapezoid_areas(x, y):
    """Return the area of each trapezoid under a curve."""
    # scipy.integrate takes longer to load than the whole fit.
    return np.diff(x) * (y[1:] + y[:-1]) / 2


def describe_convergence(fit):
    """Return a phrase for the repr of a fit."""
    outcome = "converged" if fit.converged else "NOT converged"
    return f"{outcome} after {fit.n_iterations} iterations"


def _blocks(n):
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
