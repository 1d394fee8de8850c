# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rcasym.catalog.crossmatch import _find_pairs, _sky_degrees, find_mutual_nearest, find_repeats


def field(n, seed, width=20):
    """Stars crowded into a field a few arcsec wide, across RA = 0."""
    rng = np.random.default_rng(seed)
    return SkyCoord(rng.uniform(-width, width, n) * u.arcsec,
                    (30 * u.deg + rng.uniform(-width, width, n) * u.arcsec))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 999))
def test_mutual_nearest_agrees_with_all_pairs(n, m, seed):
    a, b = field(n, seed), field(m, seed + 1000)
    separation = a[:, np.newaxis].separation(b[np.newaxis]).arcsec
    expected = [(i, j) for i in range(n) for j in range(m)
                if separation[i, j] <= 5 and separation[i].argmin() == j
                and separation[:, j].argmin() == i]
    i, j, found = find_mutual_nearest(a, b, 5 * u.arcsec)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected
    assert_allclose(found.value, [separation[pair] for pair in expected], rtol=1e-5, atol=1e-5)


@given(st.integers(1, 40), st.integers(0, 999))
def test_repeats_are_near_their_first_and_firsts_apart(n, seed):
    coord = field(n, seed)
    first = find_repeats(coord, 5 * u.arcsec)
    separation = coord[:, np.newaxis].separation(coord[np.newaxis]).arcsec
    rows = np.arange(n)
    assert np.all(first <= rows)
    assert_array_equal(first[first], first)
    assert np.all(separation[rows, first] <= 5)
    kept = np.flatnonzero(first == rows)
    assert np.all(separation[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] > 5)


@given(st.integers(1, 60), st.integers(0, 999), st.sampled_from([5e-4, 8, 100, 1e5]))
def test_pairs_are_those_of_astropy(n, seed, arcsec):
    a, b = field(n, seed), field(n, seed + 1)
    found = _find_pairs(_sky_degrees(a), _sky_degrees(b), arcsec * u.arcsec)
    j, i, separation, _ = a.search_around_sky(b, arcsec * u.arcsec)
    order, expected = np.lexsort(found[1::-1]), np.lexsort([j, i])
    assert_array_equal(np.transpose(found[:2])[order], np.column_stack([i, j])[expected])
    assert_allclose(found[2][order], separation.deg[expected], rtol=1e-9, atol=1e-12)


def test_unknown_positions_match_nothing():
    coord = SkyCoord([np.nan, 10, np.nan] * u.deg, [0, 0, np.nan] * u.deg)
    i, j, _ = find_mutual_nearest(coord, coord, 1 * u.arcsec)
    assert_array_equal(i, [1])
    assert_array_equal(j, [1])
    assert_array_equal(find_repeats(coord, 1 * u.arcsec), [0, 1, 2])
    nothing = coord[[0, 2]]
    assert len(find_mutual_nearest(nothing, coord, 1 * u.arcsec)[0]) == 0


def test_catalogue_match(mock):
    lamost, apogee = (mock[mock["survey"] == name] for name in ("LAMOST", "APOGEE"))
    pairs = apogee.match(lamost, 1 * u.arcsec)
    assert_array_equal(apogee["star_id"][pairs["index"]], lamost["star_id"][pairs["other_index"]])
    assert len(pairs) == len(np.intersect1d(apogee["star_id"], lamost["star_id"]))
    assert pairs["separation"].unit == u.arcsec
    with pytest.raises(ValueError, match="the other catalogue must have a column 'coord'"):
        apogee.match(QTable({"ra": [1.0]}))
