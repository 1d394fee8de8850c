# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Constrained B-spline quantile regression."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.interpolate import BSpline

from ..utils.arrays import ReadOnlyArrays
from ..utils.validation import check_whole
from .knots import clamp, initial_mesh, select_knots, select_smoothing, smoothing_grid
from .linear_program import QuantileProgram
from .settings import (
    FitSettings,
    check_data,
    check_knots,
    check_points,
    check_taus,
)

__all__ = ["QuantileSpline"]

# The chosen end knots are moved out by this part of the range of x.
END_SHIFT = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class QuantileSpline(ReadOnlyArrays):
    r"""A quantile of ``y`` as a spline function of ``x``, with constraints on its shape.

    The curve is :math:`s(x) = \sum_k c_k B_k(x)` with clamped B-splines of degree 1 or 2. It
    minimises

    .. math::

        \sum_i w_i \rho_\tau(y_i - s(x_i)) + \frac{\lambda}{2} P(s), \qquad
        \rho_\tau(r) = r\,(\tau - [r < 0]),

    under the constraints. The roughness :math:`P` is the sum of the absolute jumps of the slope
    :math:`s'` for degree 1, and the maximum of :math:`|s''|` for degree 2. This is the COBS method:
    He & Ng (1999, Comput. Stat. 14, 315), Ng & Maechler (2007, Stat. Modelling 7, 315).

    Use `fit` to make a curve, and `fit_many` to make several that do not cross.

    Parameters
    ----------
    knots : array_like, shape (N,)
        The distinct knots, increasing.
    coefficients : array_like, shape (N + degree - 1,)
        The coefficients of the B-splines.
    tau : float
        The quantile, in (0, 1).
    degree : {1, 2}
        The degree of the spline.
    smoothing : float
        The value of :math:`\lambda`.
    loss : float
        :math:`\sum_i w_i \rho_\tau(y_i - s(x_i))`.
    objective : float
        The loss plus ``smoothing / 2`` times the roughness: what was minimised.
    duality_gap : float
        An upper limit on how far the objective lies above the smallest possible one, relative to
        the objective (or to 0.05 times the sum of :math:`w |y|`, where that is larger). It is
        computed from the curve itself, so a small gap proves that the curve is optimal, whatever
        the solver did. Curves fitted together share it.
    n_parameters : int
        The number of coefficients; for a smoothed curve, the number of zero residuals plus the
        number of active constraints, at least ``degree + 1``.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.splines import QuantileSpline
    >>> x = np.arange(9.0)
    >>> y = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 40.0, 6.0, 7.0, 8.0])
    >>> median = QuantileSpline.fit(x, y, degree=1, knots=[0, 4, 8], constraints="increasing")
    >>> median
    QuantileSpline(tau=0.5, degree=1, knots=[0, 4, 8], smoothing=0, loss=17.5)
    >>> bool(np.abs(median([2.5, 5.0]) - [2.5, 5.0]).max() < 1e-9)
    True
    """

    knots: np.ndarray
    coefficients: np.ndarray
    tau: float
    degree: int
    smoothing: float
    loss: float
    objective: float
    duality_gap: float
    n_parameters: int

    def __repr__(self):
        knots = ", ".join(f"{knot:.4g}" for knot in self.knots)
        return (
            f"{type(self).__name__}(tau={self.tau:g}, degree={self.degree}, knots=[{knots}], "
            f"smoothing={self.smoothing:.4g}, loss={self.loss:.6g})"
        )

    @classmethod
    def fit(cls, x, y, *, tau=0.5, degree=2, weights=None, knots=None, n_knots=None,
            criterion="aic", smoothing=0.0, add_knots=False, constraints=()):
        r"""Fit one quantile.

        Parameters
        ----------
        x, y : array_like, shape (n,)
            The data, plain finite numbers. Their order does not matter.
        tau : float, optional
            The quantile, in (0, 1); the median by default.
        degree : {1, 2}, optional
            1 for a piecewise linear curve, 2 for a piecewise quadratic one with a continuous
            slope; 2 by default.
        weights : array_like, shape (n,), optional
            The weight of each point, positive. All 1 by default.
        knots : array_like, optional
            Knots to use as they are. They must cover the data, with at least one datum in each
            interval. By default they are chosen from the data.
        n_knots : int, optional
            The largest number of knots to choose: 6 by default, or 20 with smoothing, where all
            of them are kept.
        criterion : {"aic", "sic"}, optional
            The criterion for choosing knots: the smallest :math:`\log(L / n) + f K / n`, with the
            loss :math:`L`, :math:`K` coefficients, and :math:`f = 2` for Akaike's (``"aic"``) or
            :math:`\log n` for Schwarz's criterion (``"sic"``, also known as BIC).
        smoothing : float or "sic", optional
            The :math:`\lambda` of the roughness. 0, the default, gives a regression spline with
            a few chosen knots. ``"sic"`` tries 25 values between 1e-4 and 1e3 times the standard
            deviation of ``x`` to the power ``degree``, and takes the one with the smallest
            :math:`\log(L / n) + k \log(n) / 2 n`, where :math:`k` is ``n_parameters``.
        add_knots : bool, optional
            Whether knots may also be added midway between those chosen; False by default.
        constraints : str, tuple or sequence of these, optional
            ``"increasing"``, ``"decreasing"``, ``"convex"``, ``"concave"``: everywhere between
            the end knots, not strictly. ``"periodic"``: the same value and slope at the smallest
            and the largest ``x``. ``("=", u, v)``, ``(">=", u, v)``, ``("<=", u, v)``: the value
            at ``u`` equals, is at least, is at most ``v``. ``("slope", u, v)``: the slope at
            ``u`` equals ``v``.

        Returns
        -------
        spline : `QuantileSpline`
            The curve. Chosen knots end beyond the data by 1e-6 of the range of ``x``, as in
            COBS.

        Raises
        ------
        RcasymError
            If an argument is not valid, if there are fewer distinct ``x`` than coefficients, or
            if the constraints contradict each other.
        RuntimeError
            If the solver does not reach the optimum.

        Notes
        -----
        Several curves can be optimal: for instance, those of the median of an even number of
        points with equal weights. The result is then the vertex at which the dual simplex of HiGHS
        ends when the points are sorted by ``x``, ``y`` and weight, so the same points give the
        same curve to the last bit, whatever order they come in.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.splines import QuantileSpline
        >>> rng = np.random.default_rng(1)
        >>> age = rng.uniform(1.0, 13.0, 500)
        >>> excess = 0.02 * age**2 + rng.normal(0.0, 0.3, 500)
        >>> shape = ["increasing", ("=", 2.0, 0.08)]
        >>> curve = QuantileSpline.fit(age, excess, constraints=shape)
        >>> bool(abs(curve(10.0) - 2.0) < 0.2)
        True
        >>> curve.duality_gap < 1e-8
        True
        """
        settings = FitSettings(
            taus=check_taus("tau", (tau,)), degree=degree, knots=knots, n_knots=n_knots,
            criterion=criterion, smoothing=smoothing, add_knots=add_knots, constraints=constraints)
        return cls._fit(x, y, weights, settings)[0]

    @classmethod
    def fit_many(cls, x, y, *, taus=(0.1, 0.5, 0.9), degree=2, weights=None, knots=None,
                 n_knots=None, criterion="aic", smoothing=0.0, add_knots=False, constraints=()):
        r"""Fit several quantiles together, so that they never cross.

        The curves share their knots, and the coefficients of each are at most those of the next,
        which keeps the curves in order everywhere between the end knots. One linear program
        minimises the sum of their objectives.

        Parameters
        ----------
        x, y : array_like, shape (n,)
            The data, as in `fit`.
        taus : sequence of float, optional
            The quantiles, increasing, in (0, 1).
        degree, weights, knots, n_knots, criterion, smoothing, add_knots, constraints : optional
            As in `fit`; the constraints apply to each curve. The sum of the criteria of all
            curves chooses the knots and the smoothing: as a sum of logarithms, it weights the
            curves equally, although their losses differ. Chosen knots end at the data, not
            beyond, where curves that meet at the last datum would need a common slope.

        Returns
        -------
        splines : tuple of `QuantileSpline`
            One curve for each of ``taus``. They do not cross, not even by rounding, unless they
            are extrapolated.

        Raises
        ------
        RcasymError, RuntimeError
            As in `fit`, and if ``taus`` do not increase.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.splines import QuantileSpline
        >>> rng = np.random.default_rng(1)
        >>> x = rng.uniform(0.0, 1.0, 300)
        >>> low, high = QuantileSpline.fit_many(x, rng.normal(size=300), taus=(0.25, 0.75))
        >>> bool(np.all(low(x) <= high(x)))
        True
        """
        settings = FitSettings(
            taus=check_taus("taus", taus), degree=degree, knots=knots, n_knots=n_knots,
            criterion=criterion, smoothing=smoothing, add_knots=add_knots, constraints=constraints)
        return cls._fit(x, y, weights, settings)

    @classmethod
    def _fit(cls, x, y, weights, settings):
        x, y, w = check_data(x, y, weights, settings.degree)
        program = QuantileProgram.from_data(
            x, y, w, settings.taus, settings.degree, settings.constraints)
        knots = _choose_knots(program, settings)
        check_points(settings.constraints, knots)
        smoothing = settings.smoothing
        if smoothing == "sic":
            values = smoothing_grid(x, settings.degree)
            criteria, numbers = program.smoothing_criterion(knots, values)
            smoothing = values[select_smoothing(criteria, numbers, x.size, settings.degree + 1)]
        solution = program.solve(knots, smoothing)
        return tuple(cls(**curve) for curve in program.curves(solution))

    def __call__(self, x, *, extrapolate=False):
        """Return the value of the curve.

        Parameters
        ----------
        x : array_like
            Where to evaluate it.
        extrapolate : bool, optional
            Whether to continue the first and the last polynomial beyond the end knots, where
            there are no data. By default the value there is NaN.

        Returns
        -------
        `numpy.ndarray`
            Of the shape of ``x``.

        Examples
        --------
        >>> from rcasym.splines import QuantileSpline
        >>> line = QuantileSpline.fit([0, 1, 2, 3], [0, 2, 4, 6], degree=1, knots=[0, 3])
        >>> print(line([1.5, 4]), line([1.5, 4], extrapolate=True))
        [ 3. nan] [3. 8.]
        """
        return self._evaluate(x, 0, extrapolate)

    def derivative(self, x, order=1, *, extrapolate=False):
        """Return a derivative of the curve, from the right where it jumps at a knot.

        Parameters
        ----------
        x : array_like
            Where to evaluate it.
        order : int, optional
            1 for the slope, 2 for the second derivative.
        extrapolate : bool, optional
            As when the curve is called: NaN beyond the end knots by default.

        Returns
        -------
        `numpy.ndarray`
            Of the shape of ``x``.

        Raises
        ------
        RcasymError
            If ``order`` is not a whole number of 1 or more.

        Examples
        --------
        >>> from rcasym.splines import QuantileSpline
        >>> parabola = QuantileSpline.fit([0, 1, 2, 3, 4], [0, 1, 4, 9, 16], knots=[0, 4])
        >>> print(parabola.derivative([1, 3]).round(6), parabola.derivative(1, order=2).round(6))
        [2. 6.] 2.0
        """
        check_whole("order", order, least=1)
        return self._evaluate(x, order, extrapolate)

    def _evaluate(self, x, order, extrapolate):
        spline = BSpline(clamp(self.knots, self.degree), self.coefficients, self.degree)
        return spline(np.asarray(x, dtype=float), nu=order, extrapolate=bool(extrapolate))

    def plot(self, *, ax=None, **kwargs):
        """
        Draw the curve between its end knots.

        Parameters
        ----------
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; by default the axes of a new figure.
        **kwargs
            Passed to `~matplotlib.axes.Axes.plot`.

        Returns
        -------
        `~matplotlib.axes.Axes`
            The axes drawn on.

        Examples
        --------
        >>> from rcasym.splines import QuantileSpline
        >>> ax = QuantileSpline.fit([0, 1, 2, 3], [0, 2, 3, 7], knots=[0, 3]).plot(color="C1")
        """
        from ..plotting.ages import plot_spline

        return plot_spline(self, ax=ax, **kwargs)


def _choose_knots(program, settings):
    x = program.x
    if settings.knots is not None:
        return check_knots(settings.knots, x, settings.degree)
    knots = initial_mesh(x, settings.n_knots, settings.degree)
    check_points(settings.constraints, knots)
    if not settings.smoothing:
        criterion = partial(program.criterion, settings.criterion)
        knots = select_knots(criterion, knots, x, settings.add_knots)
    if len(settings.taus) == 1:
        knots = knots + np.ptp(x) * END_SHIFT * np.r_[-1, np.zeros(knots.size - 2), 1]
    return knots
