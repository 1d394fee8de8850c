# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Distribution of true ages, from which the null test draws pairs without a bias."""

from dataclasses import dataclass

import numpy as np

from ..utils.arrays import ReadOnlyArrays
from ..utils.validation import check_rng
from .likelihood import AgeLikelihood, describe_convergence, trapezoid_areas
from .pairs import AgePairs, check_max_age

__all__ = ["TrueAges", "fit_true_ages"]


@dataclass(frozen=True, eq=False)
class TrueAges(ReadOnlyArrays):
    """Distribution of the true ages of stars in two surveys without a bias.

    The model is that of `AgeBias` with b = 0. ``density`` [1/Gyr] on a ``grid`` of ages [Gyr] is
    that before any cut at ``max_age``; ``errors`` are the distinct pairs of fractional errors, and
    ``shares`` the fractions of the stars with each of them.
    """

    grid: np.ndarray
    density: np.ndarray
    errors: np.ndarray
    shares: np.ndarray
    max_age: float
    log_likelihood: float
    n_iterations: int
    converged: bool
    n_stars: int

    @classmethod
    def fit(cls, age, reference_age, *, age_error, reference_age_error, max_age=14.0,
            weights=None):
        """Fit the distribution to ages in two surveys; parameters as in `AgeBias.fit`."""
        pairs = AgePairs.from_ages(age, reference_age, weights, age_error, reference_age_error)
        return fit_true_ages(pairs, check_max_age(max_age))

    def sample_pairs(self, n, rng=None):
        """Return ages without a bias, between 0 and ``max_age``, and their fractional errors."""
        rng = check_rng(rng)
        areas = trapezoid_areas(self.grid, self.density)
        cumulative = np.append(0, np.cumsum(areas)) / areas.sum()
        kept = np.empty((4, 0))
        while kept.shape[1] < n:
            true = np.interp(rng.random(n), cumulative, self.grid)
            error = self.errors[rng.choice(len(self.shares), n, p=self.shares)].T
            ages = true * (1 + error * rng.standard_normal((2, n)))
            seen = np.all((ages >= 0) & (ages <= self.max_age), axis=0)
            kept = np.concatenate([kept, np.concatenate([ages, error])[:, seen]], axis=1)
        return tuple(kept[:, :n])

    def __repr__(self):
        cumulative = np.cumsum(trapezoid_areas(self.grid, self.density))
        low, middle, high = np.interp([0.16, 0.5, 0.84], cumulative, self.grid[1:])
        return (f"<TrueAges: median {middle:.1f} Gyr, 68 % between {low:.1f} and {high:.1f} Gyr; "
                f"{self.n_stars} stars, {describe_convergence(self)}>")


def fit_true_ages(pairs, max_age):
    """Fit the distribution to pairs of ages that have been checked."""
    model = AgeLikelihood(pairs, max_age)
    parameters, _, summary = model.maximise()
    selected, _ = model.compute_selection(*model.unpack(parameters))
    # The cut removes more of the stars with large errors, so they were more frequent before it.
    shares = np.bincount(model.kind, model.weights) / selected
    return TrueAges(*model.compute_density(parameters), model.errors[:, ::-1],
                    shares / shares.sum(), model.max_age, **summary)
