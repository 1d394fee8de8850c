# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The linear programs of quantile splines and their solution."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.optimize import linprog

from ..exceptions import RcasymError
from .knots import clamp

__all__ = ["ContradictionError", "QuantileProgram", "Solution"]

# The largest relative duality gap of a fit.
MAX_GAP = 1e-8
# The largest violation of a constraint, relative to the largest coefficient.
MAX_VIOLATION = 3e-9
# Points further from the median, in units of the spread of y, spoil the accuracy of the solver.
OUTLIER = 1e4
# Smaller residuals, in units of the mean absolute deviation of y, count as zero.
ZERO_RESIDUAL = 1e-6

SOLVER = {
    "presolve": False,  # takes longer than the solution
    "primal_feasibility_tolerance": 1e-10,
    "dual_feasibility_tolerance": 1e-10,
}


class ContradictionError(RcasymError):
    """No curve on these knots keeps all the constraints."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The optimal curves on given knots, in the units of the program."""

    knots: np.ndarray
    smoothing: float
    coefficients: np.ndarray  # (curves, coefficients)
    residuals: np.ndarray  # (curves, points)
    loss: np.ndarray  # (curves,)
    penalty: np.ndarray  # (curves,), smoothing / 2 times the roughness
    dual: float  # lower bound on the sum of the objectives
    slack: np.ndarray  # margin of each inequality, (curves, inequalities)


@dataclass(frozen=True, eq=False)
class QuantileProgram:
    """The linear programs of one sample, for any knots and smoothing."""

    x: np.ndarray
    y: np.ndarray  # (original - shift) / scale
    w: np.ndarray  # original / weight_scale
    taus: np.ndarray
    degree: int
    constraints: tuple
    shift: float
    scale: float
    weight_scale: float
    ends: tuple  # of the data

    @classmethod
    def from_data(cls, x, y, w, taus, degree, constraints):
        """Return the program of sorted data, in units that suit the tolerances of the solver."""
        shift = np.median(y)
        deviation = np.abs(y - shift)
        scale = np.median(deviation)
        if scale <= 1e-12 * max(abs(shift), np.quantile(deviation, 0.9)):
            scale = np.mean(deviation)
        values = [c[2] - shift for c in constraints if c[0] in ("=", "<=", ">=")]
        scale = max(scale, 1e-12 * abs(shift)) or np.max(np.abs([*values, 0.0])) or 1.0
        # Scaling by powers of two causes no rounding.
        scale, weight_scale = np.exp2(np.round(np.log2([scale, np.mean(w)])))
        return cls(
            x, (y - shift) / scale, w / weight_scale, np.array(taus), degree, constraints,
            shift, scale, weight_scale, (x[0], x[-1]))

    def criterion(self, name, knots, near=None):
        """Return the criterion of the knots, and the fitted values to start the next fit from."""
        try:
            solution = self.solve(knots, near=near)
        except ContradictionError:
            return np.inf, near
        n, k = self.x.size, solution.coefficients.shape[1]
        price = 2.0 if name == "aic" else np.log(n)
        value = np.sum(np.log(self._resolved(solution.loss) / n) + price * k / n)
        return value, self.y - solution.residuals

    def _resolved(self, loss):
        """Return the loss, or the rounding error where the data are interpolated."""
        unit = np.sum(self.w * (np.abs(self.y) + abs(self.shift / self.scale)))
        return np.maximum(loss, 1e-13 * unit + np.finfo(float).tiny)

    def smoothing_criterion(self, knots, values):
        """Return the criterion and the largest number of parameters for each smoothing value."""
        n = self.x.size
        criteria, numbers, near = [], [], None
        for value in values[::-1]:
            solution = self.solve(knots, value, near=near)
            near = self.y - solution.residuals
            k = self.n_parameters(solution)
            exact = np.any(solution.loss <= self._resolved(solution.loss * 0))
            terms = np.log(self._resolved(solution.loss) / n) + k * np.log(n) / (2 * n)
            criteria.append(np.inf if exact else np.sum(terms))
            numbers.append(k.max())
        return np.array(criteria[::-1]), np.array(numbers[::-1])

    def n_parameters(self, solution):
        """Return the number of parameters of each curve."""
        if solution.smoothing == 0:
            return np.full(self.taus.size, solution.coefficients.shape[1])
        zero = ZERO_RESIDUAL * np.mean(np.abs(self.y - np.mean(self.y)))
        fixed = np.sum(np.abs(solution.residuals) <= zero, axis=1)
        active = np.sum(np.abs(solution.slack) <= zero, axis=1)
        return np.maximum(fixed + active, self.degree + 1)

    def curves(self, solution):
        """Yield the arguments of QuantileSpline for each curve, in the units of the data."""
        unit = self.scale * self.weight_scale
        primal = np.sum(solution.loss + solution.penalty)
        rounding = 0.05 * np.sum(self.w * (np.abs(self.y) + abs(self.shift / self.scale)))
        gap = abs(primal - solution.dual) / max(primal, rounding, np.finfo(float).tiny)
        if not gap <= MAX_GAP:
            raise RuntimeError(f"the solver stopped at a relative duality gap of {gap:.1e}")
        for c, tau, loss, p, k in zip(
            solution.coefficients, self.taus, solution.loss, solution.penalty,
            self.n_parameters(solution), strict=True,
        ):
            yield {
                "knots": solution.knots,
                "coefficients": c * self.scale + self.shift,
                "tau": float(tau),
                "degree": self.degree,
                "smoothing": float(solution.smoothing),
                "loss": float(loss * unit),
                "objective": float((loss + p) * unit),
                "duality_gap": float(gap),
                "n_parameters": int(k),
            }

    def solve(self, knots, smoothing=0.0, near=None):
        """Return the optimal curves on given knots.

        Points far from ``near``, fitted values close to the optimum, lie on the same side of the
        optimum itself: their terms of the loss are linear and are summed in advance (Portnoy &
        Koenker 1997, Stat. Sci. 12, 279). Points that turn out to lie on the other side are
        released, and the fit is repeated until there are none, so the result is the optimum of all
        points. Without ``near``, a fit to part of the points comes first.

        The unknowns are the coefficients on ``inner``, the knots with their ends moved to those of
        the data. The curves are the same; but where an end knot lies slightly beyond the data, two
        B-splines are almost zero at the last datum, and the solver would round them off.
        """
        inner = np.r_[self.ends[0], knots[1:-1], self.ends[1]]
        design = self._design(inner)
        distance, limit, side = self._measure_distances(design, knots, smoothing, near)
        free = distance <= limit
        rows = Rows.from_program(self, knots, inner, smoothing)
        while True:
            coefficients, dual = self._solve_dual(design, free, side, rows)
            if coefficients is None and not free.all():
                free[:] = True
                continue
            if coefficients is None:
                if rows.contradict():
                    raise _contradiction(self.constraints)
                coefficients, dual = self._solve_dual(design, free, side, rows, patient=True)
                if coefficients is None:
                    raise RuntimeError("the solver found no optimum")
            residuals = self.y - (design @ coefficients.T).T
            wrong = ~free & (residuals * side < 0)
            if not wrong.any():
                break
            limit = 2 * limit
            free |= wrong | (distance <= limit)

        slack = coefficients @ rows.inequality.T - rows.at_least
        missed = coefficients @ rows.equality.T - rows.equal_to
        worst = max(np.max(-slack, initial=0), np.max(np.abs(missed), initial=0))
        if worst > MAX_VIOLATION * max(np.max(np.abs(coefficients)), 1):
            # The solver accepts constraints that contradict each other within its tolerance.
            raise _contradiction(self.constraints)
        penalty = rows.penalty(coefficients)
        # The coefficients increase up to rounding; made exact, the curves cannot cross.
        coefficients = np.maximum.accumulate(coefficients @ rows.to_knots.T, axis=0)
        residuals = self.y - (self._design(knots) @ coefficients.T).T
        return Solution(
            knots, smoothing, coefficients, residuals, penalty=penalty, dual=dual, slack=slack,
            loss=np.sum(self.w * residuals * (self.taus[:, None] - (residuals < 0)), axis=1))

    def _measure_distances(self, design, knots, smoothing, near):
        """Return the distance of each point from near, the limit within which points are free, and
        the multiplier of each point for its side."""
        n = self.x.size
        n_near = int((design.shape[1] * n) ** (2 / 3))
        is_small = 3 * n_near >= n
        if is_small:
            near = np.zeros((self.taus.size, n))
        elif near is None:
            step = n // n_near
            sample = replace(self, x=self.x[::step], y=self.y[::step], w=self.w[::step])
            coefficients = sample.solve(knots, smoothing / step).coefficients
            near = (design @ coefficients.T).T
        residuals = self.y - near
        distance = np.abs(residuals)
        side = self.w * (self.taus[:, None] - (residuals < 0))
        if is_small:
            return distance, np.full((self.taus.size, 1), OUTLIER), side
        # Distances in units of the local uncertainty of the curve.
        gram = np.linalg.pinv((design.T @ (design * self.w[:, None])).toarray())
        leverage = np.sum((design @ gram) * design, axis=1)
        distance /= np.sqrt(np.maximum(leverage, np.finfo(float).tiny))
        return distance, np.partition(distance, n_near, axis=1)[:, [n_near]], side

    def _design(self, knots):
        return BSpline.design_matrix(self.x, clamp(knots, self.degree), self.degree)

    def _solve_dual(self, design, free, side, rows, patient=False):
        """Solve the bounded dual, where ``side`` gives the multipliers of points that are not free.

        Its columns are the multipliers of the free points, between w (tau - 1) and w tau; of the
        inequalities, >= 0; of the equalities; and of the roughness. There is one row per
        coefficient, and the multipliers of the rows are the coefficients of the curves.

        Returns the coefficients and the dual objective, or None twice if the solver fails; with
        ``patient``, only after it has tried other scales and options.
        """
        n_curves, n_coefficients = free.shape[0], design.shape[1]
        where = [np.flatnonzero(points) for points in free]
        fixed = np.where(free, 0.0, side)
        columns = [sparse.block_diag([design[points].T for points in where])]
        gain = [self.y[points] for points in where]
        low = [self.w[p] * (tau - 1) for p, tau in zip(where, self.taus, strict=True)]
        high = [self.w[p] * tau for p, tau in zip(where, self.taus, strict=True)]
        for block, value, lowest, highest in rows.columns(n_curves):
            columns.append(block.T)
            gain.append(value)
            low.append(np.full(value.size, lowest))
            high.append(np.full(value.size, highest))
        columns, gain = sparse.hstack(columns, format="csc"), np.concatenate(gain)
        low, high = np.concatenate(low), np.concatenate(high)
        budget, total = rows.budget(n_curves, columns.shape[1])
        largest = np.max(np.abs(gain), initial=1.0)
        attempts = (1.0, SOLVER), (largest, SOLVER), (1.0, {}), (largest, {})
        for unit, options in attempts if patient else attempts[:1]:
            result = linprog(
                -gain / unit,
                A_eq=columns,
                b_eq=-(design.T @ fixed.T).T.ravel(),
                A_ub=budget,
                b_ub=total,
                bounds=np.column_stack([low, high]),
                method="highs-ds",
                options=options,
            )
            if result.status == 0:
                break
        else:
            return None, None
        # Where a multiplier is between its bounds, the residual is zero; the solver reaches that
        # within its tolerance only, and least squares makes it exact.
        c = -unit * np.concatenate([result.eqlin.marginals, result.ineqlin.marginals])
        every = columns if budget is None else sparse.vstack([columns, budget], format="csc")
        margin = 1e-9 * np.minimum(high - low, 1)
        inside = (result.x > low + margin) & (result.x < high - margin)
        inside &= np.abs(gain - c @ every) < 1e-7 * unit
        active = every[:, np.flatnonzero(inside)].toarray().T
        c += np.linalg.lstsq(active, gain[inside] - active @ c, rcond=None)[0]
        c = c[: columns.shape[0]]
        coefficients = c.reshape(n_curves, n_coefficients)
        # The dual objective, gain @ multipliers, minus the rounding error of its equality rows.
        dual = (gain - c @ columns) @ result.x
        return coefficients, dual + np.sum(fixed * (self.y - (design @ coefficients.T).T))


@dataclass(frozen=True, eq=False)
class Rows:
    """The constraints and the roughness of one curve, as rows over its coefficients on `inner`."""

    to_knots: np.ndarray  # from coefficients on `inner` to coefficients on the knots
    inequality: np.ndarray
    at_least: np.ndarray
    equality: np.ndarray
    equal_to: np.ndarray
    bends: np.ndarray
    bound: float  # smoothing / 2, in the units of the rows above
    degree: int

    @classmethod
    def from_program(cls, program, knots, inner, smoothing):
        degree = program.degree
        basis, inner_basis = _basis(knots, degree), _basis(inner, degree)
        sites = _greville(inner, degree)
        to_knots = np.linalg.solve(basis(sites), inner_basis(sites))
        greville = _greville(knots, degree)
        slopes = np.diff(np.eye(greville.size), axis=0) / np.diff(greville)[:, None]
        # Jumps of the slope for degree 1, second derivatives for degree 2.
        bends = np.diff(slopes, axis=0)
        if degree == 2:
            bends = bends / np.diff(knots)[:, None]

        inequality, at_least = [np.empty((0, greville.size))], [np.empty(0)]
        equality, equal_to = [np.empty((0, greville.size))], [np.empty(0)]
        shapes = {"increasing": slopes, "decreasing": -slopes, "convex": bends, "concave": -bends}
        for constraint in program.constraints:
            if constraint in shapes:
                inequality.append(shapes[constraint])
                at_least.append(np.zeros(len(shapes[constraint])))
            elif constraint == "periodic":
                ends = program.ends
                equality.append([np.subtract(*basis(ends)), np.subtract(*basis(ends, nu=1))])
                equal_to.append(np.zeros(2))
            else:
                kind, u, v = constraint
                if kind == "slope":
                    row, v = basis(u, nu=1), v / program.scale
                else:
                    row, v = basis(u), (v - program.shift) / program.scale
                if kind in ("=", "slope"):
                    equality.append([row])
                    equal_to.append([v])
                else:
                    sign = 1 if kind == ">=" else -1
                    inequality.append([sign * row])
                    at_least.append([sign * v])
        # The solver needs rows of similar size: the largest element becomes 1.
        inequality, at_least = _unit_rows(np.concatenate(inequality), np.concatenate(at_least))
        equality, equal_to = _unit_rows(np.concatenate(equality), np.concatenate(equal_to))
        unit = np.max(np.abs(bends), initial=0.0) or 1.0
        return cls(
            to_knots, inequality @ to_knots, at_least, equality @ to_knots, equal_to,
            bends / unit @ to_knots, smoothing / 2 / program.weight_scale * unit, degree)

    def contradict(self):
        """Return whether no curve at all keeps the constraints."""
        result = linprog(
            np.zeros(self.bends.shape[1]),
            A_ub=-self.inequality,
            b_ub=-self.at_least,
            A_eq=self.equality,
            b_eq=self.equal_to,
            bounds=(None, None),
        )
        return result.status == 2

    def penalty(self, coefficients):
        """Return smoothing / 2 times the roughness of each curve."""
        bends = np.abs(coefficients @ self.bends.T)
        return self.bound * (bends.sum(axis=1) if self.degree == 1 else bends.max(axis=1))

    def columns(self, n_curves):
        """Yield the rows, gains and bounds of the multipliers of all curves."""
        each = np.eye(n_curves)
        ordered = np.kron(np.diff(each, axis=0), self.to_knots)
        yield np.kron(each, self.inequality), np.tile(self.at_least, n_curves), 0, np.inf
        yield ordered, np.zeros(len(ordered)), 0, np.inf
        yield np.kron(each, self.equality), np.tile(self.equal_to, n_curves), -np.inf, np.inf
        if self.bound and self.degree == 1:
            bends = np.kron(each, self.bends)
            yield bends, np.zeros(len(bends)), -self.bound, self.bound
        elif self.bound:
            bends = np.kron(each, np.concatenate([self.bends, -self.bends]))
            yield bends, np.zeros(len(bends)), 0, np.inf

    def budget(self, n_curves, n_columns):
        """Return rows that keep the multipliers of each curve's bends at smoothing / 2 in total."""
        if not self.bound or self.degree == 1:
            return None, None
        total = np.kron(np.eye(n_curves), np.ones(2 * len(self.bends)))
        before = sparse.csr_array((n_curves, n_columns - total.shape[1]))
        return sparse.hstack([before, total]), np.full(n_curves, self.bound)


def _contradiction(constraints):
    return ContradictionError(f"constraints must not contradict each other; got {constraints}")


def _unit_rows(rows, values):
    unit = np.max(np.abs(rows), axis=1, initial=0.0)
    unit[unit == 0] = 1.0
    return rows / unit[:, None], values / unit


def _basis(knots, degree):
    """Return a function that evaluates all B-splines at once."""
    return BSpline(clamp(knots, degree), np.eye(knots.size + degree - 1), degree)


def _greville(knots, degree):
    """Return the mean of the knots inside the support of each B-spline."""
    return knots if degree == 1 else np.r_[knots[0], (knots[1:] + knots[:-1]) / 2, knots[-1]]
