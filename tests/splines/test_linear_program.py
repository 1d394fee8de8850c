# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The optimum, against another solver and whatever the knots, points and units are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcasym.splines import QuantileSpline
from rcasym.splines.knots import initial_mesh
from rcasym.splines.linear_program import QuantileProgram

from .cobs import SHAPES
from .helpers import same, sample, smallest_loss, violation


@pytest.mark.parametrize("degree", [1, 2])
def test_weights_count(degree):
    x, y = sample(150, 3)
    w = np.random.default_rng(4).uniform(0.01, 10.0, 150)
    curve = QuantileSpline.fit(x, y, tau=0.3, degree=degree, weights=w)
    expected = smallest_loss(x, y, w, [0.3], degree, curve.knots)
    assert curve.objective == pytest.approx(expected, rel=1e-10)
    residuals = y - curve(x)
    assert curve.loss == pytest.approx(np.sum(w * residuals * (0.3 - (residuals < 0))), rel=1e-12)
    unweighted = QuantileSpline.fit(x, y, tau=0.3, knots=curve.knots, degree=degree)
    assert not np.allclose(curve(x), unweighted(x))


def test_weight_two_is_the_point_twice():
    x, y = sample(101, 5)
    twice = QuantileSpline.fit(np.r_[x, x[:30]], np.r_[y, y[:30]], knots=[x.min(), 6.0, x.max()])
    weighted = QuantileSpline.fit(
        x, y, weights=1.0 + (np.arange(101) < 30), knots=[x.min(), 6.0, x.max()]
    )
    assert weighted.objective == pytest.approx(twice.objective, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
@pytest.mark.parametrize("degree", [1, 2])
def test_units_do_not_matter(degree, smoothing):
    x, y = sample(300, 6)
    knots = initial_mesh(x, 5, degree)
    one = QuantileSpline.fit(x, y, degree=degree, knots=knots, smoothing=smoothing)
    # With x in units of a and y in units of b, the roughness has units of b / a**degree.
    a, b = 1e-3, 1e4
    other = QuantileSpline.fit(
        a * x, b * y + 7.0, degree=degree, knots=a * knots, smoothing=smoothing * a**degree
    )
    assert other.objective == pytest.approx(b * one.objective, rel=1e-9)
    grid = np.linspace(knots[0], knots[-1], 33)
    grid = grid[1:-1]
    assert other(a * grid) == pytest.approx(b * one(grid) + 7.0, abs=1e-4)


def test_together_is_the_optimum_of_the_sum():
    x, y = sample(60, 7)
    taus = (0.2, 0.5, 0.6)
    curves = QuantileSpline.fit_many(x, y, taus=taus, knots=initial_mesh(x, 6, 2))
    w = np.ones(60)
    free = smallest_loss(x, y, w, taus, 2, curves[0].knots, ordered=False)
    ordered = smallest_loss(x, y, w, taus, 2, curves[0].knots)
    assert ordered > free * (1 + 1e-6)  # the curves would cross
    assert sum(c.objective for c in curves) == pytest.approx(ordered, rel=1e-10)
    assert [c.tau for c in curves] == list(taus)
    assert all(np.array_equal(c.knots, curves[0].knots) for c in curves)


def test_points_summed_beforehand_change_nothing():
    x, y = sample(2500, 8)
    y[::50] += np.random.default_rng(9).standard_cauchy(50) * 100
    curves = QuantileSpline.fit_many(x, y, taus=(0.1, 0.9), knots=initial_mesh(x, 6, 2))
    w = np.ones(2500)
    for curve in curves:
        expected = smallest_loss(x, y, w, [curve.tau], 2, curve.knots)
        assert curve.objective == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("offset", [0.3, 3.0, 1e3])
def test_a_bad_start_changes_nothing(offset):
    x, y = np.sort(sample(4000, 22), axis=1)
    y = np.random.default_rng(23).permutation(y)
    program = QuantileProgram.from_data(x, y, np.ones(4000), (0.2, 0.7), 2, ())
    knots = initial_mesh(x, 4, 2)
    good = program.solve(knots)
    bad = program.solve(knots, near=program.y - good.residuals + offset * np.sin(x))
    assert bad.loss == pytest.approx(good.loss, rel=1e-12)
    assert good.dual == pytest.approx(good.loss.sum(), rel=1e-12)


def test_far_outliers_do_not_spoil_the_accuracy():
    x, y = sample(200, 10)
    knots = initial_mesh(x, 5, 2)
    y[0] = 50.0
    near = QuantileSpline.fit(x, y, knots=knots)
    y[0] = 1e12
    far = QuantileSpline.fit(x, y, knots=knots)
    assert far.coefficients == pytest.approx(near.coefficients, abs=1e-10)

values = st.one_of(
    st.integers(-5, 5).map(float),
    st.floats(-10, 10, allow_subnormal=False),
    st.sampled_from([1e3, -1e6, 1e9]),
)


@settings(deadline=None, max_examples=80)
@given(
    points=st.lists(st.tuples(st.integers(0, 30).map(lambda i: i / 4), values), min_size=3,
                    max_size=40),
    degree=st.sampled_from([1, 2]),
    constraints=st.sampled_from([(), "increasing", "convex", ("decreasing", "concave")]),
    smoothing=st.sampled_from([0.0, 0.0, 1.0]),
    taus=st.sampled_from([(0.1, 0.5, 0.9), (0.5, 0.51), (0.01, 0.02, 0.98)]),
)
def test_curves_never_cross(points, degree, constraints, smoothing, taus):
    x, y = np.array(points).T
    if np.unique(x).size <= degree:
        with pytest.raises(ValueError, match="distinct"):
            QuantileSpline.fit_many(x, y, degree=degree)
        return
    curves = QuantileSpline.fit_many(
        x, y, taus=taus, degree=degree, constraints=constraints, smoothing=smoothing
    )
    grid = np.linspace(x.min(), x.max(), 301)
    fitted = np.array([curve(grid) for curve in curves])
    assert np.isfinite(fitted).all()
    assert (np.diff(fitted, axis=0) >= 0).all()
    assert curves[0].duality_gap <= 1e-8
    scale = max(1.0, np.abs(y).max())
    constraints = (constraints,) if isinstance(constraints, str) else constraints
    assert all(violation(c, constraints, x) <= 1e-9 * scale for c in curves)


@pytest.mark.parametrize("smoothing", [0.0, 1.0, "sic"])
@pytest.mark.parametrize(("n", "decimals"), [(60, 0), (61, None), (3000, 1)])
def test_order_of_points_does_not_matter(n, decimals, smoothing):
    # The median of an even number of rounded points: the optimum is not unique.
    x, y = sample(n, 11, decimals)
    w = np.random.default_rng(12).integers(1, 3, n).astype(float)
    first = QuantileSpline.fit(x, y, weights=w, smoothing=smoothing)
    order = np.random.default_rng(13).permutation(n)
    assert same(first, QuantileSpline.fit(x, y, weights=w, smoothing=smoothing))
    assert same(
        first, QuantileSpline.fit(x[order], y[order], weights=w[order], smoothing=smoothing)
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_random_problems_are_solved(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([6, 20, 60, 300, 4000]))
    x, y = sample(n, seed, rng.choice([None, 0, 1]))
    if rng.random() < 0.3:
        y[rng.random(n) < 0.1] *= 10.0 ** rng.integers(1, 7)
    constraints = [s for s in SHAPES.values() if rng.random() < 0.15]
    if rng.random() < 0.3:
        constraints.append((">=", float(np.median(x)), float(np.median(y))))
    curves = QuantileSpline.fit_many(
        x, y, degree=int(rng.integers(1, 3)), weights=10.0 ** rng.uniform(-1, 1, n),
        smoothing=float(rng.choice([0.0, 0.1, 10.0])), constraints=constraints)
    grid = np.linspace(x.min(), x.max(), 999)
    assert curves[0].duality_gap <= 1e-8
    assert (np.diff([curve(grid) for curve in curves], axis=0) >= 0).all()
    scale = max(1.0, np.abs(curves[0].coefficients).max(), np.abs(curves[2].coefficients).max())
    assert all(violation(curve, constraints, x) <= 1e-9 * scale for curve in curves)
