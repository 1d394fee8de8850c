# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bias between the ages of two surveys from a fit with the errors of both.

If both ages of a star have errors, their difference depends on either age even without a bias:
most of the stars that look oldest are younger than they look. This fit estimates the distribution
of true ages together with the bias, so that this regression dilution is part of the model.
"""

from dataclasses import dataclass

import numpy as np

from ..utils.arrays import ReadOnlyArrays
from ..utils.validation import check_whole
from .likelihood import AgeLikelihood, AgeScale, describe_convergence
from .pairs import AgePairs, check_max_age

__all__ = ["AgeBias", "fit_age_bias"]

N_KNOTS = 12


@dataclass(frozen=True, eq=False)
class AgeBias(ReadOnlyArrays):
    r"""Bias of a catalogue's ages relative to a reference, from a fit with the errors of both.

    Made by `fit`.

    Parameters
    ----------
    knots, log_slopes : ndarray
        True ages [Gyr] and the logarithm of g' there.
    covariance : ndarray
        Covariance of ``log_slopes``.
    grid, density : ndarray
        True ages [Gyr] and their probability density [1/Gyr] before any cut at a largest age.
    support : tuple of float
        Range of the catalogue's ages [Gyr] in which the correction follows the fit; outside, it
        keeps its value at the nearer end.
    log_likelihood, n_iterations, converged, n_stars : float, int, bool, int
        Summary of the fit: log-likelihood without the penalty, iterations, whether it reached a
        maximum, and number of pairs.

    Notes
    -----
    A star of true age t has the reference age :math:`r = t\,(1 + s_r e_r)` and the catalogue age
    :math:`a = g(t)\,(1 + s_a e_a)`, where :math:`g(t) = t + b(t)`, the :math:`s` are known
    fractions and the :math:`e` standard normal. Pairs are seen if both ages are at most M, so that

    .. math:: L = \prod_i \frac{\int f(t)\,N(r_i|t)\,N(a_i|g(t))\,dt}
                  {\int f(t)\,\Phi\!\left(\frac{M/t - 1}{s_r}\right)
                  \Phi\!\left(\frac{M/g(t) - 1}{s_a}\right)dt}.

    The density f of true ages is smooth: its logarithm is a cubic spline of log t with penalized
    second differences (Eilers and Marx, Statistical Science 11, 89, 1996). The bias b is a
    quadratic spline with b(0) = 0. The spline of the slope of g has the coefficients
    :math:`e^{\eta_j}`, so that g increases, and the :math:`\eta_j` have a random walk as prior.
    All coefficients together maximize the penalized likelihood. The covariance is the inverse of
    the information, including that of the prior. The model allows for 1 wrong pair in 1,000.

    The reference is assumed to be unbiased, so b is the bias between the two surveys. The errors
    must be independent of each other and of the right size: if the two surveys share errors, or
    quote errors that are too large by half, the fit overestimates the regression dilution.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.ages import AgeBias
    >>> rng = np.random.default_rng(1)
    >>> true = rng.gamma(3, 1.6, 5000)
    >>> reference = true * (1 + 0.24 * rng.standard_normal(5000))
    >>> age = 1.15 * true * (1 + 0.17 * rng.standard_normal(5000))
    >>> seen = (np.minimum(age, reference) > 0) & (np.maximum(age, reference) < 14)
    >>> fit = AgeBias.fit(age[seen], reference[seen], age_error=0.17, reference_age_error=0.24)
    >>> print(f"{fit.difference(9.2):.1f} ± {fit.difference_error(9.2):.1f} Gyr")  # true: 1.2 Gyr
    1.2 ± 0.1 Gyr
    """

    knots: np.ndarray
    log_slopes: np.ndarray
    covariance: np.ndarray
    grid: np.ndarray
    density: np.ndarray
    support: tuple
    log_likelihood: float
    n_iterations: int
    converged: bool
    n_stars: int

    @classmethod
    def fit(cls, age, reference_age, *, age_error, reference_age_error, max_age=14.0,
            n_knots=N_KNOTS, weights=None):
        """Fit the bias to stars with ages in both surveys.

        Parameters
        ----------
        age, reference_age : array_like of shape (n,)
            The catalogue's and the reference's age of each star [Gyr], not negative.
        age_error, reference_age_error : float or array_like of shape (n,)
            Standard errors as fractions of the age. Those below 0.01 are raised to it.
        max_age : float or None, optional
            Largest age in both samples [Gyr], by default 14; pairs with an older one are left out.
            None if there was no cut.
        n_knots : int, optional
            Number of knots of the bias, evenly spaced from 0 to the oldest age; by default 12. The
            prior does not depend on it, so that more knots change little.
        weights : array_like of shape (n,), optional
            A star of weight 2 counts as two stars.

        Returns
        -------
        AgeBias
            The fit, not to be trusted unless ``converged`` is True.

        Raises
        ------
        RcasymError
            If ages are negative or not finite, errors are unknown, errors or weights are not
            positive and finite, lengths differ, or fewer than 50 stars are left.

        Examples
        --------
        Ages that are 20 % too high:

        >>> import numpy as np
        >>> from rcasym.ages import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> age, reference = rng.uniform(1, 10, 500) * (1 + 0.1 * rng.standard_normal((2, 500)))
        >>> AgeBias.fit(1.2 * age, reference, age_error=0.1, reference_age_error=0.1)
        <AgeBias: ...; 499 stars, support 1.2 to 13.6 Gyr, converged after ... iterations>
        """
        check_whole("n_knots", n_knots, least=2)
        pairs = AgePairs.from_ages(age, reference_age, weights, age_error, reference_age_error)
        return fit_age_bias(pairs, check_max_age(max_age), n_knots)

    @property
    def _scale(self):
        return AgeScale(self.knots, self.log_slopes)

    def difference(self, age):
        """Return the correction: age minus the true age that g maps to it.

        Parameters
        ----------
        age : float or array_like
            The catalogue's ages [Gyr].

        Returns
        -------
        float or ndarray
            The difference [Gyr], constant outside ``support``; NaN for an unknown age.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.ages import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> age, reference = rng.uniform(1, 10, 500) * (1 + 0.1 * rng.standard_normal((2, 500)))
        >>> fit = AgeBias.fit(1.2 * age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.difference([3, 6]).round(1))  # true: 0.5 and 1 Gyr
        [0.5 0.9]
        """
        age = np.clip(np.asarray(age, float), *self.support)
        return age - self._scale.inverse(age)

    def difference_error(self, age):
        """Return the standard error of `difference`, from the covariance of the fit.

        Parameters
        ----------
        age : float or array_like
            The catalogue's ages [Gyr].

        Returns
        -------
        float or ndarray
            The error [Gyr].

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.ages import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> age, reference = rng.uniform(1, 10, 500) * (1 + 0.1 * rng.standard_normal((2, 500)))
        >>> fit = AgeBias.fit(1.2 * age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.difference_error([3, 6]).round(2))
        [0.03 0.07]
        """
        true_age = self._scale.inverse(np.clip(np.asarray(age, float), *self.support))
        gradient = self._scale.gradient(true_age)
        bias_error = np.sqrt(np.einsum("...i,ij,...j", gradient, self.covariance, gradient))
        return bias_error / self._scale.slope(true_age)

    def __repr__(self):
        ages = np.quantile(self.support, [0.25, 0.5, 0.75]).round(1)
        values = ", ".join(f"{value:+.2f} ± {error:.2f} at {age:g}" for value, error, age in zip(
            self.difference(ages), self.difference_error(ages), ages, strict=True))
        return (f"<AgeBias: {values} Gyr; {self.n_stars} stars, support {self.support[0]:.1f} to "
                f"{self.support[1]:.1f} Gyr, {describe_convergence(self)}>")


def fit_age_bias(pairs, max_age, n_knots=N_KNOTS):
    """Fit the bias to pairs of ages that have been checked."""
    model = AgeLikelihood(pairs, max_age, n_knots)
    parameters, covariance, summary = model.maximise()
    return AgeBias(model.knots, parameters[-n_knots:], covariance[-n_knots:, -n_knots:],
                   *model.compute_density(parameters), model.pairs.support(), **summary)
