# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, vstack
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import RedClumpCatalog
from rcasym.catalog import galactocentric_frame
from rcasym.catalog.crossmatch import _find_pairs, _sky_degrees, find_mutual_nearest, find_repeats
from rcasym.exceptions import CatalogError
from tests.catalog.helpers import plain_table
from tests.conftest import catalog_at


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


class TestConcatenate:
    def test_stars_in_common_and_repeats(self):
        a = catalog_at([8, 9, 10, 8], [0, 5, -5, 0], [0.5, -0.5, 1, 0.5], [0.1, 0.2, 0.3, 0.4],
                       survey="LAMOST")
        b = catalog_at([9, 11], [5, 7], [-0.5, 1], [0.5, 0.6], survey="APOGEE",
                       age=[3, 4] * u.Gyr)
        both = RedClumpCatalog.concatenate([a, b])
        assert both.meta["n_common"] == 1
        assert both.meta["n_repeat"] == 1
        assert_allclose(both["m_h"].value, [0.1, 0.2, 0.3, 0.6])
        assert_array_equal(both["age"].mask, [True, True, True, False])
        assert_array_equal(both["survey"], ["LAMOST"] * 3 + ["APOGEE"])
        other_order = RedClumpCatalog.concatenate([b, a])
        assert_allclose(other_order["m_h"].value, [0.5, 0.6, 0.1, 0.3])
        everything = RedClumpCatalog.concatenate([a, b], duplicates="all")
        assert len(everything) == 6
        assert everything.meta["n_common"] == 1
        with pytest.raises(CatalogError, match="1 stars in common .* 1 repeat observations"):
            RedClumpCatalog.concatenate([a, b], duplicates="error")
        with pytest.raises(ValueError, match="duplicates must be one of .*'best'"):
            RedClumpCatalog.concatenate([a, b], duplicates="best")

    def test_three_surveys(self):
        a, b, c = (catalog_at([8, 9 + k], [0, 5], [0.5, -0.5], [k, k + 0.5]) for k in range(3))
        three = RedClumpCatalog.concatenate([a, b, c])
        assert three.meta["n_common"] == 2
        assert_allclose(three["m_h"].value, [0, 0.5, 1.5, 2.5])

    @pytest.mark.parametrize(("arcsec", "max_separation", "n", "n_repeat"), [
        ([3], 1 * u.arcsec, 2, 0), ([3], 4 * u.arcsec, 1, 0),
        # A repeat of a common star goes too.
        ([0.9, 1.5], 1 * u.arcsec, 1, 1), ([1.5, 0.9], 1 * u.arcsec, 1, 1)])
    def test_max_separation(self, arcsec, max_separation, n, n_repeat):
        tables = [plain_table(1), vstack([plain_table(1)] * len(arcsec))]
        tables[1]["dec"] += np.array(arcsec) / 3600
        both = RedClumpCatalog.concatenate(map(RedClumpCatalog.from_table, tables),
                                           max_separation=max_separation)
        assert (len(both), both.meta["n_common"]) == (n, 2 - n)
        assert both.meta["n_repeat"] == n_repeat

    def test_stars_without_position_are_kept(self):
        table = plain_table(distance=[1.0, np.nan, np.nan, 2.0])
        table["ra"][1] = np.nan
        cat = RedClumpCatalog.from_table(table)
        both = RedClumpCatalog.concatenate([cat, cat])
        # The direction of the third star is known, so it is found again; the second's is not.
        assert len(both) == 5
        assert both.meta["n_common"] == 3

    def test_many_rows_at_one_place(self):
        table = plain_table(20_000, ra=np.zeros(20_000), dec=np.zeros(20_000))
        one = RedClumpCatalog.concatenate([RedClumpCatalog.from_table(table)])
        assert (len(one), one.meta["n_repeat"]) == (1, 19_999)

    @pytest.mark.parametrize("separation", [0 * u.arcsec, -1 * u.arcsec, np.nan * u.arcsec,
                                            [1, 2] * u.arcsec])
    def test_separation_that_is_none(self, separation, mock):
        with pytest.raises(CatalogError, match="max_separation must be one angle above 0"):
            mock.match(mock, separation)
        with pytest.raises(CatalogError, match="max_separation"):
            RedClumpCatalog.concatenate([mock], max_separation=separation)

    def test_rejects_bad_arguments(self, mock):
        near = RedClumpCatalog.from_table(mock[:4], frame=galactocentric_frame(R0=8 * u.kpc))
        for catalogs, message in ((mock, "got one catalogue, put it in a list"),
                                  ([1], "must hold catalogues; got int"), ([], "got none"),
                                  ([mock, near], "galcen_distance = 8.34.* and 8")):
            with pytest.raises(CatalogError, match=message):
                RedClumpCatalog.concatenate(catalogs)
        with pytest.raises(u.UnitsError, match="max_separation"):
            RedClumpCatalog.concatenate([mock], max_separation=1 * u.kpc)
