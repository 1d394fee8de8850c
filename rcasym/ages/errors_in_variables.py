# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The bias between the ages of two surveys, with the errors of both taken into account.

Where both ages of a star have errors, their difference follows either age even without any bias:
among the stars that look oldest, most are younger than they look. Here the true ages are unknowns
with a distribution of their own, which is estimated together with the bias, so that this
regression dilution is in the model instead of in the correction.

Pure arrays of floats, ages in Gyr.
"""

from dataclasses import dataclass

import numpy as np

from ..exceptions import RcasymError
from ..utils.validation import check_rng
from .likelihood import AgeLikelihood, AgePairs, AgeScale

__all__ = ["AgeBias", "TrueAges"]

# Parts of the catalogue's ages below and above which the correction is kept at its last value.
SUPPORT = 0.005, 0.995


def _frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False


@dataclass(frozen=True, eq=False)
class AgeBias:
    r"""The bias of a catalogue's ages against a reference, estimated with the errors of both.

    Made by `fit`.

    Parameters
    ----------
    knots, log_slopes : ndarray
        True ages [Gyr] and the logarithm of g' there.
    covariance : ndarray
        Of ``log_slopes``.
    grid, density : ndarray
        True ages [Gyr] and their probability density [1/Gyr] before any cut at a largest age.
    support : tuple of float
        The catalogue's ages [Gyr] between which the correction follows the fit; it keeps its last
        value below and above.
    log_likelihood : float
        Without the penalty.
    n_iterations : int
        Steps of the fit.
    converged : bool
        Whether the fit ended at a maximum.
    n_stars : int
        Pairs that took part.

    Notes
    -----
    A star of true age t has the reference age :math:`r = t\,(1 + s_r e_r)` and the catalogue age
    :math:`a = g(t)\,(1 + s_a e_a)`, where :math:`g(t) = t + b(t)`, the :math:`s` are known
    fractions and the :math:`e` standard normal. Pairs are seen if both ages are at most M, so that

    .. math:: L = \prod_i \frac{\int f(t)\,N(r_i|t)\,N(a_i|g(t))\,dt}
                  {\int f(t)\,\Phi\!\left(\frac{M/t - 1}{s_r}\right)
                  \Phi\!\left(\frac{M/g(t) - 1}{s_a}\right)dt}.

    The density f of true ages is any smooth one: its logarithm is a cubic spline of log t with
    penalized second differences (Eilers and Marx, Statistical Science 11, 89, 1996). The bias b is
    a quadratic spline with b(0) = 0, and g increases because the spline of its slope has the
    coefficients :math:`e^{\eta_j}`; a random walk is the prior of the :math:`\eta_j`. Both sets of
    coefficients are estimated together, by the maximum of the penalized likelihood. The covariance
    is the inverse of the information, the prior's included. One pair in 1,000 may be anything.
    The reference is taken as free of bias: what is found is the bias between the two. The errors
    must be independent of each other and of their true size: where two surveys err alike, or where
    the quoted errors are too large by half, too much is taken for regression dilution.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.ages.errors_in_variables import AgeBias
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

    def __post_init__(self):
        _frozen(self.knots, self.log_slopes, self.covariance, self.grid, self.density)

    @classmethod
    def fit(cls, age, reference_age, *, age_error, reference_age_error, max_age=14.0, n_knots=12,
            weights=None):
        """Estimate the bias from stars that have both ages.

        Parameters
        ----------
        age, reference_age : array_like of shape (n,)
            The catalogue's and the reference's age of each star [Gyr], zero or above.
        age_error, reference_age_error : float or array_like of shape (n,)
            Standard errors as fractions of the age without error. Below 0.01 they are raised to it.
        max_age : float or None, optional
            Largest age in both samples [Gyr]; pairs with an older one are left out. By default 14.
            None if no cut has been made.
        n_knots : int, optional
            Knots of the bias, evenly from 0 to the oldest. By default 12. The prior does not
            depend on them, so that more of them change little.
        weights : array_like of shape (n,), optional
            A star of weight 2 counts as two stars.

        Returns
        -------
        AgeBias
            ``converged`` is False if it is not to be trusted.

        Raises
        ------
        RcasymError
            If ages are negative or not finite, if errors or weights are not positive and finite,
            if lengths differ, if fewer than 50 stars are left.

        Examples
        --------
        Ages that are 20 % too high, with errors of 10 %:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(f"{fit.bias(5.0):.1f} ± {fit.bias_error(5.0):.1f} Gyr", fit.converged)
        1.0 ± 0.1 Gyr True
        """
        if not isinstance(n_knots, (int, np.integer)) or n_knots < 2:
            raise RcasymError(f"n_knots must be an integer of at least 2, got {n_knots!r}")
        pairs = AgePairs.checked(age, reference_age, age_error, reference_age_error, max_age,
                                 weights)
        model = AgeLikelihood(pairs, n_knots)
        parameters, covariance, fitted = model.maximise()
        return cls(model.knots, parameters[-n_knots:].copy(),
                   covariance[-n_knots:, -n_knots:].copy(), *model.true_ages(parameters),
                   tuple(np.quantile(pairs.age, SUPPORT).tolist()), **fitted)

    @property
    def _scale(self):
        return AgeScale(self.knots, self.log_slopes)

    def bias(self, true_age):
        """The catalogue's age minus the true one, b(t), of stars of a true age t.

        Parameters
        ----------
        true_age : float or array_like
            True ages [Gyr].

        Returns
        -------
        float or ndarray
            The bias [Gyr].

        Examples
        --------
        Ages that are 20 % too high:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.bias([2, 5]).round(1))
        [0.4 1. ]
        """
        true_age = np.asarray(true_age, float)
        return self._scale(true_age) - true_age

    def bias_error(self, true_age):
        """Standard error of `bias`.

        Parameters
        ----------
        true_age : float or array_like
            True ages [Gyr].

        Returns
        -------
        float or ndarray
            The error [Gyr], from the covariance of the fit.

        Examples
        --------
        It is 0 at age 0, where the bias is 0 by definition:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.bias_error([0, 2, 5]).round(2))
        [0.   0.03 0.06]
        """
        gradient = self._scale.gradient(np.asarray(true_age, float))
        return np.sqrt(np.einsum("...i,ij,...j", gradient, self.covariance, gradient))

    def difference(self, age):
        """What to take from a catalogue's age: age minus the true age that g maps to it [Gyr].

        Parameters
        ----------
        age : float or array_like
            The catalogue's ages [Gyr]; NaN gives NaN.

        Returns
        -------
        float or ndarray
            Beyond ``support`` the value at its end.

        Examples
        --------
        Of 6 Gyr on a scale that is 20 % too long, 1 Gyr is to be taken:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.difference([3, 6]).round(1))
        [0.5 1. ]
        """
        age = np.clip(np.asarray(age, float), *self.support)
        return age - self._scale.inverse(age)

    def difference_error(self, age):
        """Standard error of `difference`: that of the bias over the slope of g.

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
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print((fit.bias_error(5.0) / fit.difference_error(6.0)).round(1))  # the slope of g
        1.2
        """
        true_age = self._scale.inverse(np.clip(np.asarray(age, float), *self.support))
        return self.bias_error(true_age) / self._scale.slope(true_age)

    def calibrate(self, age):
        """The catalogue's ages on the scale of the reference [Gyr], in the same order, at least 0.

        Parameters
        ----------
        age : float or array_like
            The catalogue's ages [Gyr].

        Returns
        -------
        float or ndarray
            What the reference would give [Gyr], but for its errors.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import AgeBias
        >>> rng = np.random.default_rng(1)
        >>> true = rng.uniform(1, 10, 1000)
        >>> age, reference = true * [[1.2], [1.0]] * (1 + 0.1 * rng.standard_normal((2, 1000)))
        >>> fit = AgeBias.fit(age, reference, age_error=0.1, reference_age_error=0.1)
        >>> print(fit.calibrate([0, 3, 6]).round(1))
        [0.  2.5 5. ]
        """
        return np.maximum(np.asarray(age, float) - self.difference(age), 0)

    def __repr__(self):
        ages = np.quantile(self.support, [0.25, 0.5, 0.75]).round(1)
        found = ", ".join(f"{value:+.2f} ± {error:.2f} at {age:g}" for value, error, age in zip(
            self.difference(ages), self.difference_error(ages), ages, strict=True))
        return (f"<AgeBias: {found} Gyr; {self.n_stars} stars, support {self.support[0]:.1f} to "
                f"{self.support[1]:.1f} Gyr, {_ending(self)}>")


@dataclass(frozen=True, eq=False)
class TrueAges:
    """The distribution of true ages of stars that two surveys have, if neither has a bias.

    Made by `fit`, with the model of `AgeBias` and b = 0. It serves to simulate pairs of ages in
    which only the errors make a difference.

    Parameters
    ----------
    grid, density : ndarray
        True ages [Gyr] and their probability density [1/Gyr] before any cut at a largest age.
    errors : ndarray of shape (m, 2)
        The fractional errors of age and reference age that occur.
    shares : ndarray of shape (m,)
        The part of the stars with them, before the cut.
    max_age : float
        Largest age in both samples [Gyr].
    log_likelihood : float
        As in `AgeBias`, and so are the next.
    n_iterations : int
        Steps of the fit.
    converged : bool
        Whether the fit ended at a maximum.
    n_stars : int
        Pairs that took part.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.ages.errors_in_variables import TrueAges
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
        _frozen(self.grid, self.density, self.errors, self.shares)

    @classmethod
    def fit(cls, age, reference_age, *, age_error, reference_age_error, max_age=14.0,
            weights=None):
        """Estimate the distribution from stars that have both ages.

        Parameters
        ----------
        age, reference_age : array_like of shape (n,)
            The catalogue's and the reference's age of each star [Gyr], as in `AgeBias.fit`.
        age_error, reference_age_error : float or array_like of shape (n,)
            Standard errors as fractions of the age without error.
        max_age : float or None, optional
            Largest age in both samples [Gyr]; by default 14. None if no cut has been made.
        weights : array_like of shape (n,), optional
            A star of weight 2 counts as two stars.

        Returns
        -------
        TrueAges
            ``converged`` is False if it is not to be trusted.

        Raises
        ------
        RcasymError
            As `AgeBias.fit`.

        Examples
        --------
        Stars of 5 Gyr with errors of 20 %; most of the scatter that these make is taken out:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import TrueAges
        >>> rng = np.random.default_rng(3)
        >>> age, reference = 5 * (1 + 0.2 * rng.standard_normal((2, 500)))
        >>> print(np.quantile(age, [0.16, 0.84]).round(1))
        [4.1 6. ]
        >>> TrueAges.fit(age, reference, age_error=0.2, reference_age_error=0.2)
        <TrueAges: median 5.0 Gyr, 68 % between 4.7 and 5.5 Gyr; 500 stars, converged ...>
        """
        pairs = AgePairs.checked(age, reference_age, age_error, reference_age_error, max_age,
                                 weights)
        model = AgeLikelihood(pairs)
        parameters, _, fitted = model.maximise()
        part, _ = model.selected(*model.unpack(parameters))
        # Of the kinds of stars that the cut hits more, more have been there before it.
        shares = np.bincount(model.kind, pairs.weights) / part
        return cls(*model.true_ages(parameters), model.errors[:, ::-1].copy(),
                   shares / shares.sum(), pairs.max_age, **fitted)

    def sample_pairs(self, n, rng=None):
        """Draw pairs of ages of stars without bias, both between 0 and ``max_age``.

        Parameters
        ----------
        n : int
            How many.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        age, reference_age : ndarray of shape (n,)
            In Gyr.
        age_error, reference_age_error : ndarray of shape (n,)
            The fractional errors that these pairs were drawn with.

        Examples
        --------
        Stars that are all about 5 Gyr old, seen by surveys with errors of 10 and 20 %:

        >>> import numpy as np
        >>> from rcasym.ages.errors_in_variables import TrueAges
        >>> ages = TrueAges(np.array([4.9, 5.1]), np.array([5.0, 5.0]), np.array([[0.1, 0.2]]),
        ...                 np.ones(1), 14.0, 0.0, 1, True, 100)
        >>> age, reference, _, _ = ages.sample_pairs(5000, rng=1)
        >>> print(f"{age.std():.1f} {reference.std():.1f}")
        0.5 1.0
        """
        rng = check_rng(rng)
        steps = np.diff(self.grid) * (self.density[1:] + self.density[:-1]) / 2
        cumulative = np.append(0, np.cumsum(steps)) / steps.sum()
        kept = np.empty((4, 0))
        while kept.shape[1] < n:
            true = np.interp(rng.random(n), cumulative, self.grid)
            error = self.errors[rng.choice(len(self.shares), n, p=self.shares)].T
            ages = true * (1 + error * rng.standard_normal((2, n)))
            seen = np.all((ages >= 0) & (ages <= self.max_age), axis=0)
            kept = np.concatenate([kept, np.concatenate([ages, error])[:, seen]], axis=1)
        return tuple(kept[:, :n])

    def __repr__(self):
        steps = np.diff(self.grid) * (self.density[1:] + self.density[:-1]) / 2
        low, middle, high = np.interp([0.16, 0.5, 0.84], np.cumsum(steps), self.grid[1:])
        return (f"<TrueAges: median {middle:.1f} Gyr, 68 % between {low:.1f} and {high:.1f} Gyr; "
                f"{self.n_stars} stars, {_ending(self)}>")


def _ending(fit):
    how = "converged" if fit.converged else "NOT converged"
    return f"{how} after {fit.n_iterations} iterations"
