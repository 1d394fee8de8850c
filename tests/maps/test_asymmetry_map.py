# Licensed under a 3-clause BSD style license - see LICENSE.rst
import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog
from rcasym.catalog.frames import galactocentric_frame
from rcasym.exceptions import BinningError, CatalogError, CatalogWarning
from tests.conftest import catalog_at, random_stars
from tests.maps.helpers import ARRAYS, SMALL, assert_same_map, small_map, small_stars


@pytest.fixture(scope="module")
def stars():
    return random_stars(20_000, 11)


@pytest.fixture(scope="module")
def amap(stars):
    return AsymmetryMap.from_catalog(stars)


class TestArrays:
    def test_units_and_shapes(self, amap):
        assert amap.count.dtype.kind == "i"
        for name in ARRAYS[1:]:
            values = getattr(amap, name)
            assert type(values) is u.Quantity
            assert values.unit == u.dex
        shape = (6, 15, 14)
        for name in ("count", "mean", "median", "std", "mean_error", "offset"):
            assert getattr(amap, name).shape == shape
        assert amap.radial_mean.shape == (6, 15)
        assert amap.difference.shape == (6, 15, 7)
        assert f"{amap.n_stars:,} stars in phi 6 x R 15 x Z 14 voxels" in repr(amap)
        with pytest.raises(AttributeError):
            amap.binning = DiskBinning()

    def test_agrees_with_a_plain_loop(self, stars):
        amap = AsymmetryMap.from_catalog(stars, SMALL)
        phi, R, Z, m_h = (np.asarray(values) for values in
                          (stars.phi, stars.R, stars.Z, stars["m_h"]))
        for i, j, k in np.ndindex(SMALL.shape):
            slices = [(axis.edges.value[b], axis.edges.value[b + 1])
                      for axis, b in zip(SMALL.axes, (i, j, k), strict=True)]
            ring = ((slices[0][0] <= phi) & (phi < slices[0][1]) & (slices[1][0] <= R)
                    & (R < slices[1][1]) & (np.abs(Z) <= 1))
            voxel = m_h[ring & (slices[2][0] <= Z) & (Z < slices[2][1])]
            assert amap.count[i, j, k] == len(voxel)
            for name, expected in (
                    ("mean", voxel.mean()), ("median", np.median(voxel)),
                    ("std", voxel.std(ddof=1)),
                    ("mean_error", voxel.std(ddof=1) / np.sqrt(len(voxel))),
                    ("offset", voxel.mean() - m_h[ring].mean())):
                assert_allclose(getattr(amap, name)[i, j, k].value, expected, atol=1e-12)
            assert_allclose(amap.radial_mean[i, j].value, m_h[ring].mean(), atol=1e-12)
        for k, (north, south) in enumerate(((2, 1), (3, 0))):
            assert_allclose(amap.difference[..., k].value,
                            (amap.offset[..., north] - amap.offset[..., south]).value)
            assert_allclose(amap.difference_error[..., k].value**2,
                            (amap.mean_error[..., north]**2 + amap.mean_error[..., south]**2).value)

    def test_sparse_voxels_are_nan_but_counted(self):
        R, Z = [9.0] * 7, [0.2, 0.2, 0.3, -0.2, -0.3, -0.7, -0.7]
        amap = AsymmetryMap.from_catalog(
            catalog_at(R, [-5.0] * 7, Z, [0, 0.1, 0.2, 1, 1, 1, 1]), SMALL)
        assert_array_equal(amap.count[0, 0], [2, 2, 3, 0])
        assert_array_equal(np.isnan(amap.mean[0, 0]), [True, True, False, True])
        for name in ("median", "std", "mean_error", "offset"):
            assert_array_equal(np.isnan(getattr(amap, name)), np.isnan(amap.mean))
        # The radial mean includes all seven stars.
        assert_allclose(amap.radial_mean[0, 0].value, 4.3 / 7)
        assert np.isnan(amap.radial_mean[1, 0])
        assert np.all(np.isnan(amap.difference))

    def test_difference_excludes_the_bin_astride_the_plane(self, stars):
        binning = DiskBinning(Z=[-1.5, -0.5, 0.5, 1.5] * u.kpc)
        amap = AsymmetryMap.from_catalog(stars, binning)
        assert amap.difference.shape == (6, 15, 1)
        assert_allclose(amap.difference[..., 0].value,
                        (amap.offset[..., 2] - amap.offset[..., 0]).value)


class TestAccounting:
    def test_counts_add_up(self, stars, amap):
        assert amap.n_stars == amap.count.sum()
        assert amap.n_stars + amap.n_outside + amap.n_masked == len(stars)
        assert amap.n_outside > 0

    def test_unknown_values_are_masked_and_ages_only_with_an_age_axis(self):
        cat = catalog_at([9, 9, np.nan, 30], [1, 1, 1, 1], [0.1] * 4, [0, np.nan, 0, 0],
                         age=[-9999, 1, 1, 1] * u.Gyr)
        amap, by_age = (AsymmetryMap.from_catalog(cat, binning)
                        for binning in (None, DiskBinning.by_age(Z=[-1, 0, 1] * u.kpc)))
        assert (amap.n_stars, amap.n_outside, amap.n_masked) == (1, 1, 2)
        assert np.all(np.isnan(amap.mean))
        assert (by_age.n_stars, by_age.n_outside, by_age.n_masked) == (0, 1, 3)

    @pytest.mark.parametrize(("columns", "binning", "missing"), [
        (["coord", "galcen"], DiskBinning(), "m_h"), (["m_h"], DiskBinning(), "galcen"),
        (["coord", "galcen", "m_h"], DiskBinning.by_age(), "age")])
    def test_rejects_missing_columns(self, mock, columns, binning, missing):
        with pytest.raises(CatalogError, match=f"column '{missing}'"):
            AsymmetryMap.from_catalog(mock[columns], binning)

    def test_all_stars_outside(self):
        with pytest.warns(CatalogWarning, match="no star .* inside the grid .2 outside, 1 masked"):
            amap = AsymmetryMap.from_catalog(
                catalog_at([20, 25, 9], [0, 0, 0], [0, 0, 0], [0, 0, np.nan]))
        assert amap.n_outside == 2
        assert np.all(np.isnan(amap.offset))
        assert len(amap.largest_offsets()) == 0
        assert len(amap.plot()) == 6


class TestInvariance:
    @settings(max_examples=20)
    @given(st.integers(0, 10_000), st.integers(20, 3000))
    def test_mirror(self, seed, n):
        cat = small_stars(n, seed)
        a, b = (small_map(catalog_at(1.1 * cat.R, cat.phi, Z, cat["m_h"].value))
                for Z in (cat.Z, -cat.Z))
        assert_array_equal(b.difference, -a.difference)
        for name in ("count", "mean", "median", "std", "mean_error", "offset"):
            assert_array_equal(np.asarray(getattr(b, name)),
                               np.asarray(getattr(a, name))[..., ::-1])
        assert_array_equal(b.radial_mean, a.radial_mean)
        assert (a.n_outside, a.n_masked) == (b.n_outside, b.n_masked)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 10_000), st.lists(st.integers(0, 800), max_size=4))
    def test_order_and_batches_do_not_matter(self, seed, cuts):
        cat = random_stars(800, 5)[np.random.default_rng(seed).permutation(800)]
        whole = AsymmetryMap.from_catalog(random_stars(800, 5), SMALL)
        bounds = [0, *sorted(cuts), 800]
        batches = [cat[a:b] for a, b in pairwise(bounds)]
        assert_same_map(AsymmetryMap.from_batches(iter(batches), SMALL), whole)

    def test_addition(self, stars, amap):
        parts = [AsymmetryMap.from_catalog(stars[i::3]) for i in range(3)]
        assert_same_map(parts[2] + parts[0] + parts[1], amap)
        with pytest.raises(BinningError, match="same binning"):
            amap + AsymmetryMap.from_catalog(stars, SMALL)
        with pytest.raises(TypeError):
            amap + 1
        other = RedClumpCatalog.from_table(stars, frame=galactocentric_frame(R0=8 * u.kpc))
        for merge in (lambda: AsymmetryMap.from_batches([stars, other]),
                      lambda: amap + AsymmetryMap.from_catalog(other)):
            with pytest.raises(CatalogError, match="share one Galactocentric frame"):
                merge()


class TestMock:
    def test_recovers_the_injected_asymmetry(self):
        stars = make_mock_catalog(100_000, rng=3).select()
        flat = make_mock_catalog(100_000, rng=3, amplitude=0 * u.dex).select()
        asymmetric, symmetric = (AsymmetryMap.from_catalog(cat) for cat in (stars, flat))
        binning = asymmetric.binning
        R, phi = binning["R"].centers.value, binning["phi"].centers.value
        outer = np.ix_((phi > -5) & (phi < 15), (R > 11.5) & (R < 14), range(4))
        inner = np.ix_((phi > -5) & (phi < 15), R < 10.5, range(4))

        def mean_difference(amap, where):
            values = amap.difference.value[where]
            return np.nanmean(values), np.nanstd(values) / np.sqrt(np.isfinite(values).sum())

        difference, error = mean_difference(asymmetric, outer)
        assert difference > 5 * error
        for amap, where in ((symmetric, outer), (asymmetric, inner), (symmetric, inner)):
            difference, error = mean_difference(amap, where)
            assert abs(difference) < 4 * error


class TestLargestOffsets:
    def test_lists_the_largest(self, amap):
        table = amap.largest_offsets(7, min_count=5)
        offsets = np.where(amap.count >= 5, np.abs(amap.offset.value), np.nan)
        expected = np.sort(offsets[np.isfinite(offsets)])[:-8:-1]
        assert_allclose(np.abs(table["offset"].value), expected)
        assert np.all(table["count"] >= 5)
        first = table[0]
        where = tuple(np.flatnonzero(axis.edges[:-1] == first[f"{axis.name}_min"])[0]
                      for axis in amap.binning.axes)
        assert amap.offset[where] == first["offset"]
        assert amap.mean_error[where] == first["mean_error"]


class TestFiles:
    @pytest.mark.parametrize("name", ["map.fits", "map.h5", "map.hdf5"])
    @pytest.mark.parametrize("binning", [DiskBinning(), DiskBinning.by_age(min_count=5),
                                         DiskBinning(phi=None)], ids=["phi", "age", "RZ"])
    def test_round_trip(self, mock, name, binning, tmp_path):
        if ".h" in name:
            pytest.importorskip("h5py")
        amap = AsymmetryMap.from_catalog(mock, binning)
        amap.write(tmp_path / name)
        again = AsymmetryMap.read(tmp_path / name)
        assert_same_map(again, amap)
        assert again.binning == amap.binning
        assert again.frame.is_equivalent_frame(amap.frame)
        more = AsymmetryMap.from_catalog(mock[:500], binning)
        assert_same_map(again + more, amap + more)

    def test_fits_arrays_for_other_programs(self, amap, tmp_path):
        amap.write(tmp_path / "map.fits")
        with fits.open(tmp_path / "map.fits", checksum=True) as hdus:
            assert_array_equal(hdus["OFFSET"].data, amap.offset.value)
            assert hdus["OFFSET"].header["BUNIT"] == "dex"
            assert_array_equal(hdus["EDGES_R"].data["edge"], amap.binning["R"].edges.value)

    def test_formats_and_overwrite(self, amap, tmp_path):
        path = tmp_path / "map.dat"
        amap.write(path, format="fits")
        assert_same_map(AsymmetryMap.read(path, format="fits"), amap)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            amap.write(path, format="fits")
        amap.write(path, format="fits", overwrite=True)
        for how, got in (({"format": "votable"}, "votable"), ({}, ".dat")):
            with pytest.raises(ValueError, match=f"must be one of 'fits', 'hdf5'; got '{got}'"):
                amap.write(path, **how)
        assert [file.name for file in tmp_path.iterdir()] == ["map.dat"]
        with pytest.raises(OSError, match="none"):
            amap.write(tmp_path / "none" / "map.fits")

    def test_rejects_bad_files(self, amap, mock, tmp_path):
        path = tmp_path / "map.fits"
        amap.write(path)
        with pytest.raises(CatalogError, match="cannot read a map from"):
            AsymmetryMap.read(path, format="hdf5")
        with fits.open(path, mode="update") as hdus:
            hdus["VALUES"].data = hdus["VALUES"].data[:-1]
        with pytest.raises(CatalogError, match=f"{amap.n_stars} stars in voxels of shape .* do "
                                               f"not go with {amap.n_stars - 1} values"):
            AsymmetryMap.read(path)
        path.write_bytes(path.read_bytes()[:200_000])
        mock.write(tmp_path / "stars.fits")
        for name in ("map.fits", "stars.fits"):
            with pytest.raises(CatalogError, match=f"cannot read a map from .*{name}"):
                AsymmetryMap.read(tmp_path / name)
        with pytest.raises(FileNotFoundError):
            AsymmetryMap.read(tmp_path / "none.fits")


@pytest.mark.parametrize("duplicate", [copy.deepcopy,
                                       lambda amap: pickle.loads(pickle.dumps(amap))])
@pytest.mark.parametrize("medians", [True, False])
def test_copies_are_read_only(duplicate, medians):
    amap = AsymmetryMap.from_batches([random_stars(2000, 1)], medians=medians)
    mean = amap.mean
    again = duplicate(amap)
    assert_array_equal(again.mean, mean)
    for array in (again.mean, again.count, again.state.counts, again.binning["R"].edges):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
