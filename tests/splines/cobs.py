# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Fits of the R package cobs 1.3-9-1, to compare with."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

if "RCASYM_TEST_DATA" in os.environ:
    ORACLE = Path(os.environ["RCASYM_TEST_DATA"]).parent / "cobs-oracle"
else:
    ORACLE = Path(__file__).parents[3] / "shared" / "cobs-oracle"
# A part of d7_tiny20, so that something is compared where that folder does not exist.
TINY = json.loads((Path(__file__).parent / "data" / "cobs_tiny.json").read_text())

SHAPES = {
    "increase": "increasing",
    "decrease": "decreasing",
    "convex": "convex",
    "concave": "concave",
    "periodic": "periodic",
}

KINDS = {0: "=", 1: ">=", -1: "<=", 2: "slope"}


def read_points(name):
    """Return x and y of a data set, or skip the test if it is missing."""
    path = ORACLE / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"the reference fits of COBS are missing: no {path.name} in {path.parent}")
    x, y, _ = np.loadtxt(path, delimiter=",", skiprows=1).T
    return x, y


def read_records(name):
    return json.loads((ORACLE / f"{name}.json").read_text())


def arguments(record):
    """Return the arguments of `QuantileSpline.fit` that repeat a fit, except its knots."""
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
