# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Validation of parameters, data and constraints."""

import numpy as np
import pytest

from rcasym.splines import QuantileSpline

from .helpers import same, sample

X10 = np.arange(10.0)


@pytest.mark.parametrize(
    ("x", "y", "kwargs", "message"),
    [
        (X10, X10[:9], {}, "x, y and weights must have the same length; got 10, 9 and 10"),
        (X10, X10, {"weights": [1.0]}, "must have the same length; got 10, 10 and 1"),
        ([1.0, np.nan, 2.0], X10[:3], {}, "x must be finite; got nan at index 1"),
        (X10[:3], [1.0, 2.0, np.inf], {}, "y must be finite; got inf at index 2"),
        (X10, X10, {"weights": [np.nan] * 10}, "weights must be finite; got nan at index 0"),
        (X10, X10, {"weights": [1.0] * 9 + [0.0]}, "weights must be positive; got 0.0 at index 9"),
        (X10, X10, {"weights": [-2.0] + [1.0] * 9}, "weights must be positive; got -2.0"),
        (np.ma.masked_less(X10, 2.0), X10, {}, "x must not have masked values; got 2"),
        ([["a"]], X10, {}, "x must be a sequence of numbers; got .*a"),
        (X10.reshape(2, 5), X10, {}, r"x must be one-dimensional; got shape \(2, 5\)"),
        ([], [], {}, "x must have at least 3 distinct values .* got 0"),
        (np.ones(10), X10, {}, "x must have at least 3 distinct values .* got 1"),
        ([0.0, 1.0, 1.0], X10[:3], {}, "at least 3 distinct values for a curve of degree 2; got 2"),
        (np.ones(10), X10, {"degree": 1}, "at least 2 distinct values .* got 1"),
        (X10, X10, {"tau": 0.0}, "tau must be larger than 0 and smaller than 1; got 0.0"),
        (X10, X10, {"tau": 1}, "tau must be larger than 0 and smaller than 1; got 1"),
        (X10, X10, {"tau": np.nan}, "tau must be larger than 0 .* got nan"),
        (X10, X10, {"tau": "0.5"}, "tau must be larger than 0 .* got '0.5'"),
        (X10, X10, {"degree": 3}, "degree must be one of 1, 2; got 3"),
        (X10, X10, {"criterion": "bic"}, "criterion must be one of 'aic', 'sic'; got 'bic'"),
        (X10, X10, {"smoothing": -1.0}, "smoothing must be .* at least 0, or 'sic'; got -1.0"),
        (X10, X10, {"smoothing": "aic"}, "smoothing must be .* got 'aic'"),
        (X10, X10, {"smoothing": np.inf}, "smoothing must be .* got inf"),
        (X10, X10, {"n_knots": 1}, "n_knots must be a whole number of 2 or more; got 1"),
        (X10, X10, {"n_knots": 2.5}, "n_knots must be a whole number of 2 or more; got 2.5"),
        (X10, X10, {"knots": [0.0]}, "knots must hold two or more increasing numbers; got .0"),
        (X10, X10, {"knots": [0.0, 5.0, 5.0, 9.0]}, "knots must hold two or more increasing"),
        (X10, X10, {"knots": [0.0, np.nan, 9.0]}, "knots must be finite; got nan"),
        (X10, X10, {"knots": [1.0, 5.0, 9.0]}, "from 0.0 to 9.0; got 1.0 to 9.0"),
        (X10, X10, {"knots": [0.0, 5.0, 8.0]}, "knots must cover the data"),
        (X10, X10, {"knots": [0.0, 4.1, 4.9, 9.0]}, "got none between 4.1 and 4.9"),
        (X10, X10, {"knots": [-3.0, -2.0, 9.0]}, "got none between -3.0 and -2.0"),
        (X10, X10, {"knots": [0.0, 9.0, 12.0]}, "got none between 9.0 and 12.0"),
        (X10[:4], X10[:4], {"knots": X10[:4]}, "coefficients than the data determine, 4; got 4"),
        (X10, X10, {"constraints": "monotone"}, "constraints must be one of .*; got 'monotone'"),
        (X10, X10, {"constraints": 3}, "constraints must be a sequence; got 3"),
        (X10, X10, {"constraints": [("<", 1.0, 2.0)]}, "must be .kind, x, value.*got .'<', 1.0"),
        (X10, X10, {"constraints": [("=", 1.0)]}, "constraints at a point must be"),
        (X10, X10, {"constraints": [("=", 1.0, np.nan)]}, "constraints at a point must be"),
        (X10, X10, {"constraints": ("=", 20.0, 1.0)}, "constraints at a point must be between"),
    ],
)
def test_bad_input(x, y, kwargs, message):
    with pytest.raises(ValueError, match=message):
        QuantileSpline.fit(x, y, **kwargs)


@pytest.mark.parametrize(
    ("taus", "message"),
    [
        ((0.5, 0.5), "taus must hold one or more increasing numbers; got"),
        ((0.9, 0.1), "taus must hold one or more increasing numbers; got"),
        ((), "taus must hold one or more increasing numbers; got"),
        ((0.0, 0.5), "taus must be larger than 0 and smaller than 1; got 0.0"),
        (0.5, "taus must be a sequence of numbers; got 0.5"),
    ],
)
def test_bad_taus(taus, message):
    with pytest.raises(ValueError, match=message):
        QuantileSpline.fit_many(X10, X10, taus=taus)


@pytest.mark.parametrize("kwargs", [{}, {"smoothing": 1.0}, {"smoothing": "sic"}, {"degree": 1},
                                    {"knots": [0.0, 4.0, 9.0]}, {"add_knots": True}])
@pytest.mark.parametrize(
    "constraints",
    [
        ["increasing", ("=", 1.0, 5.0), ("=", 2.0, 3.0)],
        [("=", 1.0, 5.0), ("=", 1.0, 5.1)],
        [(">=", 3.0, 1.0), ("<=", 3.0, 0.0)],
        ["decreasing", ("slope", 3.0, 1.0)],
        ["convex", "concave", ("=", 0.0, 0.0), ("=", 5.0, 1.0), ("=", 9.0, 0.0)],
        ["periodic", "increasing", ("=", 0.0, 0.0), (">=", 5.0, 1.0)],
    ],
)
def test_contradiction(constraints, kwargs):
    with pytest.raises(ValueError, match="constraints must not contradict each other"):
        QuantileSpline.fit(X10, np.sin(X10), constraints=constraints, **kwargs)
    with pytest.raises(ValueError, match="constraints must not contradict each other"):
        QuantileSpline.fit_many(X10, np.sin(X10), constraints=constraints, **kwargs)


def test_constraints_that_nearly_agree_still_contradict():
    x = np.linspace(0, 10, 60)
    constraints = [("=", 3.0, 100.0), ("<=", 3.0, 100 * (1 - 1e-7))]
    with pytest.raises(ValueError, match="constraints must not contradict each other"):
        QuantileSpline.fit(x, 100 * (x + np.sin(7 * x)), constraints=constraints)


@pytest.mark.parametrize("constraint", ["decreasing", ("=", 3.0, 1.0)])
def test_one_constraint_needs_no_list(constraint):
    x, y = sample(50, 20)
    one, listed = (QuantileSpline.fit(x, y, constraints=c) for c in (constraint, [constraint]))
    assert same(one, listed)


def test_constraints_that_leave_only_a_line_do_not_contradict():
    curve = QuantileSpline.fit(X10, np.sin(X10), constraints=["increasing", "decreasing"])
    assert np.ptp(curve(X10)) < 1e-9
    curve = QuantileSpline.fit(X10, np.sin(X10), constraints=["convex", "concave"], n_knots=4)
    assert np.ptp(curve.derivative(X10)) < 1e-9
