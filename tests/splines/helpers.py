# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
from scipy.interpolate import BSpline
from scipy.optimize import linprog


def sample(n, seed=0, decimals=None):
    rng = np.random.default_rng(seed)
    x = rng.gamma(4.0, 1.7, n).clip(0.3, 14.0)
    y = rng.normal(0.0, 0.2 * x) + 1.5 * np.clip((x - 8.0) / 6.0, 0.0, None)
    return (x, y) if decimals is None else (x.round(decimals), y.round(decimals))


def violation(curve, constraints, x):
    """Return the largest violation of the constraints between the end knots."""
    inside = curve.knots[:-1] + np.diff(curve.knots) * np.linspace(0, 1, 20)[1:-1, None]
    u = np.sort(np.concatenate([curve.knots, inside.ravel()]))
    slopes = curve.derivative(u)
    middles = (curve.knots[1:] + curve.knots[:-1]) / 2
    bends = (curve.derivative(middles, 2) if curve.degree == 2
             else np.diff(curve.derivative(middles)))
    worst = {
        "increasing": -slopes,
        "decreasing": slopes,
        "convex": -bends,
        "concave": bends,
        "periodic": np.abs(np.diff([f([x.min(), x.max()]) for f in (curve, curve.derivative)])),
    }
    broken = [0.0]
    for constraint in constraints:
        if isinstance(constraint, str):
            broken.append(np.max(worst[constraint], initial=0.0))
        else:
            kind, at, value = constraint
            difference = (curve.derivative(at) if kind == "slope" else curve(at)) - value
            broken.append({">=": -difference, "<=": difference}.get(kind, abs(difference)))
    return max(broken)


def smallest_loss(x, y, w, taus, degree, knots, ordered=True):
    """Return the smallest sum of the losses, from the primal linear program of all points."""
    clamped = np.r_[[knots[0]] * degree, knots, [knots[-1]] * degree]
    design = BSpline.design_matrix(x, clamped, degree).toarray()
    n, k = design.shape
    each, zero = np.eye(len(taus)), np.zeros((len(taus) * n, k * len(taus)))
    fit = np.kron(each, design)
    identity = np.eye(len(fit))
    cost = [np.zeros(zero.shape[1]), *(w * tau for tau in taus), *(w * (1 - tau) for tau in taus)]
    order = np.kron(np.diff(each, axis=0), np.eye(k))
    result = linprog(
        np.concatenate(cost),
        A_eq=np.hstack([fit, identity, -identity]),
        b_eq=np.tile(y, len(taus)),
        A_ub=np.hstack([-order, np.zeros((len(order), 2 * len(fit)))]) if ordered else None,
        b_ub=np.zeros(len(order)) if ordered else None,
        bounds=[(None, None)] * zero.shape[1] + [(0, None)] * (2 * len(fit)),
        method="highs-ds",
    )
    return result.fun


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("knots", "coefficients", "objective", "loss", "duality_gap", "smoothing")
    )
