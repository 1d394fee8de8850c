# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The same curves as the R package cobs."""

import numpy as np
import pytest

from rcasym.splines import QuantileSpline

from .cobs import TINY, arguments, read_points, read_records
from .helpers import violation

# All tags of all data sets; with 2,000 points only those in FAST are fast.
COMMON = """reg_AIC reg_SIC reg_BIC reg_AIC_add reg_SIC_add fixed6 fixed12 fixed6_incr reg_AIC_incr
reg_SIC_incr smooth_lam1 smooth_SIC smooth_SIC_incr""".split()

ONLY_D1 = """fixed6_decr fixed6_convex fixed6_concave fixed6_periodic fixed6_incr_convex
fixed6_pointwise smooth_lam1_convex""".split()

FAST = ("reg_AIC", "reg_SIC", "fixed6", "fixed12", "fixed6_incr", "smooth_lam1")

CASES = [
    pytest.param(
        name, tag, marks=[pytest.mark.slow] if name[:2] in ("d4", "d6") and tag not in FAST else [])
    for name in ("d1_n200", "d4_outliers", "d6_sparse", "d7_tiny20")
    for tag in COMMON + (ONLY_D1 if name == "d1_n200" else [])
]


def check_at_the_same_knots(x, y, record):
    kwargs = arguments(record)
    kwargs["smoothing"] = record["lam"]
    curve = QuantileSpline.fit(x, y, knots=record["knots"], **kwargs)
    assert curve.duality_gap <= 1e-8
    assert np.array_equal(curve.knots, record["knots"])
    if (x.size, record["tau"], record["degree"], record["tag"]) == (20, 0.9, 2, "smooth_SIC_incr"):
        # Here COBS stops short of the optimum, as the duality gap proves.
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
    # Status 18: a flat curve, whose smoothing is not unique.
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
def test_all_reference_fits_are_compared(name):
    read_points(name)
    tested = {case.values[1] for case in CASES if case.values[0] == name}
    assert {record["tag"] for record in read_records(name)} == tested


@pytest.mark.parametrize(
    "record", TINY["records"], ids=lambda r: f"{r['tag']}-{r['tau']}-{r['degree']}")
def test_same_as_cobs_on_20_points(record):
    x, y = np.array(TINY["x"]), np.array(TINY["y"])
    check_at_the_same_knots(x, y, record)
    check_the_choice(x, y, record)
