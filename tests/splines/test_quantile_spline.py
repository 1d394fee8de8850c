# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest

from rcasym.splines import QuantileSpline

from .helpers import sample, violation


def test_constant_data():
    x = np.repeat(np.arange(10.0), 3)
    for curve in QuantileSpline.fit_many(x, np.full(30, 3.3), taus=(0.2, 0.5)):
        assert curve.knots.size == 2
        assert curve(x) == pytest.approx(np.full(30, 3.3), abs=1e-14)
        assert curve.loss <= 1e-13


def test_explicit_knots_are_not_moved_and_chosen_ones_are():
    x, y = sample(80, 14)
    knots = [x.min(), 5.0, x.max()]
    assert np.array_equal(QuantileSpline.fit(x, y, knots=knots).knots, knots)
    chosen = QuantileSpline.fit(x, y).knots
    moved = 1e-6 * np.ptp(x)
    assert chosen[[0, -1]] == pytest.approx([x.min() - moved, x.max() + moved], abs=1e-14)
    together = QuantileSpline.fit_many(x, y)[0].knots
    assert np.array_equal(together[[0, -1]], [x.min(), x.max()])


def test_more_knots_where_the_line_cannot_keep_the_constraints():
    x, y = sample(200, 15)
    points = [("=", 2.0, 0.0), ("=", 5.0, 3.0), ("=", 9.0, 0.0)]
    curve = QuantileSpline.fit(x, y, degree=1, constraints=points)
    assert curve.knots.size > 2
    assert violation(curve, points, x) <= 1e-9


def test_smoothing_goes_from_data_to_a_polynomial():
    x, y = sample(200, 16)
    fits = [QuantileSpline.fit(x, y, degree=1, smoothing=s) for s in (1e-3, 1.0, 1e4)]
    assert fits[0].loss < fits[1].loss < fits[2].loss
    assert fits[0].n_parameters > fits[1].n_parameters > fits[2].n_parameters == 2
    assert np.ptp(fits[2].derivative(x)) < 1e-9
    jumps = np.abs(np.diff(fits[1].derivative((fits[1].knots[1:] + fits[1].knots[:-1]) / 2)))
    assert fits[1].objective == pytest.approx(fits[1].loss + jumps.sum() / 2, rel=1e-10)
    quadratic = QuantileSpline.fit(x, y, smoothing=2.0)
    middles = (quadratic.knots[1:] + quadratic.knots[:-1]) / 2
    largest = np.abs(quadratic.derivative(middles, 2)).max()
    assert quadratic.objective == pytest.approx(quadratic.loss + largest, rel=1e-10)


def test_evaluation():
    x, y = sample(100, 17)
    curve = QuantileSpline.fit(x, y, knots=[x.min(), 6.0, x.max()])
    ends = curve.knots[[0, -1]]
    assert np.isfinite(curve(ends)).all()
    outside = ends + [-1.0, 1.0]
    assert np.isnan(curve(outside)).all()
    assert np.isnan(curve.derivative(outside)).all()
    assert np.isnan(curve(np.nan))
    step = 1e-6
    slope = (curve(ends[1] + step, extrapolate=True) - curve(ends[1] - step)) / (2 * step)
    assert curve.derivative(ends[1]) == pytest.approx(slope, rel=1e-6)
    bend = curve.derivative(ends[1], 2)
    expected = curve(ends[1]) + curve.derivative(ends[1]) + bend / 2
    assert curve(outside[1], extrapolate=True) == pytest.approx(expected, rel=1e-10)
    assert curve(np.full((2, 3), 5.0)).shape == (2, 3)
    with pytest.raises(ValueError, match="order must be a whole number of 1 or more; got 0"):
        curve.derivative(5.0, 0)


def test_immutable():
    knots = np.array([0.0, 1.0, 2.0])
    x, y = np.linspace(0.0, 2.0, 30), np.sin(np.arange(30.0))
    kept = x.copy(), y.copy()
    curve = QuantileSpline.fit(x, y, knots=knots)
    assert np.array_equal(x, kept[0]) and np.array_equal(y, kept[1])
    knots[1] = 1.5
    assert curve.knots[1] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        curve.coefficients[0] = 0.0
    with pytest.raises(AttributeError):
        curve.tau = 0.1
    assert repr(curve).startswith("QuantileSpline(tau=0.5, degree=2, knots=[0, 1, 2], smoothing=0,")


def test_plot():
    x, y = sample(100, 19)
    curve = QuantileSpline.fit(x, y, tau=0.9)
    ax = curve.plot(color="tab:red")
    (line,) = ax.lines
    assert line.get_color() == "tab:red" and line.get_label() == "90 % quantile"
    assert line.get_ydata() == pytest.approx(curve(line.get_xdata()))
    assert set(curve.knots) <= set(line.get_xdata())
    ax.set_xlabel("age [Gyr]")
    assert curve.plot(ax=ax, label="mine") is ax
    assert ax.get_xlabel() == "age [Gyr]" and ax.lines[1].get_label() == "mine"
