# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Distribution of true ages, from which the null test draws pairs without a bias."""

from dataclasses import dataclass

import numpy as np

from ..utils.arrays import frozen
from ..utils.validation import check_rng
from .likelihood import AgeLikelihood, describe_convergence, trapezoid_areas
from .pairs import AgePairs, check_max_age

__all__ = ["TrueAges", "fit_true_ages"]


@dataclass(frozen=True, eq=False)
class TrueAges:
    """Distribution of the true ages of stars in two surveys without a bias.

    Made by `fit`, with the model of `AgeBias` and b = 0. It simulates pairs of ages that differ by
    their errors alone.

    Parameters
    ----------
    grid, density : ndarray
        True ages [Gyr] and their probability density [1/Gyr] before any cut at a largest age.
    errors : ndarray of shape (m, 2)
        Distinct pairs of fractional errors of age and reference age.
    shares : ndarray of shape (m,)
        Fraction of the stars with each of them, before the cut.
    max_age : float
        Largest age in both samples [Gyr].
    log_likelihood, n_iterations, converged, n_stars : float, int, bool, int
        Summary of the fit, as in `AgeBias`.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.ages import TrueAges
    >>> rng = np.random.default_rng(1)
    >>> true = rng.gamma(3, 1.6, 2000)
    >>> age, reference = true * (1 + 0.15 * rng.standard_normal((2, 2000)))
    >>> ages = TrueAges.fit(age, reference, age_error=0.15, reference_age_error=0.15)
    >>> age, reference, _, _ = ages.sample_pairs(2000, rng=2)
    >>> old = age > 10
    >>> print(f"{np.mean((age - reference)[old]):.1f} Gyr")  # though there is no bias
    1.1 Gyr
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

    def __post_init__(self):
        for name in ("grid", "density", "errors", "shares"):
            object.__setattr__(self, name, frozen(getattr(self, name), float))

    @classmethod
    def fit(cls, age, reference_age, *, age_error, reference_age_error, max_age=14.0,
            weights=None):
        """Fit the distribution to stars with ages in both surveys.

        Parameters
        ----------
        age, reference_age, age_error, reference_age_error, max_age, weights : array_like or float
            As in `AgeBias.fit`.

        Returns
        -------
        TrueAges
            The fit, not to be trusted unless ``converged`` is True.

        Raises
        ------
        RcasymError
            As `AgeBias.fit`.

        Examples
        --------
        Stars of 5 Gyr with errors of 20 %. The fit removes most of the scatter from the errors:

        >>> import numpy as np
        >>> from rcasym.ages import TrueAges
        >>> rng = np.random.default_rng(3)
        >>> age, reference = 5 * (1 + 0.2 * rng.standard_normal((2, 500)))
        >>> print(np.quantile(age, [0.16, 0.84]).round(1))
        [4.1 6. ]
        >>> TrueAges.fit(age, reference, age_error=0.2, reference_age_error=0.2)
        <TrueAges: median 5.0 Gyr, 68 % between 4.7 and 5.5 Gyr; 500 stars, converged ...>
        """
        pairs = AgePairs.from_ages(age, reference_age, weights, age_error, reference_age_error)
        return fit_true_ages(pairs, check_max_age(max_age))

    def sample_pairs(self, n, rng=None):
        """Draw pairs of ages without a bias, both between 0 and ``max_age``.

        Parameters
        ----------
        n : int
            Number of pairs.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        age, reference_age : ndarray of shape (n,)
            Ages [Gyr].
        age_error, reference_age_error : ndarray of shape (n,)
            Fractional errors of these pairs.

        Examples
        --------
        Stars of about 5 Gyr in surveys with errors of 10 and 20 %:

        >>> from rcasym.ages import TrueAges
        >>> ages = TrueAges([4.9, 5.1], [5, 5], [[0.1, 0.2]], [1], 14.0, 0.0, 1, True, 100)
        >>> age, reference, _, _ = ages.sample_pairs(5000, rng=1)
        >>> print(f"{age.std():.1f} {reference.std():.1f}")
        0.5 1.0
        """
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
