# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Constrained B-spline quantile regression."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.sparse.csgraph import structural_rank

from ..exceptions import RcasymError
from .knots import data_between, initial_mesh, select_knots, select_smoothing, smoothing_grid
from .linear_program import QuantileProgram, clamped

__all__ = ["QuantileSpline", "check_constraints"]

SHAPES = ("increasing", "decreasing", "convex", "concave", "periodic")
POINTWISE = ("=", ">=", "<=", "slope")
CRITERIA = ("aic", "sic")

# The selected end knots are moved out by this part of the range of x.
END_SHIFT = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class QuantileSpline:
    r"""
    A quantile of ``y`` as a spline function of ``x``, with constraints on its shape.

    The curve is :math:`s(x) = \sum_k c_k B_k(x)` with clamped B-splines of degree 1 or 2, and
    minimises

    .. math::

        \sum_i w_i \rho_\tau(y_i - s(x_i)) + \frac{\lambda}{2} P(s), \qquad
        \rho_\tau(r) = r\,(\tau - [r < 0]),

    under the constraints. The roughness :math:`P` is the sum of the absolute jumps of the slope
    :math:`s'` for degree 1, and the maximum of :math:`|s''|` for degree 2. It is the method of
    COBS: He & Ng (1999, Comput. Stat. 14, 315), Ng & Maechler (2007, Stat. Modelling 7, 315).

    Curves are made by `fit`, or by `fit_many` where several of them must not cross.

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
        How far the objective may be above the smallest possible, relative to itself (or to 0.05 of
        the sum of :math:`w |y|` where that is larger). It is computed from the curve itself, so it
        proves that the curve is optimal whatever the solver did. Curves fitted together share it.
    n_parameters : int
        The number of coefficients; of a smoothed curve, the number of residuals that are zero and
        of constraints that are active, at least ``degree + 1``.

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

    def __post_init__(self):
        for name in ("knots", "coefficients"):
            array = np.array(getattr(self, name), dtype=float)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __repr__(self):
        knots = ", ".join(f"{knot:.4g}" for knot in self.knots)
        return (
            f"{type(self).__name__}(tau={self.tau:g}, degree={self.degree}, knots=[{knots}], "
            f"smoothing={self.smoothing:.4g}, loss={self.loss:.6g})"
        )

    @classmethod
    def fit(
        cls,
        x,
        y,
        *,
        tau=0.5,
        degree=2,
        weights=None,
        knots=None,
        n_knots=None,
        criterion="aic",
        smoothing=0.0,
        add_knots=False,
        constraints=(),
    ):
        r"""
        Fit one quantile.

        Parameters
        ----------
        x, y : array_like, shape (n,)
            The data, plain finite numbers. Their order does not matter.
        tau : float, optional
            The quantile, in (0, 1); the median by default.
        degree : {1, 2}, optional
            Piecewise linear, or piecewise quadratic with a continuous slope.
        weights : array_like, shape (n,), optional
            The weight of each point, positive. All 1 by default.
        knots : array_like, optional
            Knots to be used as they are. They must cover the data, and hold some between each
            two of them. By default they are chosen from the data.
        n_knots : int, optional
            The largest number of knots to choose. 6 by default, or 20 with smoothing, where none
            of them is left out.
        criterion : {"aic", "sic"}, optional
            What chooses the knots: the smallest :math:`\log(L / n) + f K / n`, with the loss
            :math:`L`, :math:`K` coefficients, and :math:`f = 2` for the Akaike (``"aic"``) or
            :math:`\log n` for the Schwarz criterion (``"sic"``, also known as BIC).
        smoothing : float or "sic", optional
            The :math:`\lambda` of the roughness. 0, the default, is a regression spline with few
            chosen knots. ``"sic"`` takes that of 25 values between 1e-4 and 1e3 times the
            standard deviation of ``x`` to the power ``degree`` that has the smallest
            :math:`\log(L / n) + k \log(n) / 2 n`, :math:`k` being ``n_parameters``.
        add_knots : bool, optional
            Whether knots may also be put midway between those chosen from the data.
        constraints : str, tuple or sequence of these, optional
            ``"increasing"``, ``"decreasing"``, ``"convex"``, ``"concave"``: everywhere between
            the end knots, in the weak sense. ``"periodic"``: the same value and slope at the
            smallest and the largest ``x``. ``("=", u, v)``, ``(">=", u, v)``, ``("<=", u, v)``:
            the value at ``u`` is, is at least, is at most ``v``. ``("slope", u, v)``: the slope
            at ``u`` is ``v``.

        Returns
        -------
        spline : `QuantileSpline`
            The curve. Knots that were chosen end 1e-6 of the range of ``x`` beyond the data, as
            those of COBS do.

        Raises
        ------
        RcasymError
            If an argument cannot be used, if the data have fewer distinct ``x`` than the curve
            has coefficients, or if the constraints contradict each other.
        RuntimeError
            If the solver did not reach the optimum.

        Notes
        -----
        Where more than one curve is optimal (an even number of equal weights and the median, for
        instance), it is the vertex of the set of optimal coefficients at which the dual simplex
        of HiGHS ends on the points in the order of ``x``, then ``y``, then the weights. The
        same points give the same curve to the last bit, in whatever order they come.

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
        (tau,) = _check_taus((tau,), "tau")
        (curve,) = cls._fit(
            x, y, (tau,), degree, weights, knots, n_knots, criterion, smoothing, add_knots,
            constraints,
        )  # fmt: skip
        return curve

    @classmethod
    def fit_many(
        cls,
        x,
        y,
        *,
        taus=(0.1, 0.5, 0.9),
        degree=2,
        weights=None,
        knots=None,
        n_knots=None,
        criterion="aic",
        smoothing=0.0,
        add_knots=False,
        constraints=(),
    ):
        r"""
        Fit several quantiles together, so that they never cross.

        The curves have their knots in common and the coefficients of each are at most those of
        the next, which orders the curves everywhere between the end knots. The sum of their
        objectives is minimised in one linear program.

        Parameters
        ----------
        x, y : array_like, shape (n,)
            The data, as in `fit`.
        taus : sequence of float, optional
            The quantiles, increasing, in (0, 1).
        degree, weights, knots, n_knots, criterion, smoothing, add_knots, constraints : optional
            As in `fit`; the constraints are those of each curve. The knots, and the smoothing,
            are chosen by the sum of the criteria of the curves: being a sum of logarithms of the
            losses, it gives each curve the same say, although the losses differ with ``tau``.
            Knots that are chosen end at the data, not beyond: there, curves that have a value
            in common at the last datum would have to have the slope in common.

        Returns
        -------
        splines : tuple of `QuantileSpline`
            One curve for each of ``taus``. They do not cross, not even by rounding; where they
            are extrapolated they may.

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
        return cls._fit(
            x, y, _check_taus(taus, "taus"), degree, weights, knots, n_knots, criterion, smoothing,
            add_knots, constraints,
        )  # fmt: skip

    @classmethod
    def _fit(
        cls, x, y, taus, degree, weights, knots, n_knots, criterion, smoothing, add_knots,
        constraints,
    ):  # fmt: skip
        if degree not in (1, 2):
            raise RcasymError(f"degree must be 1 or 2, got {degree!r}.")
        degree = int(degree)
        if criterion not in CRITERIA:
            raise RcasymError(f"criterion must be one of {CRITERIA}, got {criterion!r}.")
        smoothing = _check_smoothing(smoothing)
        x, y, w = _check_data(x, y, weights, degree)
        constraints = check_constraints(constraints)
        # One order of the points for one result, whatever the order they came in.
        order = np.lexsort((w, y, x))
        x, y, w = x[order], y[order], w[order]
        program = QuantileProgram.scaled(x, y, w, taus, degree, constraints)

        if knots is not None:
            knots = _check_knots(knots, x, degree)
        else:
            if n_knots is None:
                n_knots = 20 if smoothing else 6
            if not isinstance(n_knots, Integral) or n_knots < 2:
                raise RcasymError(f"n_knots must be an integer of at least 2, got {n_knots!r}.")
            knots = initial_mesh(x, n_knots, degree)
            _check_points(constraints, knots)
            if not smoothing:
                knots = select_knots(program.criterion(criterion), knots, x, add_knots)
            if len(taus) == 1:
                knots = knots + np.ptp(x) * END_SHIFT * np.r_[-1, np.zeros(knots.size - 2), 1]
        _check_points(constraints, knots)
        if smoothing == "sic":
            values = smoothing_grid(x, degree)
            criteria, numbers = program.smoothing_criterion(knots, values)
            smoothing = values[select_smoothing(criteria, numbers, x.size, degree + 1)]
        solution = program.solve(knots, smoothing)
        return tuple(cls(**curve) for curve in program.curves(solution))

    def __call__(self, x, *, extrapolate=False):
        """
        The value of the curve.

        Parameters
        ----------
        x : array_like
            Where to evaluate it.
        extrapolate : bool, optional
            Whether to continue the first and the last polynomial beyond the end knots, where no
            data have had a say. By default the value there is NaN.

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
        """
        A derivative of the curve, from the right where it jumps at a knot.

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
            If ``order`` is no integer of at least 1.

        Examples
        --------
        >>> from rcasym.splines import QuantileSpline
        >>> parabola = QuantileSpline.fit([0, 1, 2, 3, 4], [0, 1, 4, 9, 16], knots=[0, 4])
        >>> print(parabola.derivative([1, 3]).round(6), parabola.derivative(1, order=2).round(6))
        [2. 6.] 2.0
        """
        if not isinstance(order, Integral) or order < 1:
            raise RcasymError(f"order must be an integer of at least 1, got {order!r}.")
        return self._evaluate(x, order, extrapolate)

    def _evaluate(self, x, order, extrapolate):
        spline = BSpline(clamped(self.knots, self.degree), self.coefficients, self.degree)
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


def _check_vector(name, values):
    if np.ma.is_masked(values):
        raise RcasymError(f"{name} must not have masked values, got {np.ma.count_masked(values)}.")
    try:
        values = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise RcasymError(f"{name} must be a sequence of numbers: {error}") from None
    if values.ndim != 1:
        raise RcasymError(f"{name} must be one-dimensional, got the shape {values.shape}.")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise RcasymError(
            f"{name} must be finite, got {values[bad[0]]} at index {bad[0]} "
            f"({bad.size} such in all)."
        )
    return values


def _check_data(x, y, weights, degree):
    x, y = _check_vector("x", x), _check_vector("y", y)
    w = np.ones(x.size) if weights is None else _check_vector("weights", weights)
    if not x.size == y.size == w.size:
        raise RcasymError(
            f"x, y and weights must have the same length, got {x.size}, {y.size} and {w.size}."
        )
    if np.any(w <= 0):
        raise RcasymError(
            f"weights must be positive, got {w.min()} at index {w.argmin()}; leave points that "
            "are not to count out."
        )
    distinct = np.unique(x).size
    if distinct <= degree:
        raise RcasymError(
            f"x must have at least {degree + 1} distinct values for a curve of degree {degree}, "
            f"got {distinct}."
        )
    return x, y, w


def _check_taus(taus, name):
    if not np.iterable(taus) or isinstance(taus, str):
        raise RcasymError(f"{name} must be a sequence of numbers, got {taus!r}.")
    taus = tuple(taus)
    for tau in taus:
        if not isinstance(tau, Real) or not 0 < tau < 1:
            raise RcasymError(f"{name} must be larger than 0 and smaller than 1, got {tau!r}.")
    if not taus or np.any(np.diff(taus) <= 0):
        raise RcasymError(f"{name} must be increasing, and at least one, got {taus}.")
    return taus


def _check_smoothing(smoothing):
    if isinstance(smoothing, str) and smoothing == "sic":
        return smoothing
    if not isinstance(smoothing, Real) or not 0 <= smoothing < np.inf:
        raise RcasymError(
            f'smoothing must be a finite number of at least 0, or "sic", got {smoothing!r}.'
        )
    return float(smoothing)


def _check_knots(knots, x, degree):
    knots = _check_vector("knots", knots)
    if knots.size < 2 or np.any(np.diff(knots) <= 0):
        raise RcasymError(f"knots must be increasing, and at least two, got {knots}.")
    if knots[0] > x.min() or knots[-1] < x.max():
        raise RcasymError(
            f"knots must cover the data, which are between {x.min()} and {x.max()}, "
            f"got {knots[0]} to {knots[-1]}."
        )
    empty = np.flatnonzero(data_between(knots, x) == 0)
    if empty.size:
        raise RcasymError(
            "knots must have data between each two of them, got none between "
            f"{knots[empty[0]]} and {knots[empty[0] + 1]}."
        )
    # Each coefficient needs a datum of its own where its B-spline is not zero.
    design = BSpline.design_matrix(np.unique(x), clamped(knots, degree), degree)
    design.eliminate_zeros()
    rank = structural_rank(sparse.csr_matrix(design))
    if rank < design.shape[1]:
        raise RcasymError(
            f"knots must not give more coefficients than the data determine, {rank}, "
            f"got {knots.size} knots and {design.shape[1]} coefficients."
        )
    return knots


def check_constraints(constraints):
    """
    Check constraints, and bring them into one form.

    Parameters
    ----------
    constraints : str, tuple or sequence of these
        As `QuantileSpline.fit` takes them.

    Returns
    -------
    tuple
        Words, and tuples of a kind, an x and a value, both plain floats.

    Raises
    ------
    RcasymError
        If one is of no known kind, or its numbers are not finite.

    Examples
    --------
    >>> from rcasym.splines import check_constraints
    >>> check_constraints("increasing"), check_constraints(["convex", ("=", 2, 0)])
    (('increasing',), ('convex', ('=', 2.0, 0.0)))
    """
    one = isinstance(constraints, str) or (
        isinstance(constraints, tuple) and constraints and constraints[0] in POINTWISE
    )
    try:
        constraints = (constraints,) if one else tuple(constraints)
    except TypeError:
        raise RcasymError(f"constraints must be a sequence, got {constraints!r}.") from None
    for constraint in constraints:
        if isinstance(constraint, str):
            if constraint not in SHAPES:
                raise RcasymError(f"constraints must be of {SHAPES}, got {constraint!r}.")
            continue
        if (
            not isinstance(constraint, tuple | list)
            or len(constraint) != 3
            or constraint[0] not in POINTWISE
            or not all(isinstance(v, Real) and np.isfinite(v) for v in constraint[1:])
        ):
            raise RcasymError(
                "constraints at a point must be (kind, x, value) with finite numbers and a kind "
                f"of {POINTWISE}, got {constraint!r}."
            )
    return tuple(c if isinstance(c, str) else (c[0], float(c[1]), float(c[2]))
                 for c in constraints)


def _check_points(constraints, knots):
    for constraint in constraints:
        if not isinstance(constraint, str) and not knots[0] <= constraint[1] <= knots[-1]:
            raise RcasymError(
                f"constraints at a point must lie between {knots[0]} and {knots[-1]}, "
                f"the end knots, got {constraint!r}."
            )
