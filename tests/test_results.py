# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Results are read-only, and so are their copies and what is unpickled."""

import copy
import pickle
from dataclasses import fields

import numpy as np
import pytest
from astropy import units as u

from rcasym import AgeCalibrator, AsymmetryMap, DiskBinning
from rcasym.ages import AgeBias
from rcasym.statistics import estimate


@pytest.fixture(scope="module")
def results(mock):
    rng = np.random.default_rng(1)
    ages = rng.uniform(2, 9, 200) * (1 + 0.15 * rng.standard_normal((2, 200)))
    cal = AgeCalibrator.from_ages(*ages, age_error=0.15, reference_age_error=0.15, n_bootstrap=2)
    amap = AsymmetryMap.from_catalog(mock, DiskBinning(phi=[-5, 15] * u.deg))
    return {"calibrator": cal, "pairs": cal.pairs, "curve": cal.curves[0],
            "null test": cal.null_test(n=2, rng=1), "axis": amap.binning.axes[0],
            "bias": AgeBias.fit(*ages, age_error=0.15, reference_age_error=0.15),
            "map": amap, "state": amap.state, "estimates": estimate(amap.state),
            "test": amap.test(n=9, rng=1)}


def find_arrays(result):
    """Return the arrays of a result, and of the results that it holds."""
    if isinstance(result, np.ndarray):
        return [result] if result.ndim else []
    if isinstance(result, tuple):
        return [array for part in result for array in find_arrays(part)]
    if hasattr(result, "__dataclass_fields__"):
        return find_arrays(tuple(getattr(result, field.name) for field in fields(result)))
    return find_arrays(tuple(result.columns.values())) if hasattr(result, "columns") else []


@pytest.mark.parametrize("name", ["calibrator", "pairs", "curve", "null test", "axis", "bias",
                                  "map", "state", "estimates", "test"])
@pytest.mark.parametrize("duplicate", [lambda result: result, copy.deepcopy,
                                       lambda result: pickle.loads(pickle.dumps(result))],
                         ids=["itself", "copy", "pickle"])
def test_arrays_are_read_only(results, name, duplicate):
    arrays = find_arrays(duplicate(results[name]))
    assert len(arrays) == len(find_arrays(results[name])) > 0
    for array, original in zip(arrays, find_arrays(results[name]), strict=True):
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, original)
