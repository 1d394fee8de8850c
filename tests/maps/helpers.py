# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Grids, samples and comparisons shared by the tests of maps."""

import numpy as np
from astropy import units as u
from astropy.table import QTable
from numpy.testing import assert_array_equal

from rcasym import AsymmetryMap, DiskBinning
from tests.conftest import catalog_at

ARRAYS = ("count", "mean", "median", "std", "mean_error", "radial_mean", "offset", "difference")
# Names of columns in the tables of make_raw_table.
NAMES = {"ra": "RAdeg", "dec": "DEdeg", "distance": "Dist", "m_h": "FeH", "age": "Age"}
SMALL = DiskBinning(R=[8, 10, 11, 12] * u.kpc, Z=[-1, -0.5, 0, 0.5, 1] * u.kpc,
                    phi=[-10, 0, 10] * u.deg)


def small_stars(n=2000, seed=0, **columns):
    """Return a catalogue of stars in the small grid, none of them on an edge."""
    rng = np.random.default_rng(seed)
    phi = rng.choice([-1, 1], n) * rng.uniform(0.01, 9.9, n)
    Z = rng.choice([-1, 1], n) * (rng.choice([0.01, 0.51], n) + rng.uniform(0, 0.4, n))
    return catalog_at(rng.choice([8, 10, 11], n) + rng.uniform(0.01, 0.9, n), phi, Z,
                      rng.normal(-0.3, 0.2, n), **columns)


def filled(profile, name):
    """Return a column as plain floats, NaN where masked."""
    column = profile[name]
    return np.ma.filled(getattr(column, "value", column), np.nan)


def small_map(catalog, binning=SMALL):
    return AsymmetryMap.from_catalog(catalog, binning)


def add_errors(catalog, distance=0.0, m_h=0.0):
    """Return a copy with relative errors of the distance, and errors of [M/H] in dex."""
    catalog = catalog.copy()
    catalog["distance_error"] = distance * catalog["coord"].distance
    catalog["m_h_error"] = np.full(len(catalog), m_h) * u.dex
    return catalog


def make_raw_table(cat, unit=u.pc):
    """Return a table with other column names and units, and some unknown values."""
    table = QTable({"RAdeg": cat["coord"].ra, "DEdeg": cat["coord"].dec,
                    "Dist": cat["coord"].distance.to(unit), "FeH": np.array(cat["m_h"].value),
                    "Age": cat["age"].to(u.Myr)})
    table["FeH"][::50] = -9999
    table["Dist"][3::70] = np.nan
    return table


def assert_same_profile(a, b):
    for name in a.colnames:
        if name == "asymmetry_reason":
            assert_array_equal(a[name], b[name])
        else:
            assert_array_equal(filled(a, name), filled(b, name))


def assert_same_map(a, b):
    for name in ARRAYS:
        assert_array_equal(getattr(a, name), getattr(b, name))
    assert_array_equal(a.state.values, b.state.values)
    assert (a.n_outside, a.n_masked) == (b.n_outside, b.n_masked)
    assert a.frame.is_equivalent_frame(b.frame)
