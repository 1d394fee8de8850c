# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Errors and significance of medians and means, of their differences and of their ratios.

Pure arrays of floats. Stars come in groups, as a `~rcasym.voxels.VoxelState` holds them; every
array that comes out has one value a group.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from .order_statistics import median_error, median_interval, normal_quantile

__all__ = ["Estimates", "estimate", "with_interval", "difference", "combine", "ratio", "linear",
           "welch_dof", "DISTINGUISHABLE", "ROUNDING"]

# The bootstrap variance of a median of n stars is too large by about this over sqrt(n), in units
# of itself. Found by experiment, on normal, t4, gamma and uniform samples of 5 to 200.
EXCESS = 0.4
# A sum of North and South nearer to zero than this many of its errors makes no ratio.
DISTINGUISHABLE = 2.0
# [M/H] that differ by less than this [dex] are equal, but for rounding.
ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates with their errors, one a group, NaN where they cannot be had.

    Parameters
    ----------
    value, error : ndarray
        The estimate, NaN in an empty group, and its standard error, NaN below two stars.
    low, high : ndarray
        The ends of its confidence interval.
    variance, dof : ndarray
        The variance that intervals of differences and ratios are made of, and its degrees of
        freedom, infinite where a normal interval holds.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics.estimates import estimate
    >>> from rcasym.voxels import VoxelState
    >>> stars = VoxelState.from_stars(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.5]), 2)
    >>> means = estimate(stars, "mean")
    >>> print(means.value, means.error.round(3), means[:1].dof)
    [0.15 0.5 ] [0.035   nan] [1.]
    """

    value: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    variance: np.ndarray
    dof: np.ndarray

    def __getitem__(self, rows):
        return Estimates(*(values[rows] for values in vars(self).values()))

    def where(self, good):
        """The estimates of the groups that are ``good``, NaN in the others.

        Parameters
        ----------
        good : ndarray of bool
            One a group.

        Returns
        -------
        Estimates
            Of as many groups.

        Examples
        --------
        >>> from rcasym.statistics.estimates import with_interval
        >>> print(with_interval(0.1, 0.02, 0.0004, 30).where([True, False]).value)
        [0.1 nan]
        """
        return Estimates(*(np.where(good, values, np.nan) for values in vars(self).values()))


def _quantile(confidence, dof):
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(dof), normal_quantile(confidence),
                        stdtrit(np.where(np.isinf(dof), 1, dof), 0.5 + 0.5 * confidence))


def estimate(state, statistic="median", confidence=0.683):
    """Median or mean of each group, with its error and its confidence interval.

    Parameters
    ----------
    state : `~rcasym.voxels.VoxelState`
        The groups.
    statistic : {"median", "mean"}, optional
        By default the median.
    confidence : float, optional
        Of the interval; by default 0.683.

    Returns
    -------
    Estimates
        One value a group.

    Notes
    -----
    *Median.* The error is the standard deviation of the median over all bootstrap samples, in
    closed form from the binomial probabilities of the order statistics (Maritz & Jarrett 1978,
    JASA 73, 194, for odd n). The interval lies between interpolated order statistics
    (Hettmansperger & Sheather 1986, Stat. Prob. Lett. 4, 75); beyond the outermost stars it is
    stretched as that of a normal sample would be. No shape is assumed, and both ends differ.

    *Mean.* The bootstrap error is the standard deviation with n over sqrt(n); the interval is
    Student's.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics.estimates import estimate
    >>> from rcasym.voxels import VoxelState
    >>> stars = VoxelState.from_stars(np.zeros(5, int), np.array([0.1, 0.2, 0.3, 0.5, 0.9]), 1)
    >>> median = estimate(stars)
    >>> print(f"{median.value[0]:.2f}, {median.low[0]:.2f} to {median.high[0]:.2f}")
    0.30, 0.19 to 0.52
    """
    n = state.counts
    if statistic == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = state.std**2 / n
            error = np.sqrt(variance * (n - 1) / n)
            dof = np.where(n > 1, n - 1.0, np.nan)
        return with_interval(state.mean, error, variance, dof, confidence)
    error, low, high = np.full((3, len(n)), np.nan)
    offsets = state.offsets.tolist()
    for group in np.flatnonzero(n > 1).tolist():
        x = state.values[offsets[group]:offsets[group + 1]]
        error[group] = median_error(x)
        low[group], high[group] = median_interval(x, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = error**2 / (1 + EXCESS / np.sqrt(n))
    return Estimates(state.median, error, low, high, variance, np.where(n > 1, np.inf, np.nan))


def with_interval(value, error, variance, dof, confidence=0.683):
    """Give estimates Student's intervals, or normal ones where ``dof`` is infinite.

    Parameters
    ----------
    value, error, variance, dof : ndarray
        As in `Estimates`. The interval is made of ``variance`` and ``dof``.
    confidence : float, optional
        Of the interval; by default 0.683.

    Returns
    -------
    Estimates
        What was given, and the interval.

    Examples
    --------
    >>> from rcasym.statistics.estimates import with_interval
    >>> few, many = (with_interval(0.1, 0.02, 0.0004, dof) for dof in (2, 200))
    >>> print(f"{few.high:.3f} {many.high:.3f}")
    0.126 0.120
    """
    half = _quantile(confidence, dof) * np.sqrt(variance)
    return Estimates(value, error, value - half, value + half, variance, dof)


def difference(north, south, confidence=0.683):
    """North less South of independent estimates.

    Parameters
    ----------
    north, south : Estimates
        Of the same groups.
    confidence : float, optional
        Of the interval; by default 0.683.

    Returns
    -------
    Estimates
        The errors add in quadrature. The interval is symmetric: Student's, with Welch's degrees
        of freedom, of means, and normal of medians.

    Examples
    --------
    >>> from rcasym.statistics.estimates import difference, with_interval
    >>> north, south = (with_interval(m_h, 0.03, 0.0009, 50) for m_h in (-0.2, -0.3))
    >>> print(f"{difference(north, south).value:.3f} ± {difference(north, south).error:.3f}")
    0.100 ± 0.042
    """
    return with_interval(north.value - south.value, np.hypot(north.error, south.error),
                         north.variance + south.variance,
                         welch_dof((north.variance, south.variance), (north.dof, south.dof)),
                         confidence)


def welch_dof(variances, dof):
    """Degrees of freedom of the sum of two variances (Welch 1947, Biometrika 34, 28)."""
    total = variances[0] + variances[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = total**2 / (variances[0]**2 / dof[0] + variances[1]**2 / dof[1])
    # No scatter at all: whatever the degrees of freedom, there is no width.
    return np.where(total == 0, np.inf, welch)


def combine(value, error, weight, group, n_groups):
    """Weighted means of groups of bins, and their errors.

    Parameters
    ----------
    value, error, weight : ndarray
        Of each bin. Bins without a value take no part. Those of too few stars for an error are
        taken to add as much to it as the others do for their weight.
    group : ndarray of int
        The group of each bin.
    n_groups : int
        How many groups there are.

    Returns
    -------
    tuple of ndarray
        Value and error of each group, NaN where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics.estimates import combine
    >>> value, error, weight = np.array([[0.1, 0.2], [0.02, 0.04], [4, 1]])
    >>> print(*combine(value, error, weight, group=np.array([0, 0]), n_groups=1))
    [0.12] [0.01788854]
    """
    weight = np.where(np.isfinite(value), weight, 0.0)
    known = np.isfinite(error) & (weight > 0)

    def total(values):
        return np.bincount(group, values, n_groups)

    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total(np.where(weight > 0, weight * value, 0)) / total(weight)
        variance = total(np.where(known, weight * error, 0)**2) / total(np.where(known, weight, 0))
        return mean, np.sqrt(variance / total(weight))


def ratio(north, south, confidence=0.683, *, modulus=True):
    """(N - S) / abs(N + S), or with ``modulus=False`` (N - S) / (N + S).

    Parameters
    ----------
    north, south : Estimates
        Of the same groups.
    confidence : float, optional
        Of the interval; by default 0.683.
    modulus : bool, optional
        Whether the denominator is positive; by default True.

    Returns
    -------
    Estimates
        The error is that of the first derivatives; the interval is Fieller's (1954, J. R. Stat.
        Soc. B 16, 175).
    distinguishable : ndarray of bool
        Whether N + S differs from zero by more than `DISTINGUISHABLE` standard errors, and by
        enough for the interval to be finite. Where it does not, all estimates are NaN.

    Examples
    --------
    >>> from rcasym.statistics.estimates import ratio, with_interval
    >>> north, south = (with_interval(m_h, 0.03, 0.0009, 50) for m_h in (-0.2, -0.3))
    >>> print(ratio(north, south)[0].value, ratio(north, south, modulus=False)[0].value)
    0.2 -0.2
    """
    N, S, v_n, v_s = north.value, south.value, north.variance, south.variance
    top, total, v = N - S, N + S, v_n + v_s
    dof = welch_dof((v_n, v_s), (north.dof, south.dof))
    q = _quantile(confidence, dof)
    with np.errstate(invalid="ignore", divide="ignore"):
        distinguishable = (total**2 > np.maximum(q, DISTINGUISHABLE)**2 * v) & (total != 0)
        sign = np.sign(total) if modulus else 1.0
        bottom, covariance = sign * total, sign * (v_n - v_s)
        value = top / bottom
        error = 2 * np.hypot(S * north.error, N * south.error) / total**2
        # All a with (top - a bottom)^2 <= q^2 Var(top - a bottom).
        A, B, C = bottom**2 - q**2 * v, top * bottom - q**2 * covariance, top**2 - q**2 * v
        root = np.sqrt(np.maximum(B**2 - A * C, 0))
        low, high = (B - root) / A, (B + root) / A
        variance = 4 * (S**2 * v_n + N**2 * v_s) / total**4
    estimates = Estimates(value, error, low, high, variance, dof)
    return estimates.where(distinguishable), distinguishable


def linear(north_less_south):
    """Eq. 1 on 10^[M/H], which is tanh(ln 10 (N - S) / 2).

    Parameters
    ----------
    north_less_south : Estimates
        As `difference` gives it.

    Returns
    -------
    Estimates
        Always between -1 and 1. The interval is that of the difference, carried over.

    Examples
    --------
    >>> from rcasym.statistics.estimates import linear, with_interval
    >>> A = linear(with_interval(0.1, 0.04, 0.0016, 50))
    >>> print(f"{A.value:.3f}, {(10**-0.2 - 10**-0.3) / (10**-0.2 + 10**-0.3):.3f}")
    0.115, 0.115
    """
    half = 0.5 * np.log(10)
    d = north_less_south
    value = np.tanh(half * d.value)
    slope = half * (1 - value**2)
    return Estimates(value, slope * d.error, np.tanh(half * d.low), np.tanh(half * d.high),
                     slope**2 * d.variance, d.dof)
