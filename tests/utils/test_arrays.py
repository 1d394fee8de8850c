# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked
from numpy.testing import assert_array_equal

from rcasym.utils.arrays import frozen, plain_floats, plain_text
from rcasym.utils.axes import Axis


@pytest.mark.parametrize("values", [np.arange(3.0), np.arange(3.0) * u.kpc])
def test_frozen_is_a_copy(values):
    copy = frozen(values)
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = copy[1]
    values[0] = values[2]
    assert np.all(copy == np.arange(3) * getattr(values, "unit", 1))
    assert frozen([1, 2], float).dtype == float


def test_edges_of_an_axis_are_a_copy():
    edges = [0, 2, 6] * u.Gyr
    axis = Axis("age", edges)
    edges[0] = 1 * u.Gyr
    assert axis.edges[0] == 0 * u.Gyr
    with pytest.raises(ValueError, match="read-only"):
        axis.edges[0] = 1 * u.Gyr


@pytest.mark.parametrize(("values", "unit", "expected"), [
    (Masked([1000.0, 2000] * u.pc, mask=[False, True]), u.kpc, [1, np.nan]),
    (MaskedColumn([1, 2], mask=[False, True], unit="kpc"), u.kpc, [1, np.nan]),
    (MaskedColumn([1, 2], mask=[False, True]), None, [1, np.nan]),
    ([1, 2], None, [1, 2]), ([1, 2] * u.Myr, u.Gyr, [0.001, 0.002])])
def test_plain_floats(values, unit, expected):
    numbers = plain_floats(values, unit)
    assert type(numbers) is np.ndarray
    assert_array_equal(numbers, expected)


@pytest.mark.parametrize("column", [
    ["a", "bb ", " ", "5"], [b"a", b"bb ", b"", b"5"], Column(["a", "bb", "", "5"]),
    np.array(["a", b"bb", None, 5], object),
    *(MaskedColumn(names, mask=[0, 0, 1, 0])
      for names in (["a", "bb", "c", "5"], [b"a", b"bb", b"c", b"5"]))])
def test_plain_text(column):
    text = plain_text(column)
    assert text.dtype.kind == "U"
    assert text.tolist() == ["a", "bb", "", "5"]
