# Licensed under a 3-clause BSD style license - see LICENSE.rst
import copy
import pickle

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import DiskBinning
from rcasym.exceptions import BinningError, CatalogError, RcasymError
from rcasym.utils.axes import Axis
from tests.conftest import catalog_at, random_stars


def test_default_is_the_grid_of_the_paper():
    binning = DiskBinning()
    assert binning.shape == (6, 15, 14)
    phi, R, Z = binning.axes
    assert [axis.name for axis in binning.axes] == ["phi", "R", "Z"]
    assert_array_equal(phi.edges, [-35, -15, -5, 0, 5, 15, 35] * u.deg)
    assert_allclose(R.edges.to_value(u.kpc), np.linspace(6.2, 15.2, 16))
    assert 11.0 in R.edges.value
    assert_array_equal(Z.edges.value, -Z.edges.value[::-1])
    assert_allclose(Z.edges.value[[0, -1]], [-2.1, 2.1])
    assert binning.min_count == 3


def test_other_axes_and_units():
    binning = DiskBinning.by_age()
    assert binning.shape == (1, 6, 15, 14)
    assert_array_equal(binning["age"].edges, [0, 2, 4, 6, 8, 10, 14] * u.Gyr)
    assert_array_equal(binning["phi"].edges, [-5, 15] * u.deg)
    assert DiskBinning.by_age(min_count=10).min_count == 10
    assert DiskBinning(phi=None).shape == (15, 14)
    binning = DiskBinning(R=[8000, 9000] * u.pc, phi=[-0.1, 0.1] * u.rad, Z=[-500, 0, 500] * u.pc,
                          age=[1e9, 2e9] * u.yr)
    assert_allclose(binning["R"].edges.to_value(u.kpc), [8, 9])
    assert [str(axis.edges.unit) for axis in binning.axes] == ["deg", "Gyr", "kpc", "kpc"]
    with pytest.raises(BinningError, match="'age', the choices are 'phi', 'R', 'Z'"):
        DiskBinning()["age"]
    with pytest.raises(u.UnitsError, match="'Z'"):
        DiskBinning(Z=[-1, 0, 1] * u.deg)
    with pytest.raises(TypeError, match="'R'"):
        DiskBinning(R=[8, 9, 10])


def test_axis():
    axis = Axis("R", [8, 9, 11] * u.kpc)
    assert_allclose(axis.centers.value, [8.5, 10])
    assert_allclose(axis.widths.value, [1, 2])
    assert axis.label == "$R$ [kpc]"
    assert axis.interval(1) == "9 ≤ $R$ ≤ 11 kpc"
    assert Axis("phi", [-5, -0.0] * u.deg).interval(0) == "−5 ≤ $\\phi$ ≤ 0°"
    assert repr(axis) == "Axis('R', [8, 9, 11] kpc)"
    assert axis != Axis("R", [8, 9, 12] * u.kpc)
    with pytest.raises(ValueError, match="read-only"):
        axis.edges[0] = 1 * u.kpc


@pytest.mark.parametrize(("edges", "message"), [
    ({"R": [8, 7, 9] * u.kpc}, "R edges must increase; got 8 followed by 7"),
    ({"R": [8, 8, 9] * u.kpc}, "R edges must increase; got 8 followed by 8"),
    ({"R": [8] * u.kpc}, "R must hold two or more bin edges"),
    ({"R": 8 * u.kpc}, "R must hold two or more bin edges"),
    ({"R": [-1, 9] * u.kpc}, "R edges must be between 0 and inf; got -1"),
    ({"R": [8, np.nan, 9] * u.kpc}, "R edges must be finite; got nan"),
    ({"Z": [-1, 0, 2] * u.kpc}, "Z edges must mirror about 0 .* -1 without 1"),
    ({"Z": [0, 1, 2] * u.kpc}, "Z edges must mirror about 0"),
    ({"Z": [-1, 0, 1 + 2e-9] * u.kpc}, "Z edges must mirror about 0 to 1e-09; got"),
    ({"phi": [170, 190] * u.deg}, "phi edges must be between -180 and 180; got 170 to 190"),
    ({"phi": [170, -170] * u.deg}, "phi edges must increase; got 170 followed by -170"),
    ({"age": [-1, 5] * u.Gyr}, "age edges must be between 0"),
    ({"min_count": 0}, "min_count must be a whole number of 1 or more; got 0"),
    ({"min_count": 2.5}, "min_count must be a whole number")])
def test_rejects_bad_edges(edges, message):
    with pytest.raises(RcasymError, match=message):
        DiskBinning(**edges)


@pytest.mark.parametrize("Z", [np.arange(-2.1, 2.2, 0.3), np.linspace(-2.1, 2.1, 15),
                               [-1, 0, 1 + 5e-10]])
def test_Z_mirrors_to_rounding(Z):
    binning = DiskBinning(Z=Z * u.kpc)
    assert_array_equal(binning["Z"].edges.value, Z)
    assert_array_equal(binning.abs_Z.edges.value, np.abs(Z[len(Z) // 2:]))


def test_abs_Z_excludes_the_bin_astride_the_plane():
    axis = DiskBinning(Z=[-2, -1, -0.5, 0.5, 1, 2] * u.kpc).abs_Z
    assert axis == Axis("abs_Z", [0.5, 1, 2] * u.kpc)
    assert len(DiskBinning(Z=[-1, 1] * u.kpc).abs_Z) == 0


def test_equality_copies_and_cached_properties():
    used, new = DiskBinning.by_age(), DiskBinning.by_age()
    assert repr(new) == "<DiskBinning: phi 1 x age 6 x R 15 x Z 14 voxels, min_count=3>"
    assert new != DiskBinning.by_age(min_count=4)
    with pytest.raises(AttributeError):
        new.min_count = 5
    names = ("shape", "size", "n_slices", "abs_Z")
    cached = {name: getattr(used, name) for name in names}
    assert vars(used).keys() > set(names)
    assert used == new
    assert hash(used) == hash(new)
    for again in (pickle.loads(pickle.dumps(used)), copy.copy(used), copy.deepcopy(used)):
        assert again == new
        assert hash(again) == hash(new)
        assert {name: getattr(again, name) for name in names} == cached


def test_index():
    binning = DiskBinning()
    cat = random_stars(2000, 1)
    index = binning.index(cat)
    where = np.unravel_index(index[index >= 0], binning.shape)
    inside = cat[index >= 0]
    for axis, bin_, values in zip(binning.axes, where, (inside.phi, inside.R, inside.Z),
                                  strict=True):
        assert np.all(axis.edges[bin_] <= values)
        assert np.all(values <= axis.edges[bin_ + 1])
    outside = cat[index < 0]
    assert np.all((np.abs(outside.phi) > 35 * u.deg) | (outside.R < 6.2 * u.kpc)
                  | (outside.R > 15.2 * u.kpc) | (np.abs(outside.Z) > 2.1 * u.kpc))
    unknown = catalog_at([8, np.nan, 8], [0, 0, 0], [0.1, 0.1, 0.1], [0, 0, 0],
                         age=[1, 1, np.nan] * u.Gyr)
    assert_array_equal(binning.index(unknown) >= 0, [True, False, True])
    assert_array_equal(DiskBinning.by_age().index(unknown) >= 0, [True, False, False])
    with pytest.raises(CatalogError, match="column 'age'"):
        DiskBinning.by_age().index(cat)
