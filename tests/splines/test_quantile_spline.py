# Licensed under a 3-clause BSD style license - see LICENSE.rst
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from scipy.optimize import linprog

from rcasym.splines import QuantileSpline
from rcasym.splines.knots import (
    data_between,
    initial_mesh,
    select_knots,
    select_smoothing,
    smoothing_grid,
)
from rcasym.splines.linear_program import QuantileProgram

if "RCASYM_TEST_DATA" in os.environ:
    ORACLE = Path(os.environ["RCASYM_TEST_DATA"]).parent / "cobs-oracle"
else:
    ORACLE = Path(__file__).parents[3] / "shared" / "cobs-oracle"

SHAPES = {
    "increase": "increasing",
    "decrease": "decreasing",
    "convex": "convex",
    "concave": "concave",
    "periodic": "periodic",
}
KINDS = {0: "=", 1: ">=", -1: "<=", 2: "slope"}

# Every tag of every data set; with 2000 points only some of them are fast.
COMMON = """reg_AIC reg_SIC reg_BIC reg_AIC_add reg_SIC_add fixed6 fixed12 fixed6_incr reg_AIC_incr
reg_SIC_incr smooth_lam1 smooth_SIC smooth_SIC_incr""".split()
ONLY_D1 = """fixed6_decr fixed6_convex fixed6_concave fixed6_periodic fixed6_incr_convex
fixed6_pointwise smooth_lam1_convex""".split()
FAST = ("reg_AIC", "reg_SIC", "fixed6", "fixed12", "fixed6_incr", "smooth_lam1")
CASES = [
    pytest.param(
        name, tag,
        marks=[pytest.mark.slow] if name[:2] in ("d4", "d6") and tag not in FAST else [],
    )
    for name in ("d1_n200", "d4_outliers", "d6_sparse", "d7_tiny20")
    for tag in COMMON + (ONLY_D1 if name == "d1_n200" else [])
]  # fmt: skip

# A part of d7_tiny20, so that something is checked where the folder is not there.
TINY_X = [
    3.8243540837030983,
    4.727924673443293,
    5.490162254170978,
    3.6761504677275925,
    6.673118983898948,
    4.643700365221451,
    4.6730300125853645,
    9.472466789962585,
    6.111037769113018,
    3.6406904370155773,
    5.05377224069118,
    2.5436059884553255,
    5.436743317494153,
    6.071572111254921,
    1.813687164246026,
    12.159797216811938,
    9.26457427190377,
    5.950698927004253,
    2.377782159588197,
    12.244768102848795,
]
TINY_Y = [
    0.19653241153235693,
    -1.354708675524339,
    -0.5145619759865555,
    0.2910084032382314,
    -0.26989945007532246,
    -0.20486997803340568,
    1.676154672666279,
    2.910311600682301,
    0.6747845527429736,
    -1.3199312098911227,
    0.08486120368207384,
    -0.6816569399919522,
    -0.8910115384371479,
    -0.27521570909575865,
    0.1216166294366142,
    3.1383238767333608,
    -4.120609921886899,
    0.8342249915371994,
    -0.36367058125268303,
    0.8338527425928135,
]
TINY_RECORDS = [
    {
        "tau": 0.1,
        "degree": 1,
        "tag": "smooth_SIC",
        "args": {"lambda": -1.0},
        "knots": [
            1.8136767331650874,
            2.377782159588197,
            2.5436059884553255,
            3.6406904370155773,
            3.6761504677275925,
            3.8243540837030983,
            4.643700365221451,
            4.6730300125853645,
            4.727924673443293,
            5.05377224069118,
            5.436743317494153,
            5.490162254170978,
            5.950698927004253,
            6.071572111254921,
            6.111037769113018,
            6.673118983898948,
            9.26457427190377,
            9.472466789962585,
            12.159797216811938,
            12.244778533929734,
        ],
        "lam": 0.9297733195525072,
        "objective": 4.432043780310987,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            -0.45674784828948556,
            -1.2602772482634736,
            -2.509043023709265,
            -3.501469386781107,
            0.8338527425909531,
        ],
    },
    {
        "tau": 0.1,
        "degree": 2,
        "tag": "reg_SIC",
        "args": {"lambda": 0.0, "ic": "SIC"},
        "knots": [1.8136767331650874, 5.490162254170978, 6.673118983898948, 12.244778533929734],
        "lam": 0.0,
        "objective": 2.399364888423022,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            0.1216166293836198,
            -1.4555058974961133,
            -2.323922561806421,
            -3.9607096779063555,
            0.8338527425759962,
        ],
    },
    {
        "tau": 0.1,
        "degree": 2,
        "tag": "reg_AIC_add",
        "args": {
            "lambda": 0.0,
            "ic": "AIC",
            "nknots": 6,
            "knots.add": True,
            "repeat.delete.add": True,
        },
        "knots": [
            1.8136767331650874,
            6.081640619034963,
            6.377379801466955,
            6.673118983898948,
            9.458943543373872,
            12.244778533929734,
        ],
        "lam": 0.0,
        "objective": 1.258455911507366,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            0.12161662943469015,
            -1.4453386980323126,
            -10.845164189943569,
            8.43549921773949,
            0.017810494655034443,
        ],
    },
    {
        "tau": 0.5,
        "degree": 1,
        "tag": "fixed6",
        "args": {
            "lambda": 0.0,
            "knots": [
                1.813687164246026,
                3.6406904370155773,
                4.6730300125853645,
                5.490162254170978,
                6.673118983898948,
                12.244768102848795,
            ],
            "nknots": 6,
        },
        "knots": [
            1.8136767331650874,
            3.6406904370155773,
            4.6730300125853645,
            5.490162254170978,
            6.673118983898948,
            12.244778533929734,
        ],
        "lam": 0.0,
        "objective": 9.12779572104194,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            -0.6540826188847295,
            -0.09599188857504075,
            0.1779008180630996,
            1.6826271469077474,
            3.187353475752395,
        ],
    },
    {
        "tau": 0.5,
        "degree": 2,
        "tag": "fixed6_incr",
        "args": {
            "lambda": 0.0,
            "knots": [
                1.813687164246026,
                3.6406904370155773,
                4.6730300125853645,
                5.490162254170978,
                6.673118983898948,
                12.244768102848795,
            ],
            "nknots": 6,
            "constraint": "increase",
        },
        "knots": [
            1.8136767331650874,
            3.6406904370155773,
            4.6730300125853645,
            5.490162254170978,
            6.673118983898948,
            12.244778533929734,
        ],
        "lam": 0.0,
        "objective": 9.277927155562638,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            -0.373974255196525,
            -0.20844743190901832,
            -0.19073748704932666,
            0.7707462653722478,
            3.242674671572593,
        ],
    },
    {
        "tau": 0.5,
        "degree": 2,
        "tag": "smooth_lam1",
        "args": {"lambda": 1.0},
        "knots": [
            1.8136767331650874,
            2.377782159588197,
            2.5436059884553255,
            3.6406904370155773,
            3.6761504677275925,
            3.8243540837030983,
            4.643700365221451,
            4.6730300125853645,
            4.727924673443293,
            5.05377224069118,
            5.436743317494153,
            5.490162254170978,
            5.950698927004253,
            6.071572111254921,
            6.111037769113018,
            6.673118983898948,
            9.26457427190377,
            9.472466789962585,
            12.244778533929734,
        ],
        "lam": 1.0,
        "objective": 9.104914603903211,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            0.12161662943557035,
            -0.15273974250923097,
            -0.3170861876213428,
            2.400767135653828,
            3.0570112720332836,
        ],
    },
    {
        "tau": 0.9,
        "degree": 1,
        "tag": "reg_AIC",
        "args": {"lambda": 0.0, "ic": "AIC"},
        "knots": [
            1.8136767331650874,
            3.6406904370155773,
            4.6730300125853645,
            5.490162254170978,
            6.673118983898948,
            12.244778533929734,
        ],
        "lam": 0.0,
        "objective": 2.373818310619854,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            0.1216166294496331,
            1.3265990326360955,
            2.7030097685400447,
            2.924271590587513,
            3.1455334126349825,
        ],
    },
    {
        "tau": 0.9,
        "degree": 2,
        "tag": "reg_AIC_incr",
        "args": {"lambda": 0.0, "ic": "AIC", "constraint": "increase"},
        "knots": [1.8136767331650874, 12.244778533929734],
        "lam": 0.0,
        "objective": 3.554242405653342,
        "lp_unique_certified": True,
        "ifl": [1],
        "grid": [
            1.813687164246026,
            4.4214573988967185,
            7.029227633547411,
            9.636997868198103,
            12.244768102848795,
        ],
        "fitted": [
            0.12161662945332105,
            1.42669660817498,
            2.3646496397114345,
            2.935475724062685,
            3.139174861228731,
        ],
    },
]


def read_points(name):
    path = ORACLE / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"the reference numbers of COBS are not there: no {path.name} in {path.parent}")
    x, y, _ = np.loadtxt(path, delimiter=",", skiprows=1).T
    return x, y


def read_records(name):
    return json.loads((ORACLE / f"{name}.json").read_text())


def arguments(record):
    """The arguments of the reference run, but for its knots."""
    args = record["args"]
    shapes = args.get("constraint", [])
    constraints = [SHAPES[s] for s in ([shapes] if isinstance(shapes, str) else shapes)]
    constraints += [(KINDS[int(kind)], u, v) for kind, u, v in args.get("pointwise", [])]
    return {
        "tau": record["tau"],
        "degree": record["degree"],
        "criterion": "aic" if args.get("ic", "AIC") == "AIC" else "sic",
        "smoothing": "sic" if args["lambda"] < 0 else args["lambda"],
        "add_knots": args.get("knots.add", False),
        "n_knots": args.get("nknots"),
        "constraints": constraints,
    }


def violation(curve, constraints, x):
    """By how much the constraints are broken at most, everywhere between the end knots."""
    inside = curve.knots[:-1] + np.diff(curve.knots) * np.linspace(0, 1, 20)[1:-1, None]
    u = np.sort(np.concatenate([curve.knots, inside.ravel()]))
    slopes = curve.derivative(u)
    middles = (curve.knots[1:] + curve.knots[:-1]) / 2
    bends = (
        curve.derivative(middles, 2) if curve.degree == 2 else np.diff(curve.derivative(middles))
    )
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


def check_at_the_same_knots(x, y, record):
    kwargs = arguments(record)
    kwargs["smoothing"] = record["lam"]
    curve = QuantileSpline.fit(x, y, knots=record["knots"], **kwargs)
    assert curve.duality_gap <= 1e-8
    assert np.array_equal(curve.knots, record["knots"])
    if (x.size, record["tau"], record["degree"], record["tag"]) == (20, 0.9, 2, "smooth_SIC_incr"):
        # The reference stopped short of the optimum, as the duality gap proves.
        assert -1e-6 < curve.objective / record["objective"] - 1 < -1e-7
    else:
        assert curve.objective == pytest.approx(record["objective"], rel=1e-8)
    if record["lp_unique_certified"]:
        tolerance = 1e-5 if x.size == 20 else 1e-6
        assert curve(record["grid"]) == pytest.approx(record["fitted"], abs=tolerance, rel=0)
    assert violation(curve, kwargs["constraints"], x) <= 1e-9


def check_the_choice(x, y, record):
    if "knots" in record["args"]:
        return
    curve = QuantileSpline.fit(x, y, **arguments(record))
    assert curve.knots == pytest.approx(record["knots"], rel=0, abs=1e-12)
    # Status 18: flat fits, the smoothing of which is not unique.
    if not (record["tag"] == "smooth_SIC_incr" and 18 in record["ifl"]):
        assert curve.smoothing == pytest.approx(record["lam"], rel=1e-9)


@pytest.mark.parametrize(("name", "tag"), CASES)
def test_same_as_cobs(name, tag):
    x, y = read_points(name)
    records = [record for record in read_records(name) if record["tag"] == tag]
    assert records
    for record in records:
        check_at_the_same_knots(x, y, record)
        check_the_choice(x, y, record)


@pytest.mark.parametrize("name", sorted({case.values[0] for case in CASES}))
def test_no_reference_run_is_left_out(name):
    read_points(name)
    tested = {case.values[1] for case in CASES if case.values[0] == name}
    assert {record["tag"] for record in read_records(name)} == tested


@pytest.mark.parametrize(
    "record", TINY_RECORDS, ids=lambda r: f"{r['tag']}-{r['tau']}-{r['degree']}"
)
def test_same_as_cobs_embedded(record):
    x, y = np.array(TINY_X), np.array(TINY_Y)
    check_at_the_same_knots(x, y, record)
    check_the_choice(x, y, record)


def sample(n, seed=0, decimals=None):
    rng = np.random.default_rng(seed)
    x = rng.gamma(4.0, 1.7, n).clip(0.3, 14.0)
    y = rng.normal(0.0, 0.2 * x) + 1.5 * np.clip((x - 8.0) / 6.0, 0.0, None)
    return (x, y) if decimals is None else (x.round(decimals), y.round(decimals))


def smallest_loss(x, y, w, taus, degree, knots, ordered=True):
    """The sum of the losses by the primal linear program, all points in it, another solver."""
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


@pytest.mark.parametrize("degree", [1, 2])
def test_weights_count(degree):
    x, y = sample(150, 3)
    w = np.random.default_rng(4).uniform(0.01, 10.0, 150)
    curve = QuantileSpline.fit(x, y, tau=0.3, degree=degree, weights=w)
    expected = smallest_loss(x, y, w, [0.3], degree, curve.knots)
    assert curve.objective == pytest.approx(expected, rel=1e-10)
    residuals = y - curve(x)
    assert curve.loss == pytest.approx(np.sum(w * residuals * (0.3 - (residuals < 0))), rel=1e-12)
    assert not np.allclose(curve(x), QuantileSpline.fit(x, y, tau=0.3, knots=curve.knots,
                                                        degree=degree)(x))  # fmt: skip


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
    # x * a and y * b: the roughness is in units of b / a ** degree.
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
    program = QuantileProgram.scaled(x, y, np.ones(4000), (0.2, 0.7), 2, ())
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
)  # fmt: skip
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


def test_constant_data():
    x = np.repeat(np.arange(10.0), 3)
    for curve in QuantileSpline.fit_many(x, np.full(30, 3.3), taus=(0.2, 0.5)):
        assert curve.knots.size == 2
        assert curve(x) == pytest.approx(np.full(30, 3.3), abs=1e-14)
        assert curve.loss <= 1e-13


def same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("knots", "coefficients", "objective", "loss", "duality_gap", "smoothing")
    )


@pytest.mark.parametrize("smoothing", [0.0, 1.0, "sic"])
@pytest.mark.parametrize(("n", "decimals"), [(60, 0), (61, None), (3000, 1)])
def test_order_of_points_does_not_matter(n, decimals, smoothing):
    # Rounded points, an even number of them and the median: the optimum is not unique.
    x, y = sample(n, 11, decimals)
    w = np.random.default_rng(12).integers(1, 3, n).astype(float)
    first = QuantileSpline.fit(x, y, weights=w, smoothing=smoothing)
    order = np.random.default_rng(13).permutation(n)
    assert same(first, QuantileSpline.fit(x, y, weights=w, smoothing=smoothing))
    assert same(
        first, QuantileSpline.fit(x[order], y[order], weights=w[order], smoothing=smoothing)
    )


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
    with pytest.raises(ValueError, match="order must be an integer of at least 1, got 0"):
        curve.derivative(5.0, 0)


def test_immutable():
    knots = np.array([0.0, 1.0, 2.0])
    x, y = np.linspace(0.0, 2.0, 30), np.sin(np.arange(30.0))
    curve = QuantileSpline.fit(x, y, knots=knots)
    knots[1] = 1.5
    assert curve.knots[1] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        curve.coefficients[0] = 0.0
    with pytest.raises(AttributeError):
        curve.tau = 0.1
    assert repr(curve).startswith("QuantileSpline(tau=0.5, degree=2, knots=[0, 1, 2], smoothing=0,")


def test_input_is_not_changed():
    x, y = sample(50, 18)
    kept = x.copy(), y.copy()
    QuantileSpline.fit(x, y)
    assert np.array_equal(x, kept[0]) and np.array_equal(y, kept[1])


def test_plot():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    x, y = sample(100, 19)
    curve = QuantileSpline.fit(x, y, tau=0.9)
    figure, ax = plt.subplots()
    assert curve.plot(ax=ax, color="tab:red") is ax
    (line,) = ax.lines
    assert line.get_color() == "tab:red" and line.get_label() == "90 % quantile"
    assert line.get_ydata() == pytest.approx(curve(line.get_xdata()))
    assert set(curve.knots) <= set(line.get_xdata())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    ax.set_xlabel("age [Gyr]")
    assert curve.plot(ax=ax, label="mine") is ax
    assert curve.plot() is not ax
    assert ax.get_xlabel() == "age [Gyr]" and ax.lines[1].get_label() == "mine"
    plt.close(figure)


X10 = np.arange(10.0)


@pytest.mark.parametrize(
    ("x", "y", "kwargs", "message"),
    [
        (X10, X10[:9], {}, "x, y and weights must have the same length, got 10, 9 and 10"),
        (X10, X10, {"weights": [1.0]}, "must have the same length, got 10, 10 and 1"),
        ([1.0, np.nan, 2.0], X10[:3], {}, "x must be finite, got nan at index 1"),
        (X10[:3], [1.0, 2.0, np.inf], {}, "y must be finite, got inf at index 2"),
        (X10, X10, {"weights": [np.nan] * 10}, "weights must be finite, got nan at index 0"),
        (X10, X10, {"weights": [1.0] * 9 + [0.0]}, "weights must be positive, got 0.0 at index 9"),
        (X10, X10, {"weights": [-2.0] + [1.0] * 9}, "weights must be positive, got -2.0"),
        (np.ma.masked_less(X10, 2.0), X10, {}, "x must not have masked values, got 2"),
        ([["a"]], X10, {}, "x must be a sequence of numbers"),
        (X10.reshape(2, 5), X10, {}, r"x must be one-dimensional, got the shape \(2, 5\)"),
        ([], [], {}, "x must have at least 3 distinct values .* got 0"),
        (np.ones(10), X10, {}, "x must have at least 3 distinct values .* got 1"),
        ([0.0, 1.0, 1.0], X10[:3], {}, "at least 3 distinct values for a curve of degree 2, got 2"),
        (np.ones(10), X10, {"degree": 1}, "at least 2 distinct values .* got 1"),
        (X10, X10, {"tau": 0.0}, "tau must be larger than 0 and smaller than 1, got 0.0"),
        (X10, X10, {"tau": 1}, "tau must be larger than 0 and smaller than 1, got 1"),
        (X10, X10, {"tau": np.nan}, "tau must be larger than 0 .* got nan"),
        (X10, X10, {"tau": "0.5"}, "tau must be larger than 0 .* got '0.5'"),
        (X10, X10, {"degree": 3}, "degree must be 1 or 2, got 3"),
        (X10, X10, {"criterion": "bic"}, r"criterion must be one of \('aic', 'sic'\), got 'bic'"),
        (X10, X10, {"smoothing": -1.0}, 'smoothing must be .* at least 0, or "sic", got -1.0'),
        (X10, X10, {"smoothing": "aic"}, "smoothing must be .* got 'aic'"),
        (X10, X10, {"smoothing": np.inf}, "smoothing must be .* got inf"),
        (X10, X10, {"n_knots": 1}, "n_knots must be an integer of at least 2, got 1"),
        (X10, X10, {"n_knots": 2.5}, "n_knots must be an integer of at least 2, got 2.5"),
        (X10, X10, {"knots": [0.0]}, "knots must be increasing, and at least two"),
        (X10, X10, {"knots": [0.0, 5.0, 5.0, 9.0]}, "knots must be increasing"),
        (X10, X10, {"knots": [0.0, np.nan, 9.0]}, "knots must be finite, got nan"),
        (X10, X10, {"knots": [1.0, 5.0, 9.0]}, "knots must cover the data.*0.0 and 9.0.*1.0 to"),
        (X10, X10, {"knots": [0.0, 5.0, 8.0]}, "knots must cover the data"),
        (X10, X10, {"knots": [0.0, 4.1, 4.9, 9.0]}, "got none between 4.1 and 4.9"),
        (X10, X10, {"knots": [-3.0, -2.0, 9.0]}, "got none between -3.0 and -2.0"),
        (X10, X10, {"knots": [0.0, 9.0, 12.0]}, "got none between 9.0 and 12.0"),
        (X10[:4], X10[:4], {"knots": X10[:4]}, "coefficients than the data determine, 4, got 4"),
        (X10, X10, {"constraints": "monotone"}, "constraints must be of .* got 'monotone'"),
        (X10, X10, {"constraints": 3}, "constraints must be a sequence, got 3"),
        (
            X10,
            X10,
            {"constraints": [("<", 1.0, 2.0)]},
            "constraints at a point must be .*, got .'<', 1.0",
        ),
        (X10, X10, {"constraints": [("=", 1.0)]}, "constraints at a point must be"),
        (X10, X10, {"constraints": [("=", 1.0, np.nan)]}, "constraints at a point must be"),
        (X10, X10, {"constraints": ("=", 20.0, 1.0)}, "constraints at a point must lie between"),
    ],
)
def test_bad_input(x, y, kwargs, message):
    with pytest.raises(ValueError, match=message):
        QuantileSpline.fit(x, y, **kwargs)


@pytest.mark.parametrize(
    ("taus", "message"),
    [
        ((0.5, 0.5), "taus must be increasing"),
        ((0.9, 0.1), "taus must be increasing"),
        ((), "taus must be increasing, and at least one"),
        ((0.0, 0.5), "taus must be larger than 0 and smaller than 1, got 0.0"),
        (0.5, "taus must be a sequence"),
    ],
)
def test_bad_taus(taus, message):
    with pytest.raises(ValueError, match=message):
        QuantileSpline.fit_many(X10, X10, taus=taus)


@pytest.mark.parametrize("kwargs", [{}, {"smoothing": 1.0}, {"smoothing": "sic"}, {"degree": 1},
                                    {"knots": [0.0, 4.0, 9.0]}, {"add_knots": True}])  # fmt: skip
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
    with pytest.raises(ValueError, match="constraints contradict each other"):
        QuantileSpline.fit(X10, np.sin(X10), constraints=constraints, **kwargs)
    with pytest.raises(ValueError, match="constraints contradict each other"):
        QuantileSpline.fit_many(X10, np.sin(X10), constraints=constraints, **kwargs)


def test_constraints_that_leave_only_a_line_do_not_contradict():
    curve = QuantileSpline.fit(X10, np.sin(X10), constraints=["increasing", "decreasing"])
    assert np.ptp(curve(X10)) < 1e-9
    curve = QuantileSpline.fit(X10, np.sin(X10), constraints=["convex", "concave"], n_knots=4)
    assert np.ptp(curve.derivative(X10)) < 1e-9


@pytest.mark.parametrize("constraint", ["decreasing", ("=", 3.0, 1.0)])
def test_one_constraint_needs_no_list(constraint):
    x, y = sample(50, 20)
    assert same(
        QuantileSpline.fit(x, y, constraints=constraint),
        QuantileSpline.fit(x, y, constraints=[constraint]),
    )


def test_initial_mesh():
    # 1 + j (M - 1) / (m - 1) truncated, counted from 1.
    x = np.repeat(np.arange(12.0), 2)
    assert initial_mesh(x, 6, 1).tolist() == [0, 2, 4, 6, 8, 11]
    assert initial_mesh(x, 20, 1).tolist() == list(range(12))
    assert initial_mesh(x, 20, 2).size == 11


def test_data_between():
    x = np.array([0.0, 0.0, 1.0, 1.5, 2.0, 4.0])
    assert data_between(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), x).tolist() == [3, 2, 0, 1]


def test_select_knots():
    mesh, x = np.array([0.0, 1.0, 2.0, 4.0]), np.linspace(0.0, 4.0, 50)

    def wanted(target):
        return lambda knots: 2.0 * len(set(target) - set(knots)) + len(set(knots) - set(target))

    assert select_knots(wanted([0.0, 2.0, 4.0]), mesh, x).tolist() == [0, 2, 4]
    assert select_knots(lambda knots: 0.0, mesh, x).tolist() == [0, 4]
    target = [0.0, 2.0, 3.0, 4.0]
    assert select_knots(wanted(target), mesh, x).tolist() == [0, 2, 4]
    assert select_knots(wanted(target), mesh, x, add=True).tolist() == target
    sparse = x[(x < 2.0) | (x > 3.9)]
    assert select_knots(wanted(target), mesh, sparse, add=True).tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("criterion", "numbers", "index"),
    [
        ([3, 1, 2, 3], [4, 4, 3, 3], 1),
        ([3, 1, 1, 1, 2], [4] * 5, 2),
        ([3, 2, 1, 1, 1], [4] * 5, 4),
        ([1, 1, 1, 2, 3], [4] * 5, 0),
        ([1, 1, 1, 1, 1], [4] * 5, 2),
        ([0, 1, 2, 1.5, 3], [40, 20, 9, 5, 3], 3),
        ([0, 1, 2, 1.5, 3], [40, 20, 19, 18, 3], 0),
        ([np.inf, 2, 1, 1 + 1e-8, 3], [4] * 5, 3),
    ],
)
def test_select_smoothing(criterion, numbers, index):
    assert select_smoothing(criterion, numbers, 100, 3) == index


def test_smoothing_grid():
    x = np.array([1.0, 3.0])
    grid = smoothing_grid(x, 2)
    assert grid.size == 25
    assert grid[[0, -1]] == pytest.approx([2e-4, 2e3])


@pytest.mark.slow
def test_fast_enough():
    times = {}
    for name, n, fit in (
        ("one", 8000, QuantileSpline.fit),
        ("three", 4000, QuantileSpline.fit_many),
    ):
        x, y = sample(n, 21)
        runs = []
        for _ in range(3):
            start = time.perf_counter()
            fit(x, y)
            runs.append(time.perf_counter() - start)
        times[name] = min(runs)
    assert times["one"] < 0.8
    assert times["three"] < 1.5


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
        smoothing=float(rng.choice([0.0, 0.1, 10.0])), constraints=constraints,
    )  # fmt: skip
    grid = np.linspace(x.min(), x.max(), 999)
    assert curves[0].duality_gap <= 1e-8
    assert (np.diff([curve(grid) for curve in curves], axis=0) >= 0).all()
    scale = max(1.0, np.abs(curves[0].coefficients).max(), np.abs(curves[2].coefficients).max())
    assert all(violation(curve, constraints, x) <= 1e-9 * scale for curve in curves)


def test_constraints_that_nearly_agree_still_contradict():
    x = np.linspace(0, 10, 60)
    y = 100 * (x + np.sin(7 * x))
    constraints = [("=", 3.0, 100.0), ("<=", 3.0, 100 * (1 - 1e-7))]
    with pytest.raises(ValueError, match="constraints contradict each other"):
        QuantileSpline.fit(x, y, constraints=constraints)
